# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dockerd_listener does for those who use it: with TLS, without it, on interfaces, and when it renews."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    record_path,
    write_record,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._listener import publication
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in

from .listener_site import EXPOSED, PLAIN, Site


def test_one_execution_when_nothing_changes_and_two_when_something_does(site: Site) -> None:
    first = site.run(**EXPOSED)
    assert (first["changed"], first["reason"], site.host.modules) == (True, "missing", ["observe", "run"])
    second = site.run(**EXPOSED)
    assert (second["changed"], second["reason"], site.host.modules) == (False, "", ["observe"])
    assert second["endpoint"] == first["endpoint"]
    assert second["endpoint"]["tls"] is True
    assert not {"certificate", "request", "pending", "identity_is_due", "time", "bundle_changed"} & {*first, *second}


class TestInTheClear:
    def test_it_is_one_execution_when_nothing_changes_and_two_when_something_does(self, site: Site) -> None:
        first = site.run(**EXPOSED, **PLAIN)
        assert (first["changed"], site.host.modules) == (True, ["observe", "run"])
        second = site.run(**EXPOSED, **PLAIN)
        assert (second["changed"], second["reason"], site.host.modules) == (False, "", ["observe"])

    def test_nothing_is_made_on_the_controller_but_the_record(self, site: Site) -> None:
        site.run(**EXPOSED, **PLAIN, key_origin="controller")
        assert [path for path in site.files if not path.endswith((".lock", ".gitignore"))] == [
            "default/endpoints/web1.json"
        ]
        assert not site.host.key_requests
        assert all(order["secrets"] == {} for order in site.host.orders)

    def test_the_record_knows_of_no_certificate(self, site: Site) -> None:
        result = site.run(**EXPOSED, **PLAIN)
        assert result["endpoint"] == result["ansible_facts"]["gangway_endpoint"] == site.record.as_facts()
        record = dataclasses.asdict(site.record)
        assert {name: record[name] for name in ("url", "tls", "verified", "listen", "allow", "method")} == {
            "url": "tcp://10.0.0.5:2376",
            "tls": False,
            "verified": True,
            "listen": ["10.0.0.5:2376"],
            "allow": ["10.0.0.0/24"],
            "method": "socket",
        }
        empty = ("server_names", "not_after", "fingerprint", "certificate", "issuer", "trust", "refused", "client")
        assert [record[name] for name in empty] == [[], "", "", "", None, None, [], ""]

    def test_each_run_warns_who_is_root_now(self, site: Site) -> None:
        for arguments in ({"check_mode": True}, {}, {}, {"check_mode": True}, {"state": "renewed"}):
            (warning,) = site.run(**EXPOSED, **PLAIN, **arguments)["warnings"]
            assert (
                "open without TLS: anyone who reaches tcp://10.0.0.5:2376 from 10.0.0.0/24 has root on web1" in warning
            )

    @pytest.mark.parametrize("insecure", [{}, {"insecure": False}])
    def test_it_is_refused_where_it_is_not_said_twice(self, site: Site, insecure: dict[str, bool]) -> None:
        refused = site.run(**EXPOSED, tls=False, **insecure)
        assert (refused["failed"], refused["failure"], site.host.modules) == (True, "insecure_not_confirmed", [])
        assert not site.fleets_dir.exists()

    def test_to_say_only_the_second_word_changes_nothing(self, site: Site) -> None:
        assert site.run(**EXPOSED, insecure=True)["endpoint"]["tls"] is True

    @pytest.mark.parametrize(
        "allow", [["any"], ["0.0.0.0/0"], ["::/0"], ["10.0.0.0/24", "::/0"], ["0.0.0.0/1", "128.0.0.0/1"]]
    )
    def test_it_is_refused_for_everyone(self, site: Site, allow: list[str]) -> None:
        refused = site.run(listen=["10.0.0.5:2376"], allow=allow, **PLAIN)
        assert (refused["failed"], refused["failure"], site.host.modules) == (True, "insecure_everyone", [])

    def test_without_an_access_list_it_is_the_controllers_address(self, site: Site) -> None:
        result = site.run(listen=["10.0.0.5:2376"], **PLAIN)
        assert (result["allow"], site.host.modules) == (["10.0.0.1/32"], ["observe", "run"])

    def test_where_it_does_not_work_that_is_told(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        tried: list[Connection] = []

        def probe(connection: Connection) -> str:
            tried.append(connection)
            return "HTTP 400"

        monkeypatch.setattr(publication, "probe_endpoint", probe)
        result = site.run(**EXPOSED, **PLAIN)
        assert any("does not work from the controller: HTTP 400" in warning for warning in result["warnings"])
        assert site.record.verified is False
        site.run(listen=["10.0.0.5:2376"], allow=["10.9.0.0/24"], **PLAIN)
        assert site.record.verified is None
        assert tried == [Connection("tcp://10.0.0.5:2376", None)]

    def test_going_there_and_back_is_a_change_like_any_other(self, site: Site) -> None:
        site.run(**EXPOSED)
        plain = site.run(**EXPOSED, **PLAIN)
        assert (plain["changed"], site.host.modules, site.record.tls) == (True, ["observe", "run"], False)
        back = site.run(**EXPOSED)
        assert (back["changed"], back["reason"], site.host.modules) == (True, "missing", ["observe", "run"])
        assert site.record.tls is True
        assert site.record.trust
        assert not site.run(**EXPOSED)["changed"]

    def test_a_certificate_that_is_still_there_is_taken_again(self, site: Site) -> None:
        site.run(**EXPOSED)
        certificate, key = site.certificate, site.host.text(layout.KEY)
        site.run(**EXPOSED, **PLAIN)
        site.host.write(layout.CERTIFICATE, certificate)
        site.host.write(layout.KEY, key)
        back = site.run(**EXPOSED)
        assert (back["reason"], site.certificate) == ("", certificate)
        assert site.record.fingerprint == fingerprint(try_chain(str(certificate).encode())[0])

    def test_the_daemon_of_another_controller_is_not_opened_in_passing(self, site: Site) -> None:
        site.run(**EXPOSED)
        other = Site(site.fleets_dir.parent / "other", site.host)
        refused = other.run(**EXPOSED, **PLAIN)
        assert (refused["failure"], site.host.modules) == ("other_controller", ["observe"])
        assert other.run(**EXPOSED, **PLAIN, replace_controller=True)["changed"]

    def test_renewing_leaves_it_alone(self, site: Site) -> None:
        site.run(**EXPOSED, **PLAIN)
        before = site.record
        renewed = site.run(state="renewed")
        assert (renewed["changed"], site.host.modules, site.record) == (False, [], before)
        assert renewed["endpoint"] == before.as_facts()

    def test_it_is_taken_away_by_one_word(self, site: Site) -> None:
        site.run(**EXPOSED, **PLAIN)
        assert site.run(state="absent", tls=False)["changed"]
        assert not record_path(site.fleet.endpoints_folder, "web1").exists()


class TestInterfaces:
    LISTEN: t.ClassVar[dict[str, t.Any]] = {"listen": ["eth1:2376"], "allow": ["10.0.0.0/24"]}

    @pytest.fixture(autouse=True)
    def _interfaces(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["10.0.0.8"]
        site.host.names["docker.example.com"] = ["10.0.0.5"]

    def test_their_addresses_are_in_the_certificate_and_their_names_nowhere(self, site: Site) -> None:
        first = site.run(**self.LISTEN)
        assert (first["reason"], site.host.modules) == ("missing", ["observe", "run"])
        assert site.names_shown == ["web1", "10.0.0.8"]
        assert (first["endpoint"]["url"], first["listen"]) == ("tcp://10.0.0.8:2376", ["10.0.0.8:2376"])
        assert (site.record.interfaces, site.record.options["listen"]) == (["eth1"], ["eth1:2376"])
        assert not site.run(**self.LISTEN)["changed"]
        assert site.host.modules == ["observe"]

    def test_a_new_address_is_followed(self, site: Site) -> None:
        site.run(**self.LISTEN)
        site.host.interfaces["eth1"] = ["10.0.0.9"]
        predicted = site.run(**self.LISTEN, check_mode=True)
        moved = site.run(**self.LISTEN)
        assert (
            moved["reason"]
            == predicted["reason"]
            == "lacks 10.0.0.9 and contains 10.0.0.8, which is no longer requested"
        )
        assert site.host.modules == ["observe", "run"]
        assert site.names_shown == ["web1", "10.0.0.9"]
        assert site.record.url == "tcp://10.0.0.9:2376"
        assert not site.run(**self.LISTEN)["changed"]

    def test_an_address_that_is_gone_is_followed_at_once(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["10.0.0.8", "fd00::8"]
        assert site.run(**self.LISTEN)["endpoint"]["server_names"] == ["web1", "10.0.0.8", "fd00::8"]
        site.host.interfaces["eth1"] = ["10.0.0.8"]
        assert site.run(**self.LISTEN)["reason"] == "contains fd00::8, which is no longer requested"
        assert site.names_shown == ["web1", "10.0.0.8"]
        assert not site.run(**self.LISTEN)["changed"]

    def test_an_ipv6_address_is_told_in_brackets(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["fd00::8"]
        assert site.run(**self.LISTEN)["endpoint"]["url"] == "tcp://[fd00::8]:2376"

    def test_host_names_beside_them_are_in_the_certificate(self, site: Site) -> None:
        listen: dict[str, t.Any] = {"listen": ["docker.example.com:2376", "eth1:2376"]}
        first = site.run(**listen)
        assert site.host.modules == ["observe", "run"]
        assert site.names_shown == ["docker.example.com", "web1", "10.0.0.5", "10.0.0.8"]
        assert first["endpoint"]["url"] == "tcp://docker.example.com:2376"
        assert not site.run(**listen)["changed"]
        assert site.host.modules == ["observe"]

    def test_writing_the_interface_for_its_address_changes_nothing(self, site: Site) -> None:
        site.run(listen=["10.0.0.8:2376"], allow=["10.0.0.0/24"])
        changed = site.run(**self.LISTEN)
        assert (changed["changed"], site.host.modules) == (False, ["observe"])
        assert site.record.interfaces == ["eth1"]

    def test_writing_the_host_name_for_its_address_adds_it_to_the_certificate(self, site: Site) -> None:
        site.run(**EXPOSED)
        named = site.run(listen=["docker.example.com:2376"], allow=["10.0.0.0/24"])
        assert named["reason"] == "lacks docker.example.com"
        assert site.names_shown == ["docker.example.com", "web1", "10.0.0.5"]
        assert site.host.modules[-1] == "run"
        assert not site.run(listen=["docker.example.com:2376"], allow=["10.0.0.0/24"])["changed"]

    def test_a_host_name_that_becomes_an_interfaces_is_taken_out(self, site: Site) -> None:
        listen: dict[str, t.Any] = {"listen": ["docker.example.com:2376"]}
        site.run(**listen)
        site.host.interfaces["docker.example.com"] = ["10.0.0.5"]
        assert site.run(**listen)["reason"] == "contains docker.example.com, which is no longer requested"
        assert site.names_shown == ["web1", "10.0.0.5"]
        assert not site.run(**listen)["changed"]

    def test_what_is_advertised_may_be_said(self, site: Site) -> None:
        result = site.run(**self.LISTEN, advertise="docker.example.com")
        assert result["endpoint"]["url"] == "tcp://docker.example.com:2376"
        assert site.names_shown == ["docker.example.com", "web1", "10.0.0.8"]

    def test_a_key_that_is_made_here_gets_no_such_name_either(self, site: Site) -> None:
        for _run in range(2):
            site.run(**self.LISTEN, key_origin="controller")
            assert site.names_shown == ["web1", "10.0.0.8"]
        assert site.host.modules == ["observe"]
        site.host.interfaces["eth1"] = ["10.0.0.9"]
        assert site.run(**self.LISTEN, key_origin="controller")["changed"]
        assert site.names_shown == ["web1", "10.0.0.9"]
        assert not site.run(**self.LISTEN, key_origin="controller")["changed"]

    def test_a_ca_elsewhere_is_asked_for_hosts_only(self, site: Site, tmp_path: Path) -> None:
        seen = tmp_path / "request.pem"
        ensure_authority(site.fleet)
        site.run(listen=["eth1:2376", "docker.example.com:2376"], sign_command=f"tee {seen}")
        names = names_in(x509.load_pem_x509_csr(seen.read_bytes()))
        assert names == ["docker.example.com", "web1", "10.0.0.5", "10.0.0.8"]

    def test_in_the_clear_they_are_known_as_well(self, site: Site) -> None:
        site.run(**self.LISTEN, **PLAIN)
        assert (site.record.interfaces, site.record.url) == (["eth1"], "tcp://10.0.0.8:2376")


class TestRenewing:
    DUE: t.ClassVar[dict[str, t.Any]] = {"state": "renewed", "validity": 800, "renew_before": "400d"}

    def test_a_host_that_is_not_due_is_not_asked(self, site: Site) -> None:
        site.run(**EXPOSED)
        assert not site.run(state="renewed")["changed"]
        assert site.host.modules == []

    def test_interfaces_stay_interfaces(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["10.0.0.8", "10.0.0.7"]
        listen: dict[str, t.Any] = {"listen": ["eth1:2376"], "allow": ["10.0.0.0/24"], "tls_sans": ["web1.example.com"]}
        site.run(**listen)
        site.host.interfaces["eth1"] = ["10.0.0.9"]
        renewed = site.run(**self.DUE)
        assert (renewed["changed"], site.host.modules) == (True, ["observe", "run"])
        assert site.names_shown == ["web1", "web1.example.com", "10.0.0.9"]
        assert site.record.url == "tcp://10.0.0.9:2376"
        assert (site.record.interfaces, site.record.options["listen"]) == (["eth1"], ["eth1:2376"])
        assert not site.run(**listen)["changed"]

    def test_what_was_asked_is_asked_again(self, site: Site) -> None:
        first = site.run(**EXPOSED, firewall="none", live_restore=False, method="override")
        renewed = site.run(**self.DUE)
        assert renewed["changed"]
        for name in ("listen", "allow", "firewall", "method"):
            assert renewed[name] == first[name]
        assert renewed["endpoint"]["options"] == first["endpoint"]["options"]
        assert "live-restore" not in site.host.daemon_json()

    def test_a_record_of_an_earlier_release_is_of_addresses_with_tls(self, site: Site) -> None:
        site.run(**EXPOSED)
        path = record_path(site.fleet.endpoints_folder, "web1")
        content = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in content.items() if k not in ("tls", "interfaces", "options")}))
        assert site.run(**self.DUE)["changed"]
        assert site.record.listen == ["10.0.0.5:2376"]
        assert site.record.tls

    def test_it_does_not_open_what_has_tls(self, site: Site) -> None:
        """Variables may have changed since; to renew changes nothing of how a host is exposed."""
        site.run(**EXPOSED)
        assert site.run(**self.DUE, **PLAIN)["changed"]
        assert site.host.daemon_json()["tlsverify"] is True
        assert site.record.tls


def test_a_client_is_shut_out_of_where_there_is_one_to_shut_out(
    site: Site, make_record: t.Callable[..., EndpointRecord]
) -> None:
    """A rotation and a revocation pass over daemons without TLS."""
    ensure_authority(site.fleet)
    for name in ("ci", "bob"):
        ensure_client(site.fleet, name)
    plain = make_record(name="lab", tls=False, trust=None, issuer=None, verified=True)
    write_record(site.fleet.endpoints_folder, plain)
    act = site.act
    assert act("client_revocation", clients=["bob"])["endpoints"] == []
    assert act("client_revocation", clients=["bob"], state="enforced")["endpoints"] == []
    for step in ("begin", "drop", "end"):
        result = act("authority_rotation", step=step)
        assert not result.get("failed"), result
    assert result["phase"] == ""
