# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back: as much of it as the run needs, in an order in which dockerd can start at any moment."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._run.execute import Execution
from ansible_collections.gangway.docker.plugins.module_utils._run.rollback import finish_interrupted
from ansible_collections.gangway.docker.plugins.module_utils._run.transaction import Transaction
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import with_block
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Discard,
    LoadRules,
    ReadUnits,
    Remove,
    StartDockerd,
    Step,
    StopDockerd,
    StopUnit,
    SwitchLiveRestore,
    Write,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack

from .conftest import World
from .test_run import FAULT

LISTENING = WayBack(
    close_units=(layout.GANGWAY_SOCKET,),
    open_units=(layout.GANGWAY_SOCKET,),
    other_sockets=("theirs.socket",),
    load_rules=(("nft", "-f", "old"),),
    unload_rules=(("nft", "delete", "new"),),
)
#: A unit of ours that was stopped during its start counts as failed.
FORGET = "systemctl reset-failed --all docker.service docker.socket docker-gangway*"


def _interrupted(world: World, plan: t.Sequence[Step], way_back: WayBack | None = None) -> None:
    """Execute the steps as a run that is killed behind the last one."""
    transaction = Transaction(world.host, way_back, world.pid)
    execution = Execution(world.host, transaction, {})
    execution.prepare(plan)
    for step in plan:
        execution.do(step)
    world.calls.clear()


def _exposed(world: World) -> None:
    """A host with a listener: hosts in daemon.json, and a socket unit."""
    Path(layout.DAEMON_JSON).write_text('{"hosts": ["fd://", "tcp://10.0.0.5:2376"], "tlsverify": true}')
    Path(layout.SOCKET_UNIT).write_text("[Socket]\n")
    world.active = {*world.active, layout.GANGWAY_SOCKET, "theirs.socket"}


def test_files_alone_go_back_without_a_command(world: World) -> None:
    before = world.state()
    world.failure(
        [Write(layout.SOCKET_UNIT, "[Socket]\n"), Write(layout.DAEMON_JSON, '{"mtu": 1400, "tls": true}'), FAULT]
    )
    assert world.state() == before
    assert world.changes() == []


def test_units_that_were_read_are_read_again_without_a_restart(world: World) -> None:
    before = world.state()
    world.failure([Write(layout.SOCKET_UNIT, "[Socket]\n"), ReadUnits(), FAULT], LISTENING)
    assert world.state() == before
    assert world.changes() == ["systemctl daemon-reload"] * 2


def test_rules_go_back_without_a_restart(world: World) -> None:
    world.failure([LoadRules((("nft", "-f", "new"),)), FAULT], LISTENING)
    assert world.changes() == ["nft -f new", "systemctl daemon-reload", "nft -f old", "nft delete new", FORGET]


def test_a_dockerd_that_was_started_meanwhile_is_started_again_as_before(world: World) -> None:
    before = world.state()

    def crash(command: str) -> None:
        if command == "systemctl daemon-reload" and world.pid == 100:
            world.live_restore = True
            world.stop()
            world.start()

    world.watch = crash
    world.failure([Write(layout.DAEMON_JSON, '{"mtu": 1400, "live-restore": true}'), ReadUnits(), FAULT])
    assert world.state() == before
    assert world.changes()[-2:] == ["systemctl stop docker.service", "systemctl start docker.service"]


def test_the_port_closes_first_and_dockerd_starts_under_the_old_files(world: World) -> None:
    _exposed(world)
    before = world.state()
    seen: dict[str, t.Any] = {}

    def watch(command: str) -> None:
        seen[command] = (world.daemon_json(), os.path.exists(layout.SOCKET_UNIT))

    plan: list[Step] = [SwitchLiveRestore(), Remove(layout.SOCKET_UNIT), Write(layout.DAEMON_JSON, "{}"), StopDockerd()]
    _interrupted(world, plan, LISTENING)
    world.watch = watch
    assert finish_interrupted(world.host) == {
        "files": [layout.DAEMON_JSON, layout.SOCKET_UNIT],
        "restarted": True,
        "completed": False,
    }
    assert world.changes() == [
        f"systemctl stop {layout.GANGWAY_SOCKET}",
        "systemctl daemon-reload",
        "nft -f old",
        "systemctl reset-failed --all docker.service docker.socket docker-gangway*",
        "systemctl stop docker.service",
        f"systemctl stop {layout.GANGWAY_SOCKET}",
        "systemctl stop theirs.socket",
        "systemctl start theirs.socket",
        f"systemctl start {layout.GANGWAY_SOCKET}",
        "systemctl start docker.service",
        "nft delete new",
        FORGET,
    ]
    hosts = ["fd://", "tcp://10.0.0.5:2376"]
    assert seen["systemctl daemon-reload"] == ({"tlsverify": True, "live-restore": True}, True)
    assert seen["systemctl start docker.service"][0] == {"hosts": hosts, "tlsverify": True, "live-restore": True}
    assert world.state() == before


def test_containers_live_though_live_restore_was_switched_off_already(world: World) -> None:
    _interrupted(world, [SwitchLiveRestore(), StopDockerd(), StartDockerd()])
    Path(layout.DAEMON_JSON).write_text("{}")
    world.reload()
    finish_interrupted(world.host)
    assert world.containers
    assert world.live_restore is False


def test_live_restore_stays_out_where_dockerd_refuses_it(world: World) -> None:
    world.swarm = True
    _interrupted(world, [StopDockerd()], WayBack(live_restore=False))
    finish_interrupted(world.host)
    assert world.started_with == [{"mtu": 1400}]


def test_a_dockerd_that_was_down_is_down_again_and_its_socket_listens(world: World) -> None:
    _exposed(world)
    world.pid = 0
    before = world.state()
    _interrupted(world, [Write(layout.DAEMON_JSON, "{}"), StopDockerd(), StartDockerd()], LISTENING)
    way_back = WayBack(was_running=False, close_units=LISTENING.close_units, open_units=LISTENING.open_units)
    transaction = Transaction.interrupted(world.host)
    assert transaction is not None
    transaction.way_back = way_back
    transaction._save()
    finish_interrupted(world.host)
    assert (world.pid, world.active) == (0, before[3])  # type: ignore[index]
    assert Path(layout.DAEMON_JSON).read_text().startswith('{"hosts"')


def test_a_dockerd_that_failed_to_start_is_started(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _interrupted(world, [Write(layout.DAEMON_JSON, "broken")])
    world.pid = 0
    show = world._systemctl

    def failed(verb: str, words: t.Sequence[str]) -> tuple[int, str, str]:
        if verb == "show" and words[-1].endswith("ActiveState") and world.pid == 0:
            return 0, "ActiveState=failed\n", ""
        return show(verb, words)

    monkeypatch.setattr(world, "_systemctl", failed)
    Path(layout.DAEMON_JSON).write_text('{"mtu": 1400}')
    assert finish_interrupted(world.host) is not None
    assert world.pid


def test_edits_made_since_an_interrupted_run_stay(world: World) -> None:
    _interrupted(world, [Write(layout.DAEMON_JSON, '{"mtu": 1400, "tlsverify": true}'), ReadUnits()])
    Path(layout.DAEMON_JSON).write_text('{"mtu": 1400, "tlsverify": true, "debug": true}')
    finish_interrupted(world.host)
    assert world.daemon_json() == {"mtu": 1400, "debug": True}


def test_an_edit_that_cannot_be_read_is_left_to_the_user(world: World) -> None:
    _interrupted(world, [Write(layout.DAEMON_JSON, "{}"), StopDockerd()])
    Path(layout.DAEMON_JSON).write_text("{broken")
    assert world.failure([], recover=True).key == "daemon_json_malformed"
    assert os.path.exists(layout.JOURNAL)
    assert world.changes() == []
    Path(layout.DAEMON_JSON).write_text("{}")
    assert world.carry_out([], recover=True)["recovered"]["restarted"] is True
    assert world.pid


def test_a_file_below_run_goes_with_the_one_that_it_came_from(world: World) -> None:
    flags, in_force = layout.LISTENER_FLAGS, layout.LISTENER_FLAGS_IN_FORCE
    way_back = WayBack(remove_without=((in_force, flags),))
    _interrupted(world, [Write(flags, "-H"), ReadUnits()], way_back)
    Path(in_force).touch()
    finish_interrupted(world.host)
    assert not os.path.exists(in_force)


def test_if_even_going_back_fails_the_port_closes_and_the_journal_stays(world: World) -> None:
    _exposed(world)
    options = world.path("etc/default")
    Path(options).write_bytes(with_block(b"OPTIONS=\n", "OPTIONS=-H tcp://\n"))
    before = world.state()
    way_back = WayBack(
        close_units=(layout.GANGWAY_SOCKET,),
        open_units=(layout.GANGWAY_SOCKET,),
        last_resort=(layout.SOCKET_UNIT,),
        options_files=(options,),
    )
    starts = {f"systemctl start {layout.GANGWAY_SOCKET}"}
    world.fails = starts
    failure = world.failure([SwitchLiveRestore(), Write(layout.DAEMON_JSON, "{}"), StopDockerd(), FAULT], way_back)
    assert failure.key == "rollback_failed"
    assert "can't be loaded" in str(failure)
    assert "The port is closed." in str(failure)
    assert "rolled_back" not in failure.facts
    assert not os.path.exists(layout.SOCKET_UNIT)
    assert Path(options).read_bytes() == b"OPTIONS=\n"
    assert world.started_with[-1]["hosts"] == ["fd://"]
    assert layout.GANGWAY_SOCKET not in world.active
    assert world.containers
    assert world.pid
    world.fails = set()
    assert world.carry_out([], recover=True)["changed"] is True
    world.active = {*world.active, "theirs.socket"}
    assert world.state() == before


def test_going_back_is_armed_as_well(world: World) -> None:
    _interrupted(world, [StopDockerd()])
    world.carry_out([], recover=True)
    started = next(index for index, command in enumerate(world.calls) if command.startswith("systemd-run"))
    assert started < world.calls.index("systemctl stop docker.service")
    assert world.calls[-1] == f"systemctl stop {layout.RECOVERY_SERVICE}"
    assert not os.path.exists(layout.RECOVERY)


def test_a_committed_run_that_was_killed_is_finished(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction = Transaction(world.host)
    transaction.write(layout.KEY, b"PRIVATE", transaction.before(layout.DAEMON_JSON)[1])
    transaction.discard = Discard(folders=(layout.BUNDLE, layout.STATE))
    transaction._save()
    assert world.carry_out([], recover=True)["recovered"] == {"files": [], "restarted": False, "completed": True}
    assert not os.path.exists(layout.BUNDLE)
    assert not os.path.exists(layout.STATE)
    assert not os.path.exists(layout.LOCK)


@pytest.mark.parametrize("journal", [b"", b"[]", b"{}", b'{"way_back": {"no": 1}, "pid": 1, "level": 0}'])
def test_a_journal_that_is_damaged_is_named(world: World, journal: bytes) -> None:
    Path(layout.STATE).mkdir()
    Path(layout.JOURNAL).write_bytes(journal)
    failure = world.failure([], recover=True)
    assert failure.key == "state_unreadable"
    assert layout.JOURNAL in str(failure)


def test_what_a_recovery_did_is_reported_once(world: World) -> None:
    report = {"time": 1.0, "files": ["/etc/x"], "restarted": True, "completed": False}
    Path(layout.RECOVERED).write_text(json.dumps(report))
    assert world.carry_out([], recover=True)["recovered"] == report
    assert world.carry_out([], recover=True)["recovered"] is None


def test_nothing_of_a_killed_run_is_left(world: World) -> None:
    before = world.state()
    _interrupted(world, [Write(layout.KEY, "PRIVATE"), StopUnit("theirs.socket"), StopDockerd(), StartDockerd()])
    world.containers = {"c1": ("witness", "then")}
    assert world.carry_out([], recover=True)["changed"] is True
    assert world.image() == before[0]  # type: ignore[index]
    assert Transaction.interrupted(world.host) is None


def test_a_failure_of_the_way_back_is_a_failure(world: World) -> None:
    _interrupted(world, [StopDockerd()])
    world.fails = {"systemctl start docker.service"}
    with pytest.raises(Failure) as caught:
        finish_interrupted(world.host)
    assert caught.value.key == "rollback_failed"
    assert "Closing the port failed too" in str(caught.value)
