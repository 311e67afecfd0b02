# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd_listener's part on the controller, with a host that keeps to the contract and is no host."""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen, parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._host.keys import make_key, make_request
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    read_record,
    record_path,
    write_record,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.verification import Verification
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._listener import publication
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in

PLAIN: dict[str, t.Any] = {"tls": False, "insecure": True}


@dataclass
class Host:
    """What the module does on a host, as far as the controller can tell."""

    folder: Path
    #: The addresses of network interfaces, and of host names.
    interfaces: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    #: What is in force; None: it is not exposed.
    exposed: dict[str, t.Any] | None = None
    certificate: str | None = None
    #: What was asked, in order.
    asked: list[dict[str, t.Any]] = field(default_factory=list)

    @property
    def phases(self) -> list[str]:
        return [args["exchange"]["phase"] for args in self.asked]

    @property
    def names_shown(self) -> list[str]:
        return names_in(try_chain((self.certificate or "").encode())[0])

    def execute(self, args: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
        self.asked.append(args)
        if args["state"] == "absent":
            changed, self.exposed, self.certificate = self.exposed is not None, None, None
            return {"changed": changed, "actions": [], "restarted": changed, "diff": [], "warnings": []}
        exchange = args["exchange"]
        entries = [entry for text in args["listen"] for entry in self._resolve(parse_listen(text))]
        listen = entries or [Listen("10.0.0.5", 2376)]
        is_due = args["tls"] and self._is_due(exchange, listen, args["key_origin"])
        wanted = {
            "listen": [str(entry) for entry in listen],
            "allow": args["allow"] or ["10.0.0.1/32"],
            "tls": args["tls"],
            **{option: args[option] for option in ("method", "firewall", "live_restore")},
        }
        to_send = exchange.get("certificate")
        changed = is_due or wanted != self.exposed or (bool(to_send) and to_send != self.certificate)
        result: dict[str, t.Any] = {
            "changed": changed,
            "actions": ["do it"] if changed else [],
            "restarted": changed,
            "diff": [],
            "bundle_changed": is_due,
            "method": "socket",
            "engine_version": "28.5.2",
            "listen": wanted["listen"],
            "interfaces": [name for name in map(_host_of, args["listen"]) if name in self.interfaces],
            "allow": wanted["allow"],
            "connection": {"client": "10.0.0.1", "server": "10.0.0.5"},
            "identity_is_due": is_due,
            "certificate": self.certificate,
            "time": time.time(),
        }
        if check_mode:
            return result
        if exchange["phase"] == "apply":
            self.exposed, self.certificate = wanted, (to_send or self.certificate) if args["tls"] else None
        elif is_due and args["key_origin"] == "host":
            result.update(self._request(exchange, listen, result["interfaces"]))
        return result

    def _resolve(self, entry: Listen) -> list[Listen]:
        found = self.interfaces.get(entry.host) or self.names.get(entry.host) or [entry.host]
        return [Listen(address, entry.port) for address in found]

    def _is_due(self, exchange: dict[str, t.Any], listen: list[Listen], key_origin: str) -> bool:
        if exchange["phase"] == "apply" or (key_origin == "controller" and exchange["certificate"] is not None):
            return False
        shown = fingerprint(try_chain(self.certificate.encode())[0]) if self.certificate else None
        lacking = [entry.host for entry in listen if not entry.is_wildcard and entry.host not in exchange["covers"]]
        return bool(exchange["renew"] or exchange["expected"] in (None, "") or lacking or shown != exchange["expected"])

    def _request(self, exchange: dict[str, t.Any], listen: list[Listen], interfaces: list[str]) -> dict[str, t.Any]:
        key = self.folder / "key.pem"
        if exchange["new_key"] or not key.exists():
            key.unlink(missing_ok=True)
            make_key(_run, None, "ecdsa_p256", str(key))
        names = [name for name in exchange["request_names"] if name not in interfaces]
        request = make_request(_run, None, str(key), [*names, *(entry.host for entry in listen)] if names else [])
        return {"request": request, "pending": "0123"}


def _host_of(text: str) -> str:
    return parse_listen(text).host


def _run(words: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@dataclass
class Site:
    """A controller's home, and one host."""

    home: Path
    host: Host

    @property
    def fleet(self) -> Fleet:
        return Fleet(str(self.home), "default")

    @property
    def record(self) -> EndpointRecord:
        record = read_record(self.fleet.endpoints_folder, "web1")
        assert record is not None
        return record

    @property
    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file())

    def run(self, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        self.host.asked.clear()
        task = Task()
        task.args = {"home": str(self.home), **arguments}
        task.check_mode = check_mode
        task.async_val = 0
        plugin = action_loader.get(
            "gangway.docker.dockerd_listener",
            task=task,
            connection=mock.Mock(spec_set=["_shell", "transport"]),
            play_context=mock.Mock(),
            loader=DataLoader(),
            templar=mock.Mock(),
            shared_loader_obj=None,
        )

        def execute(module_name: str, module_args: dict[str, t.Any], task_vars: t.Any) -> dict[str, t.Any]:
            assert module_name == "gangway.docker.dockerd_listener"
            return self.host.execute(json.loads(json.dumps(module_args)), check_mode)

        with mock.patch.object(type(plugin), "_execute_module", side_effect=execute):
            result: dict[str, t.Any] = plugin.run(task_vars={"inventory_hostname": "web1"})
        return result


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The endpoint works, by whichever way it is looked at; what was tried is not."""
    monkeypatch.setattr(publication, "verify_endpoint", lambda *_args: Verification(None))
    monkeypatch.setattr(publication, "probe_endpoint", lambda _connection: None)
    (tmp_path / "host").mkdir()
    return Site(tmp_path / "home", Host(tmp_path / "host"))


EXPOSED: dict[str, t.Any] = {"listen": ["10.0.0.5:2376"], "allow": ["10.0.0.0/24"]}


def test_one_execution_when_nothing_changes_and_two_when_something_does(site: Site) -> None:
    first = site.run(**EXPOSED)
    assert (first["changed"], first["reason"], site.host.phases) == (True, "missing", ["plan", "apply"])
    second = site.run(**EXPOSED)
    assert (second["changed"], second["reason"], site.host.phases) == (False, "", ["plan"])
    assert second["endpoint"] == first["endpoint"]
    assert second["endpoint"]["tls"] is True
    assert not {"certificate", "request", "pending", "identity_is_due", "time", "bundle_changed"} & {*first, *second}


class TestInTheClear:
    def test_it_is_one_execution_when_nothing_changes_and_two_when_something_does(self, site: Site) -> None:
        first = site.run(**EXPOSED, **PLAIN)
        assert (first["changed"], site.host.phases) == (True, ["plan", "apply"])
        second = site.run(**EXPOSED, **PLAIN)
        assert (second["changed"], second["reason"], site.host.phases) == (False, "", ["plan"])

    def test_nothing_is_made_on_the_controller_but_the_record(self, site: Site) -> None:
        site.run(**EXPOSED, **PLAIN, key_origin="controller")
        assert [path for path in site.files if not path.endswith((".lock", ".gitignore"))] == [
            "default/endpoints/web1.json"
        ]
        assert all(args["exchange"].keys() == {"phase"} for args in site.host.asked)
        assert all((args["tls"], args["insecure"]) == (False, True) for args in site.host.asked)
        assert not any("exchange_key" in args for args in site.host.asked)

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
            assert "open in the clear: whoever reaches tcp://10.0.0.5:2376 from 10.0.0.0/24 is root on web1" in warning

    @pytest.mark.parametrize("insecure", [{}, {"insecure": False}])
    def test_it_is_refused_where_it_is_not_said_twice(self, site: Site, insecure: dict[str, bool]) -> None:
        refused = site.run(**EXPOSED, tls=False, **insecure)
        assert (refused["failed"], refused["failure"], site.host.phases) == (True, "insecure_not_confirmed", [])
        assert not site.home.exists()

    def test_to_say_only_the_second_word_changes_nothing(self, site: Site) -> None:
        assert site.run(**EXPOSED, insecure=True)["endpoint"]["tls"] is True

    @pytest.mark.parametrize(
        "allow", [["any"], ["0.0.0.0/0"], ["::/0"], ["10.0.0.0/24", "::/0"], ["0.0.0.0/1", "128.0.0.0/1"]]
    )
    def test_it_is_refused_for_everyone(self, site: Site, allow: list[str]) -> None:
        refused = site.run(listen=["10.0.0.5:2376"], allow=allow, **PLAIN)
        assert (refused["failed"], refused["failure"], site.host.phases) == (True, "insecure_everyone", [])

    def test_without_an_access_list_it_is_the_controllers_address(self, site: Site) -> None:
        result = site.run(listen=["10.0.0.5:2376"], **PLAIN)
        assert (result["allow"], site.host.phases) == (["10.0.0.1/32"], ["plan", "apply"])

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
        assert (plain["changed"], site.host.phases, site.record.tls) == (True, ["plan", "apply"], False)
        back = site.run(**EXPOSED)
        assert (back["changed"], back["reason"], site.host.phases) == (True, "missing", ["plan", "apply"])
        assert site.record.tls is True
        assert site.record.trust
        assert not site.run(**EXPOSED)["changed"]

    def test_a_certificate_that_is_still_there_is_taken_again(self, site: Site) -> None:
        site.run(**EXPOSED)
        certificate = site.host.certificate
        site.run(**EXPOSED, **PLAIN)
        site.host.certificate = certificate
        back = site.run(**EXPOSED)
        assert (back["reason"], site.host.certificate) == ("", certificate)
        assert site.record.fingerprint == fingerprint(try_chain(str(certificate).encode())[0])

    def test_the_daemon_of_another_controller_is_not_opened_in_passing(self, site: Site) -> None:
        site.run(**EXPOSED)
        other = Site(site.home.parent / "other", site.host)
        refused = other.run(**EXPOSED, **PLAIN)
        assert (refused["failure"], site.host.phases) == ("other_controller", ["plan"])
        assert other.run(**EXPOSED, **PLAIN, take_over=True)["changed"]

    def test_renewing_leaves_it_alone(self, site: Site) -> None:
        site.run(**EXPOSED, **PLAIN)
        before = site.record
        renewed = site.run(state="renewed")
        assert (renewed["changed"], site.host.phases, site.record) == (False, [], before)
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
        assert (first["reason"], site.host.phases) == ("missing", ["plan", "apply"])
        assert site.host.names_shown == ["web1", "10.0.0.8"]
        assert (first["endpoint"]["url"], first["listen"]) == ("tcp://10.0.0.8:2376", ["10.0.0.8:2376"])
        assert (site.record.interfaces, site.record.asked["listen"]) == (["eth1"], ["eth1:2376"])
        assert not site.run(**self.LISTEN)["changed"]
        assert site.host.phases == ["plan"]

    def test_a_new_address_is_followed(self, site: Site) -> None:
        site.run(**self.LISTEN)
        site.host.interfaces["eth1"] = ["10.0.0.9"]
        predicted = site.run(**self.LISTEN, check_mode=True)
        moved = site.run(**self.LISTEN)
        assert moved["reason"] == predicted["reason"] == "lacks 10.0.0.9 and has 10.0.0.8 too much"
        assert site.host.phases == ["plan", "apply"]
        assert site.host.names_shown == ["web1", "10.0.0.9"]
        assert site.record.url == "tcp://10.0.0.9:2376"
        assert not site.run(**self.LISTEN)["changed"]

    def test_an_address_that_is_gone_is_followed_at_once(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["10.0.0.8", "fd00::8"]
        assert site.run(**self.LISTEN)["endpoint"]["server_names"] == ["web1", "10.0.0.8", "fd00::8"]
        site.host.interfaces["eth1"] = ["10.0.0.8"]
        assert site.run(**self.LISTEN)["reason"] == "has fd00::8 too much"
        assert site.host.names_shown == ["web1", "10.0.0.8"]
        assert not site.run(**self.LISTEN)["changed"]

    def test_an_ipv6_address_is_told_in_brackets(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["fd00::8"]
        assert site.run(**self.LISTEN)["endpoint"]["url"] == "tcp://[fd00::8]:2376"

    def test_host_names_beside_them_are_in_the_certificate(self, site: Site) -> None:
        listen: dict[str, t.Any] = {"listen": ["docker.example.com:2376", "eth1:2376"]}
        first = site.run(**listen)
        assert site.host.phases == ["plan", "apply"]
        assert site.host.names_shown == ["docker.example.com", "web1", "10.0.0.5", "10.0.0.8"]
        assert first["endpoint"]["url"] == "tcp://docker.example.com:2376"
        assert not site.run(**listen)["changed"]
        assert site.host.phases == ["plan"]

    def test_writing_the_interface_for_its_address_changes_nothing(self, site: Site) -> None:
        site.run(listen=["10.0.0.8:2376"], allow=["10.0.0.0/24"])
        changed = site.run(**self.LISTEN)
        assert (changed["changed"], site.host.phases) == (False, ["plan"])
        assert site.record.interfaces == ["eth1"]

    def test_writing_the_host_name_for_its_address_adds_it_to_the_certificate(self, site: Site) -> None:
        site.run(**EXPOSED)
        named = site.run(listen=["docker.example.com:2376"], allow=["10.0.0.0/24"])
        assert named["reason"] == "lacks docker.example.com"
        assert site.host.names_shown == ["docker.example.com", "web1", "10.0.0.5"]
        assert site.host.phases[-1] == "apply"
        assert not site.run(listen=["docker.example.com:2376"], allow=["10.0.0.0/24"])["changed"]

    def test_a_host_name_that_becomes_an_interfaces_is_taken_out(self, site: Site) -> None:
        listen: dict[str, t.Any] = {"listen": ["docker.example.com:2376"]}
        site.run(**listen)
        site.host.interfaces["docker.example.com"] = ["10.0.0.5"]
        assert site.run(**listen)["reason"] == "has docker.example.com too much"
        assert site.host.names_shown == ["web1", "10.0.0.5"]
        assert not site.run(**listen)["changed"]

    def test_what_is_advertised_may_be_said(self, site: Site) -> None:
        result = site.run(**self.LISTEN, advertise="docker.example.com")
        assert result["endpoint"]["url"] == "tcp://docker.example.com:2376"
        assert site.host.names_shown == ["docker.example.com", "web1", "10.0.0.8"]

    def test_a_key_that_is_made_here_gets_no_such_name_either(self, site: Site) -> None:
        for _run in range(2):
            site.run(**self.LISTEN, key_origin="controller")
            assert site.host.names_shown == ["web1", "10.0.0.8"]
        assert site.host.phases == ["plan"]
        site.host.interfaces["eth1"] = ["10.0.0.9"]
        assert site.run(**self.LISTEN, key_origin="controller")["changed"]
        assert site.host.names_shown == ["web1", "10.0.0.9"]
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
        assert site.host.phases == []

    def test_interfaces_stay_interfaces(self, site: Site) -> None:
        site.host.interfaces["eth1"] = ["10.0.0.8", "10.0.0.7"]
        listen: dict[str, t.Any] = {"listen": ["eth1:2376"], "allow": ["10.0.0.0/24"], "names": ["web1.example.com"]}
        site.run(**listen)
        site.host.interfaces["eth1"] = ["10.0.0.9"]
        renewed = site.run(**self.DUE)
        assert (renewed["changed"], site.host.phases) == (True, ["plan", "apply"])
        assert [args["listen"] for args in site.host.asked] == [["eth1:2376"]] * 2
        assert site.host.names_shown == ["web1", "web1.example.com", "10.0.0.9"]
        assert site.record.url == "tcp://10.0.0.9:2376"
        assert (site.record.interfaces, site.record.asked["listen"]) == (["eth1"], ["eth1:2376"])
        assert not site.run(**listen)["changed"]

    def test_what_was_asked_is_asked_again(self, site: Site) -> None:
        site.run(**EXPOSED, firewall="nftables", live_restore=False, method="override")
        before = dict(site.host.exposed or {})
        assert site.run(**self.DUE)["changed"]
        assert site.host.exposed == before

    def test_a_record_of_an_earlier_release_is_of_addresses_with_tls(self, site: Site) -> None:
        site.run(**EXPOSED)
        path = record_path(site.fleet.endpoints_folder, "web1")
        content = json.loads(path.read_text())
        path.write_text(json.dumps({k: v for k, v in content.items() if k not in ("tls", "interfaces", "asked")}))
        assert site.run(**self.DUE)["changed"]
        assert [args["listen"] for args in site.host.asked] == [["10.0.0.5:2376"]] * 2
        assert all(args["tls"] for args in site.host.asked)
        assert site.record.tls

    def test_it_does_not_open_what_has_tls(self, site: Site) -> None:
        """Variables may have changed since; to renew changes nothing of how a host is exposed."""
        site.run(**EXPOSED)
        assert site.run(**self.DUE, **PLAIN)["changed"]
        assert all(args["tls"] for args in site.host.asked)
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
    act = functools.partial(_act, site)
    assert act("client_revocation", clients=["bob"])["endpoints"] == []
    assert act("client_revocation", clients=["bob"], state="enforced")["endpoints"] == []
    for step in ("begin", "drop", "end"):
        result = act("authority_rotation", step=step)
        assert not result.get("failed"), result
    assert result["phase"] == ""


def _act(site: Site, action: str, **arguments: t.Any) -> dict[str, t.Any]:
    task = Task()
    task.args = {"home": str(site.home), **arguments}
    task.check_mode = False
    task.async_val = 0
    plugin = action_loader.get(
        f"gangway.docker.{action}",
        task=task,
        connection=mock.Mock(spec_set=["_shell", "transport"]),
        play_context=mock.Mock(),
        loader=DataLoader(),
        templar=mock.Mock(),
        shared_loader_obj=None,
    )
    result: dict[str, t.Any] = plugin.run(task_vars={"inventory_hostname": "web1"})
    return result
