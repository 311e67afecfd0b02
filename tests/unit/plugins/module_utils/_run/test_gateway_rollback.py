# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back of a host whose port HAProxy serves: dockerd and daemon.json have no part in it."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._run import execute
from ansible_collections.gangway.docker.plugins.module_utils._run.execute import Execution
from ansible_collections.gangway.docker.plugins.module_utils._run.rollback import finish_interrupted
from ansible_collections.gangway.docker.plugins.module_utils._run.transaction import Transaction
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    LoadRules,
    ReadUnits,
    ReloadGateway,
    Remove,
    StartGateway,
    Step,
    StopDockerd,
    StopGateway,
    Write,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack

from .conftest import World
from .test_run import FAULT

UNITS = (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE)
#: HAProxy serves the port before, and is to be stopped and started; or reads its files again.
STARTS = WayBack(
    close_units=UNITS,
    open_units=UNITS,
    touches_dockerd=False,
    load_rules=(("systemctl", "set-property", "old"),),
    unload_rules=(("nft", "delete", "new"),),
)
RELOADS = dataclasses.replace(STARTS, open_units=(), reload_gateway=True)
FIRST = dataclasses.replace(STARTS, open_units=(), load_rules=())
RULES = LoadRules((("nft", "-f", "new"),))


@pytest.fixture(autouse=True)
def _no_haproxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "reload_gateway", lambda _host, _step: None)


def _files() -> list[Step]:
    return [Write(layout.GATEWAY_CONFIGURATION, "new\n"), Write(layout.SOCKET_UNIT, "[Socket]\n# new\n")]


def _served(world: World) -> None:
    for path in (layout.GATEWAY_CONFIGURATION, layout.SOCKET_UNIT, layout.GATEWAY_UNIT):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text("old\n")
    Path(layout.STATE).chmod(0o700)
    world.active = {*world.active, *UNITS}


def _of_dockerd(world: World) -> list[str]:
    return [call for call in world.changes() if layout.DOCKER_SERVICE in call and "reset-failed" not in call]


def _interrupted(world: World, plan: t.Sequence[Step], way_back: WayBack) -> None:
    """Execute the steps as a run that is killed behind the last one."""
    transaction = Transaction(world.host, way_back, world.pid)
    execution = Execution(world.host, transaction, {})
    execution.prepare(plan)
    for step in plan:
        execution.do(step)


LEVELS: dict[str, list[Step]] = {
    "files": [],
    "units": [ReadUnits()],
    "rules": [ReadUnits(), RULES],
    "haproxy stopped": [ReadUnits(), RULES, StopGateway()],
    "haproxy started": [ReadUnits(), RULES, StopGateway(), StartGateway()],
    "haproxy reloaded": [ReadUnits(), RULES, ReloadGateway()],
}


@pytest.mark.parametrize(
    ("level", "way_back"),
    [(level, STARTS) for level in LEVELS if level != "haproxy reloaded"]
    + [(level, RELOADS) for level in LEVELS if level not in ("haproxy stopped", "haproxy started")],
)
@pytest.mark.parametrize("killed", [True, False])
def test_everything_is_as_it_was_and_dockerd_has_no_part(
    world: World, level: str, way_back: WayBack, killed: bool
) -> None:
    _served(world)
    written = os.stat(layout.DAEMON_JSON)
    before = world.state()
    plan = [*_files(), *LEVELS[level]]
    if killed:
        _interrupted(world, plan, way_back)
        transaction = Transaction.interrupted(world.host)
        assert transaction is not None
        assert layout.DAEMON_JSON not in transaction.files
        assert finish_interrupted(world.host) is not None
    else:
        assert world.failure([*plan, FAULT], way_back).facts["rolled_back"] is True
    assert world.state() == before
    assert (os.stat(layout.DAEMON_JSON).st_ino, os.stat(layout.DAEMON_JSON).st_mtime_ns) == (
        written.st_ino,
        written.st_mtime_ns,
    )
    assert (_of_dockerd(world), world.started_with, world.pid) == ([], [], 100)
    reads = f"systemctl reload-or-restart {layout.GATEWAY_SERVICE}"
    assert (reads in world.calls) is (way_back.reload_gateway and level.startswith("haproxy"))
    assert ("systemctl set-property old" in world.calls) is (level not in ("files", "units"))
    assert world.calls.count("nft delete new") == (level not in ("files", "units"))


@pytest.mark.parametrize("level", LEVELS)
def test_of_a_first_exposure_that_fails_nothing_is_left(world: World, level: str) -> None:
    Path(layout.STATE).mkdir()
    before = world.state()
    world.failure([*_files(), *LEVELS[level], FAULT], FIRST)
    Path(layout.STATE).mkdir(exist_ok=True)
    assert world.state() == before
    assert not set(UNITS) & world.active


def test_a_dockerd_that_others_restarted_meanwhile_is_left_alone(world: World) -> None:
    _served(world)
    _interrupted(world, [*_files(), *LEVELS["haproxy stopped"]], STARTS)
    world.pid = 4711
    finish_interrupted(world.host)
    assert (_of_dockerd(world), world.pid) == ([], 4711)
    assert set(UNITS) <= world.active


def test_edits_of_daemon_json_since_then_stay_even_malformed(world: World) -> None:
    _served(world)
    _interrupted(world, [*_files(), *LEVELS["haproxy stopped"]], STARTS)
    Path(layout.DAEMON_JSON).write_text("{broken")
    finish_interrupted(world.host)
    assert Path(layout.DAEMON_JSON).read_text() == "{broken"


def test_if_even_going_back_fails_the_port_closes_and_dockerd_runs_on(world: World) -> None:
    _served(world)
    world.fails = {f"systemctl start {layout.GANGWAY_SOCKET}"}
    # The paths below the test's folder.
    units = (layout.SOCKET_UNIT, layout.GATEWAY_UNIT, layout.GATEWAY_BOOT)
    way_back = dataclasses.replace(STARTS, last_resort=units)
    failure = world.failure([*_files(), *LEVELS["haproxy stopped"], FAULT], way_back)
    assert failure.key == "rollback_failed"
    assert "The port is closed." in str(failure)
    assert not set(UNITS) & world.active
    assert not os.path.exists(layout.SOCKET_UNIT)
    assert not os.path.exists(layout.GATEWAY_UNIT)
    assert (_of_dockerd(world), world.pid) == ([], 100)
    world.fails = set()
    assert world.carry_out([], recover=True)["changed"] is True
    assert set(UNITS) <= world.active
    assert Path(layout.SOCKET_UNIT).read_text() == "old\n"


@pytest.mark.parametrize(
    "steps",
    [
        [StopGateway()],
        [StopGateway(), Remove(layout.GATEWAY_UNIT), Write(layout.DAEMON_JSON, '{"tls": true}'), ReadUnits()],
        [StopGateway(), Remove(layout.GATEWAY_UNIT), ReadUnits(), StopDockerd()],
    ],
)
@pytest.mark.parametrize("killed", [True, False])
def test_a_switch_to_a_method_of_dockerd_that_fails_opens_the_port_again(
    world: World, steps: list[Step], killed: bool
) -> None:
    """HAProxy is stopped long before dockerd is."""
    _served(world)
    world.live_restore = True
    Path(layout.DAEMON_JSON).write_text('{"live-restore": true}')
    before = world.state()
    way_back = dataclasses.replace(STARTS, touches_dockerd=True)
    if killed:
        _interrupted(world, steps, way_back)
        finish_interrupted(world.host)
    else:
        world.failure([*steps, FAULT], way_back)
    assert world.active >= set(UNITS)
    assert world.state()[0] == before[0]  # type: ignore[index]
    assert world.pid
