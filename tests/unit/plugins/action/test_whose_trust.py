# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's authority never changes by accident, and what a host has been told to distrust stays distrusted."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint import enforcement
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import record_path
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.verification import Verification
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop
from ansible_collections.gangway.docker.plugins.plugin_utils._listener import publication
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain

from .folder_host import INFO, LISTENER, FolderHost
from .listener_site import EXPOSED, PLAIN, Site


@pytest.fixture
def exposed(site: Site) -> Site:
    """Exposed by fleet default, whose clients are ci and bob."""
    assert "failed" not in site.act("tls_bundle", clients=["ci", "bob"])
    assert site.run(**EXPOSED, client="ci")["changed"]
    return site


def _mark(site: Site) -> dict[str, t.Any]:
    mark: dict[str, t.Any] = json.loads(site.host.text(layout.TRUST))
    return mark


def _copy_of_fleet(site: Site, to: Path) -> Site:
    shutil.copytree(site.fleets_dir, to)
    return Site(to, site.host)


def _revoke(site: Site, name: str) -> None:
    assert site.act("client_revocation", clients=[name])["revoked"] == [name]


def _restore(folder: Path, backup: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)


class TestAuthorities:
    @pytest.mark.parametrize("check_mode", [True, False])
    @pytest.mark.parametrize("options", [{}, {"key_origin": "controller"}, PLAIN], ids=str)
    def test_a_typo_in_the_fleets_name_is_refused_and_makes_nothing(
        self, exposed: Site, options: dict[str, t.Any], check_mode: bool
    ) -> None:
        host, files = exposed.host.image(), exposed.files
        bundles = exposed.act("tls_bundle", clients=["ci"], fleet="defualt", make_authority=False)
        assert (bundles["changed"], bundles["identities"]) == (False, [])
        result = exposed.run(**EXPOSED, **options, fleet="defualt", clients=["ci"], check_mode=check_mode)
        assert (result["failed"], result["failure"]) == (True, "other_fleet")
        assert result["clients"] == ["bob", "ci"]
        for said in ("'default'", "bob, ci", "expose_fleet"):
            assert said in result["msg"]
        assert (exposed.host.image(), exposed.files) == (host, files)

    def test_a_fleets_folder_that_was_renamed_is_named(self, exposed: Site) -> None:
        (exposed.fleets_dir / "default").rename(exposed.fleets_dir / "away")
        host, files = exposed.host.image(), exposed.files
        for check_mode in (True, False):
            result = exposed.run(**EXPOSED, clients=["ci"], check_mode=check_mode)
            assert (result["failed"], result["failure"]) == (True, "other_fleet")
            assert f"mv {exposed.fleets_dir / 'away'} {exposed.fleets_dir / 'default'}" in result["msg"]
            assert result["clients"] == ["bob", "ci"]
        assert (exposed.host.image(), exposed.files) == (host, files)
        (exposed.fleets_dir / "away").rename(exposed.fleets_dir / "default")
        assert not exposed.run(**EXPOSED, client="ci")["changed"]

    def test_bundles_are_not_made_for_a_fleet_that_was_renamed(self, exposed: Site) -> None:
        (exposed.fleets_dir / "default").rename(exposed.fleets_dir / "away")
        files = exposed.files
        result = exposed.act("tls_bundle", clients=["ci"])
        assert (result["failed"], result["failure"], exposed.files) == (True, "other_fleet", files)

    def test_a_controller_without_the_fleet_makes_nothing(self, exposed: Site, tmp_path: Path) -> None:
        other = Site(tmp_path / "other", exposed.host)
        for check_mode in (True, False):
            other.act("tls_bundle", clients=["ci"], make_authority=False, check_mode=check_mode)
            result = other.run(**EXPOSED, clients=["ci"], check_mode=check_mode)
            assert (result["failed"], result["failure"]) == (True, "other_controller")
            assert not other.fleets_dir.exists()
        # The host names its fleet, the controller does not know its clients.
        assert "'default'" in result["msg"]

    def test_an_authority_that_was_swapped_is_refused(self, exposed: Site, tmp_path: Path) -> None:
        other = Site(tmp_path / "other", exposed.host)
        other.act("tls_bundle")
        folder = exposed.fleet.authority_folder
        _restore(folder, other.fleet.authority_folder)
        host, files = exposed.host.image(), exposed.files
        result = exposed.run(**EXPOSED)
        assert (result["failed"], result["failure"], result["clients"]) == (True, "other_controller", ["bob", "ci"])
        assert (exposed.host.image(), exposed.files) == (host, files)

    def test_the_record_alone_is_evidence(self, exposed: Site) -> None:
        """The host was installed again; nobody asked for another authority."""
        exposed.run(state="absent")
        (exposed.fleets_dir / "default").rename(exposed.fleets_dir / "away")
        assert exposed.run(check_mode=True, **EXPOSED)["changed"], "nothing names this host any more"

    def test_a_record_elsewhere_of_a_host_that_shows_nothing(self, exposed: Site) -> None:
        record = record_path(exposed.fleet.endpoints_folder, "web1")
        kept = record.read_text()
        exposed.run(state="absent")
        record.write_text(kept)
        result = exposed.run(**EXPOSED, fleet="defualt")
        assert (result["failed"], result["failure"]) == (True, "other_fleet")
        assert exposed.run(**EXPOSED)["changed"]

    def test_another_machine_of_the_same_name_is_no_evidence(self, exposed: Site, tmp_path: Path) -> None:
        """Two inventories, each with a web1."""
        other = Site(exposed.fleets_dir, FolderHost(tmp_path / "other"))
        assert other.run(**EXPOSED, fleet="staging")["failure"] == "other_fleet", "the same name, and no address"
        other.variables["ansible_host"] = "10.9.0.5"
        assert other.run(**EXPOSED, fleet="staging")["changed"]
        assert exposed.record.fleet == "default"

    def test_another_host_of_the_play_is_evidence_against_a_new_fleet(self, exposed: Site, tmp_path: Path) -> None:
        new = Site(exposed.fleets_dir, FolderHost(tmp_path / "other"))
        typo = {"expose_fleet": "defualt"}
        new.variables.update(inventory_hostname="web2", ansible_play_hosts_all=["web2", "web1"], **typo)
        wanted: dict[str, t.Any] = {**EXPOSED, "fleet": "defualt", "variables_prefix": "expose_"}
        files = exposed.files
        new.variables["hostvars"] = {"web1": typo, "web2": typo}
        for check_mode in (True, False):
            assert new.run(**wanted, check_mode=check_mode)["failure"] == "other_fleet"
        assert exposed.files == files
        # Another machine of that name; and the same one, which is to stay in its own fleet.
        for variables in ({**typo, "ansible_host": "10.9.0.5"}, {"expose_fleet": "default"}, {}):
            new.variables["hostvars"] = {"web1": variables, "web2": typo}
            assert new.run(**wanted, check_mode=True)["changed"]

    def test_a_withdrawal_under_another_name_leaves_no_record(self, exposed: Site) -> None:
        assert exposed.run(state="absent", fleet="new", check_mode=True)["changed"]
        assert record_path(exposed.fleet.endpoints_folder, "web1").exists()
        assert exposed.run(state="absent", fleet="new")["changed"]
        assert not record_path(exposed.fleet.endpoints_folder, "web1").exists()
        assert exposed.run(**EXPOSED, fleet="new")["changed"]

    def test_the_mark_counts_where_the_bundle_was_deleted(self, exposed: Site, tmp_path: Path) -> None:
        shutil.rmtree(exposed.host.real(layout.BUNDLE))
        other = Site(tmp_path / "other", exposed.host)
        assert other.run(**EXPOSED)["failure"] == "other_controller"
        assert exposed.run(**EXPOSED)["changed"]

    def test_the_certificate_counts_where_the_mark_was_deleted(self, exposed: Site, tmp_path: Path) -> None:
        exposed.host.real(layout.TRUST).unlink()
        other = Site(tmp_path / "other", exposed.host)
        assert other.run(**EXPOSED)["failure"] == "other_controller"
        restored = exposed.run(**EXPOSED)
        assert (restored["actions"], restored["restarted"]) == ([f"write {layout.TRUST}"], False)

    def test_replacing_the_controller_is_still_possible(self, exposed: Site) -> None:
        before = exposed.fleet.required_authority().certificate
        (exposed.fleets_dir / "default").rename(exposed.fleets_dir / "away")
        wanted: dict[str, t.Any] = {**EXPOSED, "clients": ["ci"], "client": "ci", "replace_controller": True}
        assert exposed.run(check_mode=True, **wanted)["changed"]
        assert not exposed.fleet.folder.exists()
        assert exposed.run(**wanted)["changed"]
        assert exposed.fleet.required_authority().certificate != before
        assert (exposed.fleet.client_folder("ci") / "cert.pem").is_file()
        assert not exposed.run(**EXPOSED, client="ci")["changed"]

    def test_a_host_that_was_left_behind_by_a_rotation_comes_back(self, exposed: Site) -> None:
        begin(exposed.fleet)
        drop(exposed.fleet, [], ["ci", "bob", "web1"])
        result = exposed.run(**EXPOSED, client="ci")
        assert (result.get("failure"), result["changed"]) == (None, True)
        (certificate, *_chain) = try_chain(exposed.certificate.encode())
        assert exposed.fleet.required_authority().issued_server([certificate])


class TestNewFleets:
    def test_a_first_run_makes_authority_and_clients_once_the_host_was_seen(self, site: Site) -> None:
        wanted: dict[str, t.Any] = {**EXPOSED, "clients": ["ci", "bob"], "client": "ci"}
        first = site.act("tls_bundle", clients=["ci", "bob"], make_authority=False)
        assert (first["changed"], first["diff"], site.fleets_dir.exists()) == (False, [], False)
        predicted = site.run(check_mode=True, **wanted)
        assert not site.fleets_dir.exists()
        done = site.run(**wanted)
        assert site.host.modules == ["observe", "run"]
        assert predicted["diff"] == done["diff"]
        assert [entry["after_header"] for entry in done["diff"]][:3] == [
            str(site.fleet.authority_folder),
            str(site.fleet.client_folder("ci")),
            str(site.fleet.client_folder("bob")),
        ]
        again = site.act("tls_bundle", clients=["ci", "bob"], make_authority=False)
        assert (again["changed"], site.run(**wanted)["changed"]) == (False, False)

    @pytest.mark.parametrize("options", [{}, {"key_origin": "controller"}], ids=str)
    @pytest.mark.parametrize("check_mode", [True, False])
    def test_another_host_may_have_begun_the_fleet_meanwhile(
        self, site: Site, options: dict[str, t.Any], check_mode: bool
    ) -> None:
        def begin_elsewhere(module: str) -> None:
            if module != LISTENER:
                ensure_bundles(site.fleet, ["ci"], [])

        site.host.before = begin_elsewhere
        result = site.run(**EXPOSED, **options, clients=["ci"], client="ci", check_mode=check_mode)
        assert (result.get("failure"), result["changed"]) == (None, True)
        site.host.before = lambda _module: None
        assert site.run(**EXPOSED, **options, client="ci")["changed"] is check_mode
        assert site.host.text(layout.CA).encode() == site.fleet.required_authority().client_trust

    def test_what_can_not_be_made_shows_before_the_host_is_asked(self, site: Site) -> None:
        result = site.act(
            "tls_bundle",
            clients=["ci"],
            make_authority=False,
            authority_certificate="/nowhere",
            authority_key="/nowhere",
        )
        assert result["failed"], result
        assert not site.fleets_dir.exists()

    def test_a_refused_host_makes_nothing(self, site: Site) -> None:
        site.host.write(layout.DAEMON_JSON, "{")
        assert site.run(**EXPOSED)["failure"] == "daemon_json_malformed"
        assert not site.fleets_dir.exists()


class TestGenerations:
    def test_the_host_keeps_what_it_was_given(self, exposed: Site) -> None:
        mark = _mark(exposed)
        assert (mark["fleet"], len(mark["generations"])) == ("default", 1)
        assert exposed.host.real(layout.TRUST).stat().st_mode & 0o777 == 0o600
        _revoke(exposed, "bob")
        predicted = exposed.run(check_mode=True, **EXPOSED, client="ci")
        done = exposed.run(**EXPOSED, client="ci")
        assert f"write {layout.TRUST}" in done["actions"]
        assert predicted["actions"] == done["actions"]
        assert _mark(exposed)["generations"] == list(exposed.fleet.required_authority().generations)
        assert len(_mark(exposed)["generations"]) == 2
        (entry,) = (entry for entry in done["diff"] if entry["after_header"] == layout.TRUST)
        assert entry["before"] == "fleet: default\ngeneration of trust: 1\n"
        assert entry["after"] == "fleet: default\ngeneration of trust: 2\n"
        assert predicted["diff"] == done["diff"]
        assert not exposed.run(**EXPOSED, client="ci")["changed"]

    @pytest.mark.parametrize("when", [INFO, LISTENER])
    def test_a_revocation_in_the_middle_of_a_run_is_no_older_trust(self, exposed: Site, when: str) -> None:
        """Another run gives the host the new list, before this one observes it or after."""

        def revoke_meanwhile(module: str) -> None:
            if module == when:
                exposed.host.before = lambda _module: None
                _revoke(exposed, "bob")
                exposed.run(**EXPOSED, client="ci")

        exposed.host.before = revoke_meanwhile
        result = exposed.run(**{**EXPOSED, "listen": ["10.0.0.6:2376"]}, client="ci")
        assert (result.get("failure"), result["changed"]) == (None, True)
        assert len(_mark(exposed)["generations"]) == 2

    def test_it_goes_with_the_withdrawal(self, exposed: Site) -> None:
        exposed.run(state="absent")
        assert not exposed.host.real(layout.TRUST).exists()

    def test_plain_tcp_and_certificates_of_the_users_own_have_none(self, exposed: Site) -> None:
        assert exposed.run(**EXPOSED, **PLAIN)["changed"]
        assert not exposed.host.real(layout.TRUST).exists()

    def test_a_restored_backup_is_refused_and_trusts_nobody_again(self, exposed: Site, tmp_path: Path) -> None:
        backup = tmp_path / "backup"
        shutil.copytree(exposed.fleet.folder, backup)
        _revoke(exposed, "bob")
        exposed.run(**EXPOSED, client="ci")
        host = exposed.host.image()
        _restore(exposed.fleet.folder, backup)
        for check_mode in (True, False):
            result = exposed.run(**EXPOSED, client="ci", check_mode=check_mode)
            assert (result["failed"], result["failure"]) == (True, "trust_outdated")
            assert (result["generation"], result["host_generation"]) == (1, 2)
            for said in ("generation 1", "generation 2", "expose_accept_older_trust"):
                assert said in result["msg"]
        assert exposed.host.image() == host

    def test_an_older_trust_is_accepted_if_told_so(self, exposed: Site, tmp_path: Path) -> None:
        older = _copy_of_fleet(exposed, tmp_path / "older")
        _revoke(exposed, "bob")
        exposed.run(**EXPOSED, client="ci")
        assert older.run(**EXPOSED, client="ci", accept_older_trust=True)["changed"]
        assert len(_mark(older)["generations"]) == 1
        assert not older.run(**EXPOSED, client="ci")["changed"]

    def test_a_second_controller_that_revoked_somebody_else_is_refused(self, exposed: Site, tmp_path: Path) -> None:
        exposed.act("tls_bundle", clients=["carol", "dave"])
        second = _copy_of_fleet(exposed, tmp_path / "second")
        _revoke(exposed, "bob")
        exposed.run(**EXPOSED, client="ci")
        _revoke(second, "carol")
        _revoke(second, "dave")
        result = second.run(**EXPOSED, client="ci")
        assert (result["failure"], result["generation"], result["host_generation"]) == ("trust_outdated", 3, 2)

    def test_a_backup_from_before_a_rotation_is_refused(self, exposed: Site, tmp_path: Path) -> None:
        older = _copy_of_fleet(exposed, tmp_path / "older")
        begin(exposed.fleet)
        exposed.run(**EXPOSED, client="ci")
        assert older.run(**EXPOSED, client="ci")["failure"] == "trust_outdated"
        drop(exposed.fleet, [exposed.record], ["ci", "bob"])
        exposed.run(**EXPOSED, client="ci")
        result = older.run(**EXPOSED, client="ci")
        assert (result["failure"], result["generation"], result["host_generation"]) == ("trust_outdated", 1, 3)

    def test_a_host_from_a_snapshot_is_brought_up_to_date(self, exposed: Site, tmp_path: Path) -> None:
        kept = {path: exposed.host.text(path) for path in (layout.CA, layout.CERTIFICATE, layout.TRUST)}
        _revoke(exposed, "bob")
        exposed.run(**EXPOSED, client="ci")
        assert exposed.record.trust == exposed.fleet.required_authority().client_trust_digest
        for path, text in kept.items():
            exposed.host.real(path).chmod(0o600)
            exposed.host.write(path, text)
        assert exposed.run(**EXPOSED, client="ci")["restarted"]
        assert len(_mark(exposed)["generations"]) == 2
        assert exposed.host.text(layout.CA).encode() == exposed.fleet.required_authority().client_trust

    def test_a_renewal_visits_a_host_that_accepts_a_revoked_client(
        self, exposed: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = {path: exposed.host.text(path) for path in (layout.CA, layout.CERTIFICATE, layout.TRUST)}
        _revoke(exposed, "bob")
        monkeypatch.setattr(publication, "verify_endpoint", lambda *_args: Verification(None, ["bob"]))
        exposed.run(**EXPOSED, client="ci")
        tried: list[str] = []

        def is_turned_away(connection: Connection, ca: str) -> bool:
            tried.append(connection.url)
            assert (connection.cert_path, ca) == (
                str(exposed.fleet.revoked_folder("bob")),
                str(exposed.fleet.client_folder("ci") / "ca.pem"),
            )
            return exposed.host.text(layout.CA).encode() == exposed.fleet.required_authority().client_trust

        monkeypatch.setattr(enforcement, "is_turned_away", is_turned_away)
        assert (exposed.run(state="renewed")["changed"], exposed.host.modules) == (False, [])
        for path, text in kept.items():
            exposed.host.real(path).chmod(0o600)
            exposed.host.write(path, text)
        assert exposed.run(state="renewed")["changed"]
        assert len(_mark(exposed)["generations"]) == 2
        assert tried == [exposed.record.url] * 2

    def test_what_was_proved_is_proved_again_after_a_change(
        self, exposed: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _revoke(exposed, "bob")
        tried: list[list[str]] = []

        def verify(_name: str, _url: str, _client: Path, revoked: t.Mapping[str, Path]) -> Verification:
            tried.append([*revoked])
            return Verification(None, [*revoked])

        monkeypatch.setattr(publication, "verify_endpoint", verify)
        for _again in range(2):
            exposed.run(**EXPOSED, client="ci")
        exposed.host.real(layout.CA).unlink()
        exposed.run(**EXPOSED, client="ci")
        assert tried == [["bob"], [], ["bob"]]
        assert exposed.record.refused == ["bob"]

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"fleet": "default"}', '{"fleet": 1, "generations": "x"}'])
    def test_a_damaged_mark_is_refused(self, exposed: Site, content: str) -> None:
        exposed.host.write(layout.TRUST, content)
        result = exposed.run(**EXPOSED, client="ci")
        assert (result["failure"], layout.TRUST in result["msg"]) == ("state_unreadable", True)

    def test_an_authority_that_was_put_together_from_two_states_is_refused(self, exposed: Site) -> None:
        """Without the list, bob would be trusted again in a generation that is not known as an older one."""
        _revoke(exposed, "bob")
        (exposed.fleet.authority_folder / "clients-ca.pem").unlink()
        assert exposed.run(**EXPOSED, client="ci")["failure"] == "authority_mismatch"
