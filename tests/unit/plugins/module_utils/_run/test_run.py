# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run: all of its steps, or nothing; the lock, signals, preconditions, and what it reports."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import stat
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import pending_keys
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Attributes
from ansible_collections.gangway.docker.plugins.module_utils._run import execute, lock
from ansible_collections.gangway.docker.plugins.module_utils._run.run import carry_out
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout, plan_data, steps
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    CheckBundle,
    Discard,
    ForgetFailures,
    LoadRules,
    MakeFolder,
    ReadUnits,
    Remove,
    RestartDockerd,
    Settle,
    StartDockerd,
    StartUnit,
    StopDockerd,
    StopUnit,
    SwitchLiveRestore,
    Write,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack
from tests.attack import LOCAL_USER, attack

from .conftest import World

#: Fails whatever came before.
FAULT = CheckBundle("/nothing/ca.pem", "/nothing/cert.pem", "/nothing/key.pem")


def expose(world: World) -> list[steps.Step]:
    """Steps like those of a first exposure."""
    return [
        SwitchLiveRestore(),
        MakeFolder(layout.BUNDLE, 0o700),
        Write(layout.KEY, secret="key", mode=0o400),
        Write(layout.DAEMON_JSON, '{"mtu": 1400, "tlsverify": true, "live-restore": true}\n'),
        Write(layout.SOCKET_UNIT, "[Socket]\n"),
        ReadUnits(),
        LoadRules((("nft", "-f", layout.FIREWALL_RULES),)),
        ForgetFailures(),
        StopDockerd(),
        StartUnit(layout.GANGWAY_SOCKET),
        StartDockerd(),
        Settle(layout.DAEMON_JSON, '{"mtu": 1400, "tlsverify": true}\n'),
    ]


WAY_BACK = WayBack(
    close_units=(layout.GANGWAY_SOCKET,),
    unload_rules=(("nft", "delete", "table", "inet", "gangway_docker"),),
)
SECRETS = {"key": "PRIVATE"}


def test_all_steps_are_known_to_the_host(world: World) -> None:
    execution = execute.Execution(world.host, None, {})  # type: ignore[arg-type]
    assert set(execution._do) | {Discard} == set(plan_data._STEPS.values())


def test_a_run_executes_its_steps_in_order(world: World) -> None:
    result = world.carry_out(expose(world), WAY_BACK, secrets=SECRETS)
    assert result == {"changed": True, "stale": [], "stopped": [], "recovered": None, "notes": []}
    assert world.changes() == [
        "systemctl daemon-reload",
        f"nft -f {layout.FIREWALL_RULES}",
        "systemctl reset-failed --all docker.service docker.socket docker-gangway*",
        "systemctl stop docker.service",
        f"systemctl start {layout.GANGWAY_SOCKET}",
        "systemctl start docker.service",
    ]
    assert world.started_with == [{"mtu": 1400, "tlsverify": True, "live-restore": True}]
    assert world.daemon_json() == {"mtu": 1400, "tlsverify": True}
    assert Path(layout.KEY).read_text() == "PRIVATE"
    assert stat.S_IMODE(os.stat(layout.KEY).st_mode) == 0o400
    assert stat.S_IMODE(os.stat(layout.BUNDLE).st_mode) == 0o700
    assert not os.path.exists(layout.JOURNAL)
    assert not os.path.exists(layout.RECOVERY)


@pytest.mark.parametrize("failing", range(13))
def test_a_run_that_fails_at_any_step_puts_everything_back(world: World, failing: int) -> None:
    before = world.state()
    plan = expose(world)
    failure = world.failure([*plan[:failing], FAULT, *plan[failing:]], WAY_BACK, secrets=SECRETS)
    assert failure.key == "bundle_invalid"
    assert failure.facts["rolled_back"] is True
    assert world.state() == before
    assert not os.path.exists(layout.RECOVERY)


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("systemctl daemon-reload", "reload_failed"),
        ("systemctl stop docker.service", "dockerd_stop_failed"),
        (f"systemctl start {layout.GANGWAY_SOCKET}", "socket_start_failed"),
        ("systemctl start docker.service", "dockerd_start_failed"),
        ("nft -f", "firewall_failed"),
    ],
)
def test_each_failure_has_its_key(world: World, command: str, failure: str) -> None:
    before = world.state()
    command = f"nft -f {layout.FIREWALL_RULES}" if command == "nft -f" else command
    world.fails = {command}
    failed = False

    def once(seen: str) -> None:
        nonlocal failed
        if failed:
            world.fails = set()
        failed = failed or seen == command

    world.watch = once
    caught = world.failure(expose(world), WAY_BACK, secrets=SECRETS)
    assert (caught.key, caught.facts) == (failure, {"rolled_back": True})
    assert world.state() == before


def test_a_unit_that_is_optional_may_fail_to_start(world: World) -> None:
    world.fails = {"systemctl start some.service"}
    assert world.carry_out([StartUnit("some.service", optional=True)])["changed"] is True


def test_rules_may_be_gone_already(world: World) -> None:
    world.fails = {"nft delete"}
    assert world.carry_out([LoadRules((("nft", "delete"),), ignore_errors=True)])["changed"] is True


def test_a_full_disk_is_named_and_rolled_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = world.state()
    write = world.host.write

    def full(path: str, *rest: object) -> None:
        if path == layout.SOCKET_UNIT:
            raise OSError(28, "No space left on device", path)
        write(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(world.host, "write", full)
    failure = world.failure(expose(world), WAY_BACK, secrets=SECRETS)
    assert failure.key == "host_error"
    assert "No space left" in str(failure)
    assert failure.facts["rolled_back"] is True
    assert world.state() == before


def test_the_journal_has_each_file_before_it_changes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unnoted = []
    write = world.host.write

    def watched(path: str, *rest: object) -> None:
        if path != layout.JOURNAL:
            noted = [entry["path"] for entry in json.loads(Path(layout.JOURNAL).read_bytes())["entries"]]
            unnoted.extend([path] if path not in noted else [])
        write(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(world.host, "write", watched)
    world.carry_out(expose(world), WAY_BACK, secrets=SECRETS)
    assert unnoted == []


def test_a_write_of_mode_only_keeps_the_content(world: World) -> None:
    world.carry_out([Write(layout.DAEMON_JSON, mode=0o600)])
    assert Path(layout.DAEMON_JSON).read_bytes() == b'{"mtu": 1400}\n'
    assert stat.S_IMODE(os.stat(layout.DAEMON_JSON).st_mode) == 0o600


def test_a_write_without_its_content_is_refused(world: World) -> None:
    before = world.state()
    assert world.failure([Write(layout.KEY, secret="other")], secrets=SECRETS).key == "not_planned"
    assert world.state() == before


def test_bytes_that_are_not_utf8_arrive_as_they_are(world: World) -> None:
    world.carry_out([Write(world.path("etc/file"), "\udcff")])
    assert Path(world.path("etc/file")).read_bytes() == b"\xff"


def test_the_mode_of_a_folder_goes_back(world: World) -> None:
    Path(layout.BUNDLE).mkdir(0o755)
    before = world.state()
    world.failure([MakeFolder(layout.BUNDLE, 0o700), FAULT])
    assert world.state() == before
    world.carry_out([MakeFolder(layout.BUNDLE, 0o700)])
    assert stat.S_IMODE(os.stat(layout.BUNDLE).st_mode) == 0o700


def test_a_pending_key_is_put_in_place_and_forgotten(world: World) -> None:
    pending_keys.make("run1", lambda path: world.host.write(path, b"PRIVATE", Attributes(0o600)))
    world.carry_out([Write(layout.KEY, secret="pending:run1", mode=0o400)], pending_keys=["run1"])
    assert Path(layout.KEY).read_bytes() == b"PRIVATE"
    assert not os.path.exists(layout.PENDING_KEYS)


def test_a_pending_key_that_is_gone_is_named(world: World) -> None:
    before = world.state()
    assert world.failure([Write(layout.KEY, secret="pending:run1")]).key == "pending_key_missing"
    assert world.state() == before


def test_a_host_that_changed_since_is_not_touched(world: World) -> None:
    digest = hashlib.sha256(b'{"mtu": 1400}\n').hexdigest()
    before = world.state()
    files = {layout.DAEMON_JSON: digest, layout.KEY: "0" * 64, world.path("etc/docker/theirs"): None}
    result = world.carry_out(expose(world), preconditions={"files": files, "pid": 99})
    assert result["stale"] == [layout.KEY, world.path("etc/docker/theirs"), "dockerd"]
    assert result["changed"] is False
    assert world.state() == before
    assert world.changes() == []
    files = {layout.DAEMON_JSON: digest, layout.KEY: None}
    assert world.carry_out(expose(world), secrets=SECRETS, preconditions={"files": files, "pid": 100})["stale"] == []


def test_a_run_does_not_start_on_top_of_an_interrupted_one(world: World) -> None:
    Path(layout.STATE).mkdir()
    Path(layout.JOURNAL).write_text("{}")
    assert world.carry_out(expose(world))["stale"] == [layout.JOURNAL]


def test_containers_that_did_not_live_through_it_are_named(world: World) -> None:
    assert world.carry_out([StopDockerd(), StartDockerd()])["stopped"] == ["witness"]


def test_a_dockerd_that_is_down_is_not_started_by_questions(world: World) -> None:
    world.pid = 0
    result = world.carry_out(
        [StopDockerd(), Settle(layout.DAEMON_JSON, "{}\n")], WayBack(was_running=False), preconditions={"pid": 0}
    )
    assert result["stopped"] == []
    assert world.pid == 0


def test_what_no_undo_needs_goes_after_the_commit(world: World) -> None:
    extra = Path(world.path("run/flags"))
    extra.touch()
    plan: list[steps.Step] = [
        Discard(files=(str(extra),), folders=(layout.STATE,), empty_folders=(world.path("etc/docker"),)),
        Remove(layout.DAEMON_JSON),
    ]
    before = world.state()
    world.failure([*plan, FAULT])
    assert world.state() == before
    world.carry_out(plan)
    assert not extra.exists()
    assert not os.path.exists(layout.STATE)
    assert os.path.exists(world.path("etc/docker/theirs"))
    assert not os.path.exists(layout.LOCK)


def test_a_restart_alone_is_rolled_back_by_another(world: World) -> None:
    world.live_restore = True
    world.failure([RestartDockerd(), StopUnit("other.socket"), FAULT], WayBack(live_restore=False))
    assert [c for c in world.changes() if c.endswith("docker.service")] == [
        "systemctl restart docker.service",
        "systemctl stop docker.service",
        "systemctl start docker.service",
    ]


def test_a_user_without_rights_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert world.failure([]).key == "not_root"


@pytest.mark.parametrize("order", ["", "[]", '{"steps": [{"step": "Explode"}]}', '{"steps": [{"step": "Remove"}]}'])
def test_an_order_of_another_version_is_refused(world: World, order: str) -> None:
    with pytest.raises(Failure) as caught:
        carry_out(world.host, order)
    assert caught.value.key == "order_invalid"


def test_a_lost_terminal_does_not_stop_a_run_and_sigterm_rolls_it_back(world: World) -> None:
    def hang_up(command: str) -> None:
        if command == "systemctl daemon-reload":
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
                os.kill(os.getpid(), number)

    def terminate(command: str) -> None:
        if command == "systemctl daemon-reload":
            os.kill(os.getpid(), signal.SIGTERM)

    handlers = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]
    before = world.state()
    world.watch = terminate
    failure = world.failure(expose(world), WAY_BACK, secrets=SECRETS)
    assert (failure.key, failure.facts) == ("terminated", {"rolled_back": True})
    assert world.state() == before
    assert "systemctl stop docker.service" not in world.calls
    world.watch = hang_up
    assert world.carry_out(expose(world), WAY_BACK, secrets=SECRETS)["changed"] is True
    assert [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)] == handlers


def test_the_holder_of_the_lock_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "TIMEOUT", 0.0)
    held = lock.Lock.acquire()
    failure = world.failure([Remove(layout.DAEMON_JSON)])
    assert failure.key == "locked"
    assert f"process {os.getpid()} (" in str(failure)
    assert "python" in str(failure) or "pytest" in str(failure)
    held.release()
    assert world.carry_out([Remove(layout.DAEMON_JSON)])["changed"] is True


@attack("Puts a symbolic link in the lock's place", by=LOCAL_USER, expected="The run fails; the link is not followed")
def test_the_lock_is_not_inherited_and_follows_no_link(world: World) -> None:
    held = lock.Lock.acquire()
    assert stat.S_IMODE(os.stat(layout.LOCK).st_mode) == 0o600
    assert fcntl.fcntl(held._descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    held.release(forget=True)
    os.symlink(world.path("etc/docker/theirs"), layout.LOCK)
    assert world.failure([Remove(layout.DAEMON_JSON)]).key == "host_error"


def test_a_lock_whose_file_was_removed_meanwhile_keeps_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    held: list[int] = []

    def removed(descriptor: int, how: int) -> None:
        if not held:
            held.append(descriptor)
            os.unlink(layout.LOCK)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", removed)
    got = lock.Lock.acquire()
    assert os.fstat(got._descriptor).st_ino == os.stat(layout.LOCK).st_ino
    got.release()
