# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: computed from what is and what is asked, so that a second run changes nothing."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.asked import Asked, TlsFiles
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.daemon_json import merge, parse
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.engine import EngineState
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Attributes
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.choice import METHODS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.method import TLS_SETTINGS, Exposure
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import OUR_PATHS as PATHS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import (
    Plan,
    plan_absent,
    plan_present,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.unit import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.what_was import WhatWas

LISTEN = (Listen("10.20.0.5", 2376),)
ALLOW = ("10.20.0.0/24",)
TLS = TlsFiles(ca=b"the CA\n", certificate=b"the certificate\n", certificate_is_due=False, key=b"PRIVATE")
CLEAN = Observed(
    flags=DaemonFlags("/usr/bin/dockerd", ("fd://",), (), None, False),
    main_pid=42,
    service_active=True,
    socket_active=False,
    running_hosts=(),
    exec_start_pre="",
    slices_allow="",
    foreign_streams=(),
    files={},
    missing_folders=("/etc/systemd/system/docker.service.d",),
    loose_folders=(),
    engine=EngineState("28.5.2", live_restore=False, swarm=False),
)
USERS = b'{\n\t"mtu": 1400\n}\n'
SWARM = EngineState("28.5.2", live_restore=False, swarm=True)


def _with(observed: Observed, path: str, content: bytes | None, mode: int = 0o644) -> Observed:
    files = {key: value for key, value in observed.files.items() if key != path}
    if content is not None:
        files[path] = (content, Attributes(mode))
    return dataclasses.replace(observed, files=files)


SOCKET = next(method for method in METHODS if method.name == "socket")
#: What method socket has on a host.
OUR_PATHS = [
    path
    for path in PATHS
    if path not in (layout.EXEC_DROP_IN, layout.LISTENER, layout.STARTER, layout.FIREWALL_RULES, *layout.FIREWALL_UNITS)
]


def _present(observed: Observed, **changes: t.Any) -> Plan:
    arguments = {"listen": LISTEN, "allow": ALLOW, "python": "/usr/bin/python3"}
    asked = Asked(
        exposure=Exposure(**{key: changes.get(key, value) for key, value in arguments.items()}),
        method=SOCKET,
        tls=changes.get("tls", TLS),
    )
    return plan_present(observed, asked)


def _after(observed: Observed, plan: Plan) -> Observed:
    """The host when the plan has been carried out."""
    files = dict(observed.files)
    for change in plan.changes:
        if change.attributes is None:
            files.pop(change.path, None)
        else:
            content = observed.files[change.path][0] if change.content is None else change.content
            files[change.path] = (content, change.attributes)
    engine = observed.engine
    if engine is not None and not engine.swarm:
        engine = dataclasses.replace(engine, live_restore=True)
    return dataclasses.replace(
        observed, files=files, socket_active=layout.SOCKET_UNIT in files, missing_folders=(), engine=engine
    )


@pytest.fixture
def exposed() -> Observed:
    """A host with a daemon.json of the user's, after its first exposure."""
    before = _with(CLEAN, layout.DAEMON_JSON, USERS)
    return _after(before, _present(before))


def _paths(plan: Plan) -> list[str]:
    return [change.path for change in plan.changes]


def test_the_first_exposure_writes_everything_of_ours_and_restarts_once() -> None:
    plan = _present(CLEAN)
    assert plan.changed
    assert sorted(_paths(plan)) == sorted(OUR_PATHS)
    assert plan.restart
    assert plan.restart_socket
    assert plan.live_restore_first
    assert plan.actions()[0] == "switch live-restore on"
    assert plan.actions()[-1] == "restart docker.service"


def test_live_restore_stays_out_of_daemon_json_where_it_is_a_flag() -> None:
    """dockerd refuses it in both places."""
    flags = dataclasses.replace(CLEAN.flags, live_restore=True)
    engine = EngineState("28.5.2", live_restore=True, swarm=False)
    plan = _present(dataclasses.replace(CLEAN, flags=flags, engine=engine))
    assert not plan.live_restore
    assert not plan.live_restore_first
    assert plan.settle is None
    written = [change.content or b"" for change in plan.changes if change.path == layout.DAEMON_JSON]
    assert [set(parse(content.decode())) for content in written] == [set(TLS_SETTINGS)]


def test_what_was_is_remembered_before_daemon_json_changes_and_daemon_json_before_the_port_opens() -> None:
    paths = _paths(_present(CLEAN))
    assert paths[0] == layout.WHAT_WAS
    assert paths.index(layout.KEY) < paths.index(layout.DAEMON_JSON) < paths.index(layout.SOCKET_UNIT)
    assert paths.index(f"{layout.GUARD}/__main__.py") < paths.index(layout.SOCKET_UNIT)


def test_the_first_exposure_remembers_what_the_host_was() -> None:
    plan = _present(_with(CLEAN, layout.DAEMON_JSON, USERS))
    what_was = WhatWas.read(next(c.content for c in plan.changes if c.path == layout.WHAT_WAS) or b"")
    assert what_was.files[layout.DAEMON_JSON].original == USERS
    assert what_was.folders == CLEAN.missing_folders


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        (layout.KEY, 0o400),
        (layout.CERTIFICATE, 0o444),
        (layout.CA, 0o444),
        (layout.WHAT_WAS, 0o600),
        (layout.SOCKET_UNIT, 0o644),
        (layout.DROP_IN, 0o644),
        (layout.DAEMON_JSON, 0o644),
    ],
)
def test_modes_are_those_of_the_cis_benchmark(path: str, mode: int) -> None:
    change = next(change for change in _present(CLEAN).changes if change.path == path)
    assert change.attributes == Attributes(mode, 0, 0)


def test_the_users_daemon_json_keeps_its_owner_and_mode() -> None:
    attributes = Attributes(0o640, 7, 8)
    observed = dataclasses.replace(CLEAN, files={layout.DAEMON_JSON: (USERS, attributes)})
    change = next(change for change in _present(observed).changes if change.path == layout.DAEMON_JSON)
    assert change.attributes == attributes
    assert change.content == merge(USERS.decode(), {**TLS_SETTINGS, "live-restore": True}).encode()


def test_a_second_run_changes_nothing(exposed: Observed) -> None:
    plan = _present(exposed)
    assert not plan.changed
    assert plan.changes == ()
    assert plan.actions() == []


def test_the_guard_goes_to_the_host_as_it_stands_here(exposed: Observed) -> None:
    program = exposed.content(f"{layout.GUARD}/__main__.py")
    assert program is not None
    assert b"def tls_problem" in program
    assert b"def merge" in (exposed.content(f"{layout.GUARD}/daemon_json.py") or b"")
    assert exposed.content(f"{layout.GUARD}/__init__.py") == b""


@pytest.mark.parametrize(
    ("changes", "paths", "restart_socket"),
    [
        ({"allow": ("10.30.0.0/24",)}, [layout.SOCKET_UNIT], True),
        ({"listen": (Listen("10.20.0.5", 2377),)}, [layout.SOCKET_UNIT], True),
        ({"python": "/usr/bin/python3.11"}, [layout.DROP_IN], False),
        ({"tls": dataclasses.replace(TLS, ca=b"another CA\n")}, [layout.CA], False),
        ({"tls": dataclasses.replace(TLS, certificate=b"renewed\n")}, [layout.CERTIFICATE], False),
        ({"tls": dataclasses.replace(TLS, certificate_is_due=True)}, [layout.CERTIFICATE], False),
        (
            {"tls": dataclasses.replace(TLS, certificate_is_due=True, key=None, key_is_due=True)},
            [layout.CERTIFICATE, layout.KEY],
            False,
        ),
        ({"tls": dataclasses.replace(TLS, key=b"OTHER", key_is_due=True)}, [layout.KEY], False),
    ],
)
def test_one_thing_that_changed_is_the_one_thing_that_is_written(
    exposed: Observed, changes: dict[str, t.Any], paths: list[str], restart_socket: bool
) -> None:
    plan = _present(exposed, **changes)
    assert _paths(plan) == paths
    assert plan.restart
    assert plan.restart_socket is restart_socket
    assert not plan.live_restore_first
    assert plan.changes_bundle == any(path.endswith(".pem") for path in paths)


@pytest.mark.parametrize("path", [path for path in OUR_PATHS if path != layout.WHAT_WAS])
def test_a_file_of_ours_that_is_gone_is_written_again(exposed: Observed, path: str) -> None:
    plan = _present(_with(exposed, path, None))
    assert path in _paths(plan)
    assert plan.restart


@pytest.mark.parametrize("path", [path for path in OUR_PATHS if path not in (layout.WHAT_WAS, layout.DAEMON_JSON)])
def test_modes_that_drifted_are_mended_without_a_restart(exposed: Observed, path: str) -> None:
    content, attributes = exposed.files[path]
    drifted = dataclasses.replace(attributes, mode=0o666, uid=1000)
    plan = _present(dataclasses.replace(exposed, files={**exposed.files, path: (content, drifted)}))
    assert _paths(plan) == [path]
    assert plan.changes[0].attributes == attributes
    assert plan.changed
    assert not plan.restart
    assert not plan.restart_socket
    assert not plan.live_restore_first


def test_folders_that_others_can_look_into_are_closed_without_a_restart(exposed: Observed) -> None:
    plan = _present(dataclasses.replace(exposed, loose_folders=(layout.BUNDLE,)))
    assert plan.changes == ()
    assert not plan.restart
    assert plan.changed
    assert plan.actions() == [f"close {layout.BUNDLE} to others"]


@pytest.mark.parametrize("path", [layout.SOCKET_UNIT, layout.DROP_IN, layout.CA, f"{layout.GUARD}/daemon_json.py"])
def test_a_file_of_ours_that_was_edited_is_put_right(exposed: Observed, path: str) -> None:
    content, attributes = exposed.files[path]
    plan = _present(_with(exposed, path, content + b"# edited\n", attributes.mode))
    assert _paths(plan) == [path]
    assert plan.changes[0].content == content
    assert plan.restart


def test_a_closed_port_is_opened_again_without_writing_anything(exposed: Observed) -> None:
    plan = _present(dataclasses.replace(exposed, socket_active=False))
    assert _paths(plan) == []
    assert plan.changed
    assert plan.restart
    assert plan.restart_socket


def test_a_stopped_dockerd_is_started(exposed: Observed) -> None:
    plan = _present(dataclasses.replace(exposed, service_active=False))
    assert plan.restart
    assert not plan.restart_socket


def test_swarm_mode_gets_no_live_restore_key() -> None:
    plan = _present(dataclasses.replace(CLEAN, engine=SWARM))
    change = next(change for change in plan.changes if change.path == layout.DAEMON_JSON)
    assert parse((change.content or b"").decode()) == TLS_SETTINGS
    assert not plan.live_restore_first


def test_the_users_edit_of_daemon_json_since_then_outlives_a_change_and_a_withdrawal(exposed: Observed) -> None:
    edited = (exposed.content(layout.DAEMON_JSON) or b"").replace(b"1400", b"9000").replace(b"true", b"false", 1)
    observed = _with(exposed, layout.DAEMON_JSON, edited)
    plan = _present(observed)
    assert _paths(plan) == [layout.WHAT_WAS, layout.DAEMON_JSON]
    withdrawn = plan_absent(_after(observed, plan), existing_folders=[])
    assert withdrawn.settle is not None
    assert withdrawn.settle.content == USERS.replace(b"1400", b"9000")


def test_diffs_show_texts_and_no_key() -> None:
    plan = _present(CLEAN)
    shown = {entry["after_header"]: entry["after"] for entry in plan.diff}
    assert {layout.DAEMON_JSON, layout.SOCKET_UNIT, layout.DROP_IN} <= shown.keys()
    assert layout.KEY not in shown
    assert "PRIVATE" not in repr(plan.diff)
    assert shown[f"{layout.GUARD}/__main__.py"].startswith("sha256: ")


def test_absent_on_a_clean_host_is_nothing_to_do() -> None:
    plan = plan_absent(CLEAN, existing_folders=[])
    assert plan.changes == ()
    assert not plan.changed


def test_absent_leaves_a_daemon_json_that_we_never_touched(exposed: Observed) -> None:
    plan = plan_absent(_with(CLEAN, layout.DAEMON_JSON, USERS), existing_folders=[])
    assert not plan.changed


def test_absent_takes_everything_away_and_the_users_daemon_json_comes_back_to_the_byte(exposed: Observed) -> None:
    plan = plan_absent(exposed, existing_folders=[layout.BUNDLE, layout.STATE])
    removed = [change.path for change in plan.changes if change.removes]
    assert sorted(removed) == sorted(path for path in OUR_PATHS if path != layout.DAEMON_JSON)
    assert plan.settle is not None
    assert plan.settle.content == USERS
    assert plan.folders_to_remove == (layout.BUNDLE, layout.STATE, *CLEAN.missing_folders)
    assert plan.restart
    assert plan.restart_socket


def test_absent_removes_a_daemon_json_that_was_not_there_before() -> None:
    exposed = _after(CLEAN, _present(CLEAN))
    plan = plan_absent(exposed, existing_folders=[layout.BUNDLE, layout.STATE])
    assert plan.settle is not None
    assert plan.settle.removes
    assert plan.actions().count(f"remove {layout.DAEMON_JSON}") == 1


def test_absent_after_absent_is_nothing_to_do(exposed: Observed) -> None:
    plan = plan_absent(exposed, existing_folders=[layout.BUNDLE, layout.STATE])
    assert not plan_absent(_after(exposed, plan), existing_folders=[]).changed


def test_absent_without_the_memory_takes_only_our_tls_keys_out(exposed: Observed) -> None:
    plan = plan_absent(_with(exposed, layout.WHAT_WAS, None), existing_folders=[])
    assert plan.settle is not None
    settings = parse((plan.settle.content or b"").decode())
    assert settings["mtu"] == 1400
    assert not settings.keys() & TLS_SETTINGS.keys()


def test_absent_without_the_memory_leaves_another_tls_configuration_alone() -> None:
    theirs = b'{"tlsverify": true, "tlscacert": "/etc/theirs/ca.pem"}'
    plan = plan_absent(_with(CLEAN, layout.DAEMON_JSON, theirs), existing_folders=[])
    assert not plan.changed


def test_absent_switches_live_restore_on_for_its_restart_but_not_in_swarm_mode(exposed: Observed) -> None:
    off = EngineState("28.5.2", live_restore=False, swarm=False)
    assert plan_absent(dataclasses.replace(exposed, engine=off), existing_folders=[]).live_restore_first
    assert not plan_absent(dataclasses.replace(exposed, engine=SWARM), existing_folders=[]).live_restore_first


def test_absent_does_not_start_a_dockerd_that_is_down(exposed: Observed) -> None:
    plan = plan_absent(dataclasses.replace(exposed, service_active=False), existing_folders=[])
    assert plan.changed
    assert not plan.restart
