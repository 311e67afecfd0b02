# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd_listener goes about it: what it executes on the host, what it sends there, and what it believes."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import record_path
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_server
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, let_go
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in

from .folder_host import DROP_IN_FOLDER, LISTENER
from .listener_site import EXPOSED, PLAIN, Site

DUE: dict[str, t.Any] = {"validity": 800, "renew_before": "400d"}
#: What a task's result says of a change, the same in check mode.
PREDICTED = ("changed", "actions", "diff", "restarted", "reason", "listen", "allow", "method", "firewall")
OPEN = {"address": "10.0.0.5", "port": 2376, "plain": "answered", "tls": "none", "certificate": None}


def _predicted(result: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: result[key] for key in PREDICTED if key in result}


def _touch(site: Site, times: int) -> None:
    """Have someone edit daemon.json between observing and running, this many times."""
    left = [times]

    def edit(module: str) -> None:
        if module == LISTENER and left[0]:
            left[0] -= 1
            site.host.write(layout.DAEMON_JSON, json.dumps({"mtu": 1000 + left[0]}))

    site.host.before = edit


class TestExecutions:
    @pytest.mark.parametrize("options", [{}, PLAIN, {"key_origin": "controller"}], ids=str)
    def test_a_change_is_two_and_no_change_is_one(self, site: Site, options: dict[str, t.Any]) -> None:
        for modules in (["observe", "run"], ["observe"], ["observe"]):
            result = site.run(**EXPOSED, **options)
            assert not result.get("failed"), result
            assert (site.host.modules, result["changed"]) == (modules, len(modules) == 2)
            assert site.host.pending_keys == []

    @pytest.mark.parametrize("options", [{}, PLAIN, {"key_origin": "controller"}], ids=str)
    def test_check_mode_only_observes_and_predicts_the_result(self, site: Site, options: dict[str, t.Any]) -> None:
        ensure_authority(site.fleet)
        for listen in (["10.0.0.5:2376"], ["10.0.0.5:2376"], ["10.0.0.6:2376"]):
            arguments = {**EXPOSED, "listen": listen, **options}
            before = site.host.image()
            predicted = site.run(check_mode=True, **arguments)
            assert site.host.modules == ["observe"]
            assert site.host.key_requests == []
            assert site.host.image() == before
            done = site.run(**arguments)
            assert _predicted(predicted) == _predicted(done)
            assert "endpoint" not in predicted

    def test_check_mode_predicts_a_withdrawal(self, site: Site) -> None:
        site.run(**EXPOSED)
        predicted = site.run(check_mode=True, state="absent")
        assert site.host.modules == ["observe"]
        assert record_path(site.fleet.endpoints_folder, "web1").exists()
        assert _predicted(predicted) == _predicted(site.run(state="absent"))

    def test_a_withdrawal_leaves_nothing_on_the_host_and_no_record(self, site: Site) -> None:
        before = site.host.image()
        site.run(**EXPOSED)
        withdrawn = site.run(state="absent")
        assert (withdrawn["changed"], withdrawn["method"], site.host.modules) == (True, "socket", ["observe", "run"])
        after = site.host.image()
        assert {path for path in after if not path.startswith("proc")} == {
            path for path in before if not path.startswith("proc")
        }
        assert site.host.daemon_json() == {"mtu": 1400}
        assert not record_path(site.fleet.endpoints_folder, "web1").exists()
        again = site.run(state="absent")
        assert (again["changed"], again["method"], site.host.modules) == (False, None, ["observe"])

    def test_only_another_certificate_is_another_identity(self, site: Site) -> None:
        more = {**EXPOSED, "allow": ["10.0.0.0/8"]}
        names = {**more, "tls_sans": ["docker.example.com"]}
        for arguments, changed in ((EXPOSED, True), (EXPOSED, False), (more, False), (names, True), (names, False)):
            predicted = site.run(check_mode=True, **arguments)
            done = site.run(**arguments)
            assert predicted["identity_changed"] is done["identity_changed"] is changed

    def test_the_last_daemon_that_lets_go_of_the_old_authority_ends_a_rotation(self, site: Site) -> None:
        site.run(**EXPOSED)
        begin(site.fleet)
        site.run(**EXPOSED)
        let_go(site.fleet)
        assert site.fleet.required_authority().phase == "dropping"
        site.run(check_mode=True, **EXPOSED)
        assert site.fleet.required_authority().phase == "dropping"
        site.run(**EXPOSED)
        assert site.fleet.required_authority().phase is None

    def test_renewing_what_is_not_due_is_none(self, site: Site) -> None:
        site.run(**EXPOSED)
        assert (site.run(state="renewed")["changed"], site.host.modules) == (False, [])

    def test_renewing_without_a_record_looks_for_an_exposure_only(self, site: Site) -> None:
        assert site.run(state="renewed") == {
            "changed": False,
            "actions": [],
            "restarted": False,
            "reason": "",
            "identity_changed": False,
        }
        assert site.host.modules == ["ansible.builtin.stat"]
        site.run(**EXPOSED)
        record_path(site.fleet.endpoints_folder, "web1").unlink()
        assert site.run(state="renewed")["failure"] == "record_missing"


class TestInterruptedRuns:
    def test_they_are_rolled_back_in_the_same_task(self, site: Site) -> None:
        site.host.interrupt(layout.DAEMON_JSON, '{"mtu": 1400, "tlsverify": false}')
        result = site.run(**EXPOSED)
        assert site.host.modules == ["observe", "run", "run"]
        assert site.host.orders[0] == {"recover": True, "observe": site.host.executed[0][1]}
        (warning,) = result["warnings"]
        assert warning == (
            "A previous run on web1 was interrupted; it has been rolled back. Restored: /etc/docker/daemon.json."
        )
        assert result["changed"]
        assert site.host.daemon_json()["tlsverify"] is True
        assert site.host.pending_keys == []

    def test_that_alone_is_a_change(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.interrupt(layout.DAEMON_JSON, '{"mtu": 1400}')
        result = site.run(**EXPOSED)
        assert (site.host.modules, result["changed"], result["actions"]) == (["observe", "run"], True, [])
        assert len(result["warnings"]) == 1
        assert not site.run(**EXPOSED)["changed"]

    def test_check_mode_leaves_them_alone_and_says_so(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.interrupt(layout.DAEMON_JSON, '{"mtu": 1400}')
        result = site.run(check_mode=True, **EXPOSED)
        assert site.host.modules == ["observe"]
        assert any("A previous run on web1 was interrupted. It will be rolled back" in w for w in result["warnings"])
        assert site.host.real(layout.JOURNAL).exists()

    @pytest.mark.parametrize("changes", [False, True])
    def test_what_the_host_has_rolled_back_is_reported_once(self, site: Site, changes: bool) -> None:
        """A recovery came first, while nobody listened."""
        site.run(**EXPOSED)
        report = {"files": [layout.DAEMON_JSON], "restarted": True, "failed": None}
        site.host.write(layout.RECOVERED, json.dumps(report))
        arguments = {**EXPOSED, "allow": ["10.9.0.0/24"]} if changes else EXPOSED
        result = site.run(**arguments)
        assert (site.host.modules, result["changed"]) == (["observe", "run"], True)
        assert any(layout.DAEMON_JSON in warning and "web1" in warning for warning in result["warnings"])
        again = site.run(**arguments)
        assert (site.host.modules, again["changed"], again["warnings"]) == (["observe"], False, [])

    def test_a_way_back_that_failed_is_reported_with_its_error(self, site: Site) -> None:
        site.host.write(layout.RECOVERED, json.dumps({"files": [], "restarted": False, "failed": "disk full"}))
        assert any("failed: disk full" in warning for warning in site.run(**EXPOSED)["warnings"])

    def test_a_withdrawal_reports_them_too(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.interrupt(layout.DAEMON_JSON, '{"mtu": 1400}')
        result = site.run(state="absent")
        assert (result["changed"], len(result["warnings"])) == (True, 1)
        assert site.host.daemon_json() == {"mtu": 1400}


class TestHostsThatChange:
    @pytest.mark.parametrize("options", [{}, PLAIN, {"key_origin": "controller"}], ids=str)
    @pytest.mark.parametrize("times", [1, 2])
    def test_the_host_is_observed_again(self, site: Site, times: int, options: dict[str, t.Any]) -> None:
        _touch(site, times)
        result = site.run(**EXPOSED, **options)
        assert not result.get("failed"), result
        assert site.host.modules == ["observe", "run"] * (times + 1)
        assert site.host.daemon_json()["mtu"] == 1000, "their edit stays"
        assert result["reason"] == ("" if options == PLAIN else "missing")
        assert site.host.pending_keys == []
        assert not site.run(**EXPOSED, **options)["changed"]

    def test_it_is_given_up_after_three_times(self, site: Site) -> None:
        _touch(site, 9)
        result = site.run(**EXPOSED)
        assert (result["failed"], result["failure"]) == (True, "host_changed")
        assert site.host.modules == ["observe", "run"] * 3
        assert not site.host.real(layout.SOCKET_UNIT).exists()
        assert site.host.pending_keys == []
        assert not record_path(site.fleet.endpoints_folder, "web1").exists()

    def test_a_withdrawal_is_no_different(self, site: Site) -> None:
        site.run(**EXPOSED)
        _touch(site, 1)
        assert site.run(state="absent")["changed"]
        assert site.host.modules == ["observe", "run"] * 2

    def test_a_key_that_another_authority_signed_is_replaced_all_the_same(self, site: Site) -> None:
        """That the host needs a new key shows in the first observation, and is not forgotten by the next ones."""
        site.run(**EXPOSED)
        other, key = Site(site.fleets_dir.parent / "other", site.host), site.host.text(layout.KEY)
        _touch(site, 1)
        result = other.run(**EXPOSED, replace_controller=True)
        assert not result.get("failed"), result
        assert site.host.text(layout.KEY) != key


class TestKeys:
    def test_none_travels_but_to_the_host_that_it_is_for(self, site: Site) -> None:
        results = [site.run(**EXPOSED, key_origin="controller")]
        assert [list(order["secrets"]) for order in site.host.orders] == [["server_key"]]
        for module, arguments in site.host.executed:
            order = json.loads(arguments.pop("carry_out", "{}"))
            assert "PRIVATE" not in json.dumps(arguments), module
            order.pop("secrets", None)
            assert "PRIVATE" not in json.dumps(order)
        assert site.host.text(layout.KEY) == (site.fleets_dir / "default/servers/web1/key.pem").read_text()
        results.append(site.run(**EXPOSED))
        assert [order["secrets"] for order in site.host.orders] == [{}]
        assert "PRIVATE" not in json.dumps([results, site.host.executed])

    def test_each_waits_under_a_name_of_its_own(self, site: Site) -> None:
        names = set()
        for number in range(3):
            site.run(listen=[f"10.0.0.5:{2376 + number}"], allow=["10.0.0.0/24"])
            names |= {request["name"] for request in site.host.key_requests}
        assert len(names) == 3
        assert all(len(name) == 32 and int(name, 16) for name in names)

    def test_a_renewed_certificate_has_the_key_in_place(self, site: Site) -> None:
        site.run(**EXPOSED)
        key, certificate = site.host.text(layout.KEY), site.certificate
        renewed = site.run(**EXPOSED, **DUE)
        assert (site.host.modules, renewed["changed"]) == (["observe", "run"], True)
        assert [(request["new"], request["csr"]) for request in site.host.key_requests] == [(False, False)]
        assert (site.host.text(layout.KEY), site.certificate == certificate) == (key, False)
        assert layout.KEY not in [step.get("path") for order in site.host.orders for step in order["steps"]]
        public_keys = [try_chain(pem.encode())[0].public_key() for pem in (certificate, site.certificate)]
        assert public_keys[0] == public_keys[1]

    @pytest.mark.parametrize("change", [{"key_type": "ed25519"}, {"key_origin": "controller"}], ids=str)
    def test_another_kind_needs_a_new_one(self, site: Site, change: dict[str, t.Any]) -> None:
        """And so does going back."""
        for arguments in (EXPOSED, {**EXPOSED, **change}, EXPOSED):
            before = site.host.text(layout.KEY) if site.host.real(layout.KEY).exists() else ""
            result = site.run(**arguments)
            assert not result.get("failed"), result
            assert (site.host.modules, result["changed"]) == (["observe", "run"], True)
            assert site.host.text(layout.KEY) != before
            assert site.host.pending_keys == []
            assert not site.run(**arguments)["changed"]

    def test_one_that_is_gone_is_replaced(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.real(layout.KEY).unlink()
        result = site.run(**EXPOSED)
        assert (result["reason"], site.host.modules) == ("missing", ["observe", "run"])
        assert not site.run(**EXPOSED)["changed"]

    @pytest.mark.parametrize("listen", [["10.0.0.5:2376"], ["eth0:2376"], ["docker.example.com:2376"], []], ids=str)
    def test_a_command_that_signs_gets_a_request_with_all_names(
        self, site: Site, tmp_path: Path, listen: list[str]
    ) -> None:
        site.host.names["docker.example.com"] = ["10.0.0.5", "127.0.1.1"]
        ensure_authority(site.fleet)
        seen = tmp_path / "request.pem"
        site.run(listen=listen, allow=["10.0.0.0/24"], tls_sans=["api.example.com"], sign_command=f"tee {seen}")
        names = {"api.example.com", "web1", "10.0.0.5"}
        names |= {"10.0.0.6"} if listen == ["eth0:2376"] else set()
        names |= {"docker.example.com"} if listen == ["docker.example.com:2376"] else set()
        assert set(names_in(x509.load_pem_x509_csr(seen.read_bytes()))) == names

    def test_a_wrong_passphrase_shows_before_the_host_is_asked(self, site: Site) -> None:
        result = site.run(**EXPOSED, passphrase="one")
        assert not result.get("failed"), result
        record_path(site.fleet.endpoints_folder, "web1").unlink()
        for passphrase in ({}, {"passphrase": "two"}):
            result = site.run(**EXPOSED, **passphrase)
            assert (result["failed"], site.host.modules) == (True, [])
            assert "passphrase" in result["failure"]

    def test_what_is_refused_leaves_none_waiting(self, site: Site) -> None:
        result = site.run(listen=["10.0.0.99:2376"], allow=["10.0.0.0/24"])
        assert (result["failure"], site.host.pending_keys) == ("address_missing", [])


class TestWhoMayExpose:
    def test_another_controllers_daemon_is_left_alone(self, site: Site) -> None:
        site.run(**EXPOSED)
        other = Site(site.fleets_dir.parent / "other", site.host)
        before = site.host.image()
        for check_mode in (True, False):
            result = other.run(check_mode=check_mode, **EXPOSED)
            assert (result["failure"], site.host.modules) == ("other_controller", ["observe"])
        assert site.host.image() == before
        taken = other.run(**EXPOSED, replace_controller=True)
        assert taken["reason"] == "another authority"
        assert not other.run(**EXPOSED)["changed"]

    def test_a_provided_certificate_needs_no_authority_of_ours(self, site: Site, tmp_path: Path) -> None:
        theirs = Fleet(str(tmp_path / "theirs"), "pki")
        ensure_authority(theirs)
        folder = ensure_server(theirs, "web1", ["web1", "10.0.0.5"]).folder
        files = {
            option: f"{folder}/{name}.pem"
            for option, name in (("certificate", "cert"), ("key", "key"), ("client_ca", "ca"))
        }
        result = site.run(**EXPOSED, **files)
        assert not result.get("failed"), result
        assert (site.host.modules, site.host.key_requests) == (["observe", "run"], [])
        assert site.certificate == Path(files["certificate"]).read_text()
        assert site.host.text(layout.KEY) == Path(files["key"]).read_text()
        assert site.record.key_origin == "brought"
        assert not site.run(**EXPOSED, **files)["changed"]
        assert not (site.fleets_dir / "default" / "authority").exists()


class TestHostsThatLie:
    @pytest.mark.parametrize(
        "answer",
        [
            {},
            {"observation": None},
            {"observation": []},
            {"observation": "x" * 9},
            {"observation": {"time": "now"}},
            {"observation": {"files": {"/etc/passwd": 1}}},
        ],
        ids=str,
    )
    def test_an_observation_that_is_none_is_refused(self, site: Site, answer: dict[str, t.Any]) -> None:
        site.host.lie = lambda _answer: answer
        for arguments in (EXPOSED, {"state": "absent"}):
            result = site.run(**arguments)
            assert (result["failed"], result["failure"], site.host.modules) == (
                True,
                "host_answer_invalid",
                ["observe"],
            )
            assert "exception" not in result

    @pytest.mark.parametrize(
        "change",
        [
            {"stale": "all"},
            {"stale": [1]},
            {"stopped": {"a": 1}},
            {"notes": [None]},
            {"stale": None},
        ],
        ids=str,
    )
    def test_a_result_of_a_run_that_is_none_is_refused(self, site: Site, change: dict[str, t.Any]) -> None:
        site.host.lie = lambda answer: {**answer, **change} if "stale" in answer else answer
        result = site.run(**EXPOSED)
        assert (result["failed"], result["failure"]) == (True, "host_answer_invalid")
        assert "exception" not in result

    @pytest.mark.parametrize("report", [1, "x", {"files": 1}, {"files": ["relative"]}, {"restarted": "yes"}], ids=str)
    def test_a_report_that_is_none_is_refused(self, site: Site, report: t.Any) -> None:
        def lie(answer: dict[str, t.Any]) -> dict[str, t.Any]:
            answer.get("observation", {})["recovered"] = report
            return answer

        site.host.lie = lie
        result = site.run(**EXPOSED)
        assert (result["failed"], result["failure"]) == (True, "host_answer_invalid")

    @pytest.mark.parametrize("csr", ["garbage", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"])
    def test_a_request_that_is_none_gets_no_certificate(self, site: Site, csr: str) -> None:
        def lie(answer: dict[str, t.Any]) -> dict[str, t.Any]:
            if answer.get("observation", {}).get("request"):
                answer["observation"]["request"]["csr"] = csr
            return answer

        site.host.lie = lie
        result = site.run(**EXPOSED)
        assert (result["failed"], result["failure"]) == (True, "request_invalid")
        assert not site.host.real(layout.CERTIFICATE).exists()

    def test_what_a_failed_module_printed_is_not_shown(self, site: Site) -> None:
        site.host.lie = lambda _answer: {
            "failed": True,
            "msg": "no",
            "module_stdout": "hunter2",
            "observation": "hunter2",
        }
        result = site.run(**EXPOSED)
        assert (result["failed"], result["msg"]) == (True, "no")
        assert "hunter2" not in json.dumps(result)

    def test_a_connection_that_breaks_during_a_run_is_said_so(self, site: Site) -> None:
        def break_off(module: str) -> None:
            if module == LISTENER:
                raise AnsibleConnectionFailure("timed out")

        site.host.before = break_off
        result = site.run(**EXPOSED)
        assert (result["failed"], result["failure"]) == (True, "host_lost")


class TestPortsThatMustClose:
    def test_one_that_answers_strangers_is_closed_and_the_failure_reported(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.answers = [OPEN]
        result = site.run(**EXPOSED)
        assert (result["failed"], result["failure"]) == (True, "port_open")
        assert site.host.modules == ["observe", "run"]
        assert not site.host.real(layout.SOCKET_UNIT).exists()
        assert layout.GANGWAY_SOCKET not in site.host.active
        assert site.host.pid, "dockerd itself goes on"

    def test_one_without_its_guard_is_closed(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.write(f"{DROP_IN_FOLDER}/zzz-theirs.conf", "[Service]\nExecStartPre=\n")
        assert site.run(**EXPOSED)["failure"] == "guard_overridden"
        assert site.host.modules == ["observe", "run"]
        assert layout.GANGWAY_SOCKET not in site.host.active

    def test_check_mode_closes_none(self, site: Site) -> None:
        site.run(**EXPOSED)
        site.host.answers = [OPEN]
        assert site.run(check_mode=True, **EXPOSED)["failure"] == "port_open"
        assert (site.host.modules, layout.GANGWAY_SOCKET in site.host.active) == (["observe"], True)

    def test_one_that_is_not_ours_is_not_closed(self, site: Site) -> None:
        site.host.write(f"{DROP_IN_FOLDER}/zzz-theirs.conf", "[Service]\nExecStartPre=\n")
        result = site.run(**EXPOSED)
        assert (result["failure"], result["rolled_back"], site.host.modules) == (
            "guard_overridden",
            True,
            ["observe", "run"],
        )

    def test_a_run_that_opens_one_to_strangers_is_rolled_back(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(type(site.host), "_has_tls", lambda _host: False)
        result = site.run(**EXPOSED)
        assert (result["failure"], result["rolled_back"]) == ("port_open", True)
        assert not site.host.real(layout.SOCKET_UNIT).exists()
        assert site.host.daemon_json() == {"mtu": 1400}


class TestRenewals:
    def test_one_that_is_due_is_made_as_the_host_was_exposed(self, site: Site) -> None:
        site.run(**EXPOSED)
        before = site.certificate
        renewed = site.run(state="renewed", **DUE)
        assert (renewed["changed"], site.host.modules) == (True, ["observe", "run"])
        assert renewed["reason"]
        assert site.certificate != before
        assert site.record.certificate == site.certificate

    def test_one_with_a_record_of_another_key_origin_keeps_to_the_record(self, site: Site) -> None:
        site.run(**EXPOSED, key_origin="controller")
        assert site.run(state="renewed", **DUE)["changed"]
        assert site.record.key_origin == "controller"
        assert site.host.key_requests == []
