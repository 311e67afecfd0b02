# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exposures: computed from what a host has and what it should have, so that a second run changes nothing."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import merge, parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    CheckBundle,
    CheckConfig,
    MakeFolder,
    OpenGate,
    Settle,
    StartUnit,
    StopUnit,
    SwitchLiveRestore,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import ServerFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.exposure import OUR_PATHS
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.originals import Originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.units import GATEWAY_FILES
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import TLS_SETTINGS
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan

from .hosts import HOSTS, UNIT, File, Host
from .planning import KEY, SERVER, after, expose, exposed_by, paths_of, restarts_socket, step_for, steps_of

LISTEN = ("10.20.0.5:2376",)
USERS = b'{\n\t"mtu": 1400\n}\n'
CLEAN = HOSTS["docker-ce"].without(layout.DAEMON_JSON)
#: What method socket has on a host.
_OF_OTHER_METHODS = (
    layout.EXEC_DROP_IN,
    layout.LISTENER_FLAGS,
    layout.DOCKERD_WRAPPER,
    layout.FLAGS_WRAPPER,
    layout.CRL,
    *GATEWAY_FILES,
)
OUR_FILES = [path for path in OUR_PATHS if path not in _OF_OTHER_METHODS]


def _expose(host: Host, **options: t.Any) -> Plan:
    return expose(host, "socket", **{"firewall": "auto", "listen": LISTEN, **options})


@pytest.fixture(scope="module")
def exposed() -> Host:
    """A host with a daemon.json of the user's, after its first exposure."""
    before = CLEAN.write(layout.DAEMON_JSON, USERS)
    return after(before, _expose(before))


def test_the_first_exposure_writes_everything_of_ours_and_restarts_once() -> None:
    plan = _expose(CLEAN)
    assert plan.changed
    assert sorted(paths_of(plan)) == sorted([*OUR_FILES, layout.FILTERING_SEEN])
    assert plan.restarted
    assert StartUnit(layout.GANGWAY_SOCKET) in plan.steps
    assert StopUnit(layout.GANGWAY_SOCKET) not in plan.steps, "there is none to stop"
    assert SwitchLiveRestore() in plan.steps
    assert plan.actions()[0] == "switch live-restore on"
    assert plan.actions()[-2:] == ["restart docker.service", "put the access list into force"]


def test_live_restore_stays_out_of_daemon_json_if_it_is_a_flag() -> None:
    """dockerd refuses it in both places."""
    unit = CLEAN.text(UNIT).replace("-H fd://", "-H fd:// --live-restore")
    plan = _expose(CLEAN.write(UNIT, unit).but(live_restore=True))
    assert not any(isinstance(step, (SwitchLiveRestore, Settle)) for step in plan.steps)
    assert not plan.way_back.live_restore
    assert set(parse(step_for(plan, layout.DAEMON_JSON).content or "")) == set(TLS_SETTINGS)


def test_a_user_who_wants_no_live_restore_has_it_for_the_restart_only() -> None:
    plan = _expose(CLEAN, live_restore=False)
    assert parse(step_for(plan, layout.DAEMON_JSON).content or "")["live-restore"] is True
    settled = next(step for step in plan.steps if isinstance(step, Settle))
    assert "live-restore" not in parse(settled.content or "")
    assert not _expose(after(CLEAN, plan), live_restore=False).changed


def test_the_first_exposure_remembers_the_host_as_it_was() -> None:
    plan = _expose(CLEAN.write(layout.DAEMON_JSON, USERS))
    originals = Originals.read((step_for(plan, layout.ORIGINALS).content or "").encode())
    assert originals.files[layout.DAEMON_JSON].original == USERS
    assert originals.folders == tuple(
        f"/etc/systemd/system/{unit}.d" for unit in ("docker.service", "docker.socket", "sockets.target")
    )
    assert (originals.method, originals.is_tls) == ("socket", True)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        (layout.KEY, 0o400),
        (layout.CERTIFICATE, 0o444),
        (layout.CA, 0o444),
        (layout.ORIGINALS, 0o600),
        (layout.TRUST, 0o600),
        (layout.SOCKET_UNIT, 0o644),
        (layout.DROP_IN, 0o644),
        (layout.DAEMON_JSON, 0o644),
    ],
)
def test_modes_are_those_of_the_cis_benchmark(path: str, mode: int) -> None:
    step = step_for(_expose(CLEAN), path)
    assert (step.mode, step.uid, step.gid) == (mode, 0, 0)


def test_our_folders_are_closed_to_others() -> None:
    made = {step.path: step.mode for step in _expose(CLEAN).steps if isinstance(step, MakeFolder)}
    assert {folder: made[folder] for folder in layout.FOLDERS} == layout.FOLDERS
    # Those of the system get their usual mode.
    assert made["/etc/systemd/system/docker.service.d"] is None


def test_the_users_daemon_json_keeps_its_owner_and_mode() -> None:
    step = step_for(_expose(CLEAN.write(layout.DAEMON_JSON, USERS, 0o640, 7, 8)), layout.DAEMON_JSON)
    assert (step.mode, step.uid, step.gid) == (0o640, 7, 8)
    assert step.content == merge(USERS.decode(), {**TLS_SETTINGS, "live-restore": True})


def test_a_second_run_changes_nothing(exposed: Host) -> None:
    plan = _expose(exposed)
    assert (plan.changed, plan.restarted, plan.steps, plan.actions(), plan.diff) == (False, False, (), [], ())


def test_the_guard_goes_to_the_host_as_it_is_here(exposed: Host) -> None:
    assert "def tls_problem" in "".join(exposed.text(path) for path in exposed.files if path.startswith(layout.GUARD))
    assert b"def merge" in (exposed.content(f"{layout.GUARD}/daemon_json.py") or b"")
    assert exposed.content(f"{layout.GUARD}/__init__.py") == b""


@pytest.mark.parametrize(
    ("changes", "paths", "socket"),
    [
        ({"listen": ("10.20.0.5:2377",)}, [layout.GATE, layout.SOCKET_UNIT], True),
        ({"server": dataclasses.replace(SERVER, ca=b"another CA\n")}, [layout.CA_DIGEST, layout.CA], False),
        ({"server": dataclasses.replace(SERVER, certificate=b"renewed\n")}, [layout.CERTIFICATE], False),
        ({"server": dataclasses.replace(SERVER, certificate=None)}, [layout.CERTIFICATE], False),
        (
            {"server": dataclasses.replace(SERVER, certificate=None, key_is_new=True)},
            [layout.CERTIFICATE, layout.KEY],
            False,
        ),
        ({"server": dataclasses.replace(SERVER, key_secret="server_key", key_is_new=True)}, [layout.KEY], False),
        (
            {"server": ServerFiles(None, None, key_is_new=True, of_fleet=True)},
            [layout.TRUST, layout.CA_DIGEST, layout.CA, layout.CERTIFICATE, layout.KEY],
            False,
        ),
    ],
)
def test_one_thing_that_changed_is_the_one_thing_that_is_written(
    exposed: Host, changes: dict[str, t.Any], paths: list[str], socket: bool
) -> None:
    plan = _expose(exposed, **changes)
    assert paths_of(plan) == paths
    assert plan.restarted
    assert restarts_socket(plan) is socket
    assert SwitchLiveRestore() not in plan.steps
    assert plan.changes_bundle is any(path.endswith(".pem") for path in paths)


def test_another_access_list_needs_no_restart(exposed: Host) -> None:
    plan = _expose(exposed, allow=("10.30.0.0/24",))
    assert paths_of(plan) == [layout.GATE]
    assert plan.actions() == [f"write {layout.GATE}", "put the access list into force"]
    assert not plan.restarted
    assert not _expose(after(exposed, plan), allow=("10.30.0.0/24",)).changed


@pytest.mark.parametrize("allowed", ["", "10.20.0.5/32", "0.0.0.0/0 ::/0", "10.20.0.5/32 10.20.0.1/32 10.9.9.9/32"])
def test_an_access_list_that_is_not_in_force_is_put_into_force_again(exposed: Host, allowed: str) -> None:
    plan = _expose(exposed.but(allowed=allowed))
    assert [type(step) for step in plan.steps] == [OpenGate]
    assert not _expose(after(exposed, plan)).changed


def test_another_python_is_in_the_units_only(exposed: Host) -> None:
    plan = _expose(exposed.reporting(python="/usr/bin/python3.11"))
    assert paths_of(plan) == [layout.GATE_UNIT, layout.DROP_IN]
    assert plan.restarted
    assert not restarts_socket(plan)


@pytest.mark.parametrize("trust", [b"newer\n", None])
def test_another_generation_of_trust_needs_no_restart(exposed: Host, trust: bytes | None) -> None:
    """Where dockerd is to accept others, its ca.pem changes too."""
    plan = _expose(exposed, server=dataclasses.replace(SERVER, trust=trust))
    assert (paths_of(plan), plan.restarted) == ([layout.TRUST], False)


def test_without_a_fleet_no_trust_is_remembered(exposed: Host) -> None:
    plan = _expose(exposed, server=dataclasses.replace(SERVER, of_fleet=False, trust=None))
    assert plan.actions() == [f"remove {layout.TRUST}"]


@pytest.mark.parametrize("path", [path for path in OUR_FILES if path not in (layout.ORIGINALS, layout.TRUST)])
def test_a_file_of_ours_that_is_gone_is_written_again(exposed: Host, path: str) -> None:
    plan = _expose(exposed.without(path), server=dataclasses.replace(SERVER, key_secret="server_key"))
    assert path in paths_of(plan)
    assert plan.restarted


@pytest.mark.parametrize("path", [path for path in OUR_FILES if path not in (layout.ORIGINALS, layout.DAEMON_JSON)])
def test_modes_that_drifted_are_corrected_without_a_restart(exposed: Host, path: str) -> None:
    kept = exposed.files[path]
    drifted = dataclasses.replace(kept, mode=0o666, uid=1000)
    plan = _expose(exposed.but(files={**exposed.files, path: drifted}))
    assert paths_of(plan) == [path]
    assert after(exposed.but(files={**exposed.files, path: drifted}), plan).files[path] == kept
    assert plan.changed
    assert not plan.restarted
    assert not restarts_socket(plan)
    assert SwitchLiveRestore() not in plan.steps


@pytest.mark.parametrize("loose", [[0o755, 0, 0], [0o700, 1000, 0], [0o770, 0, 5]])
def test_folders_that_others_can_read_are_closed_without_a_restart(exposed: Host, loose: list[int]) -> None:
    host = exposed.but(folders={**exposed.folders, layout.BUNDLE: loose})
    plan = _expose(host)
    assert plan.steps == (MakeFolder(layout.BUNDLE, 0o700),)
    assert plan.actions() == [f"close {layout.BUNDLE} to others"]
    assert not _expose(after(host, plan)).changed


def test_folders_that_are_made_with_other_changes_are_no_actions() -> None:
    assert not [action for action in _expose(CLEAN).actions() if action.startswith("close")]


@pytest.mark.parametrize("path", [layout.SOCKET_UNIT, layout.DROP_IN, layout.CA, f"{layout.GUARD}/daemon_json.py"])
def test_a_file_of_ours_that_was_edited_is_restored(exposed: Host, path: str) -> None:
    kept = exposed.files[path]
    plan = _expose(exposed.write(path, kept.content + b"# edited\n", kept.mode))
    assert paths_of(plan) == [path]
    assert (step_for(plan, path).content or "").encode() == kept.content
    assert plan.restarted


def test_a_closed_port_is_opened_again_without_writing_anything(exposed: Host) -> None:
    plan = _expose(exposed.but(active=exposed.active - {layout.GANGWAY_SOCKET}, listening=[]))
    assert paths_of(plan) == []
    assert plan.changed
    assert plan.restarted
    assert restarts_socket(plan)


def test_a_stopped_dockerd_is_started(exposed: Host) -> None:
    plan = _expose(exposed.but(is_running=False))
    assert plan.restarted
    assert not restarts_socket(plan)
    assert not plan.way_back.was_running


def test_swarm_mode_gets_no_live_restore_key() -> None:
    host = CLEAN.but(swarm=True, containers=["web"])
    plan = _expose(host, allow_downtime=True)
    assert parse(step_for(plan, layout.DAEMON_JSON).content or "") == TLS_SETTINGS
    assert SwitchLiveRestore() not in plan.steps
    with pytest.raises(Failure) as failure:
        _expose(host)
    assert failure.value.key == "swarm_mode"


@pytest.mark.parametrize(
    ("version", "checks"), [("20.10.24+dfsg1", False), ("23.0.1", True), ("28.5.2", True), ("", False)]
)
def test_dockerd_checks_daemon_json_itself_if_it_can(version: str, checks: bool) -> None:
    steps = _expose(CLEAN.but(version=version)).steps
    assert any(isinstance(step, CheckConfig) for step in steps) is checks
    assert any(isinstance(step, CheckBundle) for step in steps)


def test_filtering_that_was_seen_is_remembered_once(exposed: Host) -> None:
    assert layout.FILTERING_SEEN in exposed.files
    assert layout.FILTERING_SEEN not in paths_of(_expose(exposed, allow=("10.30.0.0/24",)))
    assert layout.FILTERING_SEEN not in paths_of(_expose(CLEAN, firewall="none"))


def test_diffs_show_texts_and_no_key() -> None:
    plan = _expose(CLEAN)
    shown = {entry["after_header"]: entry["after"] for entry in plan.diff}
    assert {layout.DAEMON_JSON, layout.SOCKET_UNIT, layout.DROP_IN} <= shown.keys()
    assert not {layout.KEY, layout.ORIGINALS} & shown.keys()
    assert KEY not in repr(plan.diff)
    assert shown[f"{layout.GUARD}/__main__.py"].startswith("sha256: ")


def test_no_secret_is_in_what_a_host_is_sent_but_among_the_secrets() -> None:
    plan = _expose(CLEAN)
    sent = json.loads(plan.order({"server_key": KEY}))
    assert sent.pop("secrets") == {"server_key": KEY}
    assert KEY not in json.dumps(sent)
    assert KEY not in repr(plan)


def test_what_a_host_is_sent_reads_back_as_it_was_planned() -> None:
    users = CLEAN.write(layout.DAEMON_JSON, '{"labels": ["straße"]}')
    for plan in (_expose(users), expose(HOSTS["openrc"], "daemon_json", firewall="nftables")):
        assert tuple(steps_of(plan)) == plan.steps
        sent = json.loads(plan.order({}))
        assert sent["preconditions"] == {"files": dict(plan.files), "pid": 42}


def test_preconditions_are_the_files_as_they_were_observed(exposed: Host) -> None:
    plan = _expose(exposed, allow=("10.30.0.0/24",))
    assert plan.files.keys() == exposed.files.keys()
    assert None not in plan.files.values()
    first = _expose(CLEAN)
    assert first.files[layout.SOCKET_UNIT] is None
    assert first.files[UNIT] is not None


def test_a_file_that_is_no_utf8_survives() -> None:
    host = HOSTS["debian"].write("/etc/default/docker", b"# stra\xdfe\nDOCKER_OPTS=--debug\n")
    exposed = exposed_by(host, "options_file")
    assert (exposed.content("/etc/default/docker") or b"").startswith(b"# stra\xdfe\n")
    assert File(b"# stra\xdfe\nDOCKER_OPTS=--debug\n") == host.files["/etc/default/docker"]


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize("method", ["socket", "override", "daemon_json"])
def test_an_adopted_daemon_json_with_sockets_of_systemd_changes_nothing_later(method: str, allowed: bool) -> None:
    host = HOSTS["docker-ce"].write(UNIT, "[Service]\nExecStart=/usr/bin/dockerd\n", 0o644, 0, 0)
    host = host.write(layout.DAEMON_JSON, '{"hosts": ["fd://", "tcp://0.0.0.0:2375"]}\n', 0o644, 0, 0)
    exposed = exposed_by(host, method, adopt=True)
    assert expose(exposed, method, adopt=allowed).steps == ()
