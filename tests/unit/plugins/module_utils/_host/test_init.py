# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts dockerd: what is waited for, and what counts as failed."""

from __future__ import annotations

import os
import socket
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import engine, init
from ansible_collections.gangway.docker.plugins.module_utils._host.engine import EngineState, listening_pid
from ansible_collections.gangway.docker.plugins.module_utils._host.init import Scripts, Systemd
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host

UP = EngineState("28.5.2", live_restore=True, swarm=False)


class _World:
    """A script and the dockerd behind it. C(pids), C(engines): what is seen one after another; the last one stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.codes: dict[str, int] = {}
        self.pids: list[int] = [0]
        self.engines: list[EngineState | None] = [None]
        self.alive: list[bool] = [False]
        self.now = 0.0
        monkeypatch.setattr(init, "read_engine", lambda: self._next(self.engines))
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self._sleep)
        monkeypatch.setattr(os.path, "exists", lambda _path: self._next(self.alive))
        monkeypatch.setattr(Scripts, "main_pid", lambda _self: self._next(self.pids))

    @staticmethod
    def _next(values: list[t.Any]) -> t.Any:
        return values.pop(0) if len(values) > 1 else values[0]

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        self.calls.append(" ".join(words))
        return self.codes.get(words[-1], 0), "said\n", ""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> _World:
    return _World(monkeypatch)


def _scripts(world: _World, name: str = "sysvinit") -> Scripts:
    return Scripts(Host(world.run), name)


def test_a_start_waits_until_dockerd_answers(world: _World) -> None:
    world.pids, world.engines = [0, 7], [None] * 30 + [UP]
    assert _scripts(world).start()[0] == 0
    assert world.now >= 2.9
    assert world.calls == ["/etc/init.d/docker start"]


def test_a_dockerd_that_is_gone_again_is_not_waited_for(world: _World) -> None:
    world.pids = [0, 7, 7, 0]
    code, said = _scripts(world).start()
    assert (code, "ended again" in said) == (1, True)
    assert world.now < 1


def test_a_slow_machine_has_time_until_dockerd_writes_its_process_id(world: _World) -> None:
    world.pids, world.engines = [0] * 80 + [7], [None] * 200 + [UP]
    assert _scripts(world).start()[0] == 0
    world.pids, world.engines, world.now = [0], [None], 0.0
    assert _scripts(world).start()[0] == 1
    assert world.now == pytest.approx(10, abs=0.5)


def test_a_dockerd_that_never_answers_is_given_up(world: _World) -> None:
    world.pids = [7]
    code, said = _scripts(world).start()
    assert (code, "does not answer" in said) == (1, True)


def test_a_script_that_fails_is_believed(world: _World) -> None:
    world.codes["start"] = 3
    assert _scripts(world).start() == (3, "said\n")


def test_a_stop_waits_until_the_process_is_gone(world: _World) -> None:
    world.pids, world.alive = [7, 0], [True] * 20 + [False]
    # What the script says of nothing to stop is no failure.
    world.codes["stop"] = 1
    assert _scripts(world).stop()[0] == 0
    assert world.now >= 1.9


def test_a_dockerd_that_the_script_does_not_stop_is_not_started_beside(world: _World) -> None:
    world.pids, world.alive = [7], [True]
    code, said = _scripts(world).restart()
    assert (code, "process 7" in said) == (1, True)
    assert world.calls == ["/etc/init.d/docker stop"]


def test_openrc_stops_what_still_tries_before_it_forgets(world: _World) -> None:
    _scripts(world, "openrc").forget_failures()
    assert world.calls == ["rc-service docker stop", "rc-service docker zap"]
    world.calls, world.pids = [], [7]
    _scripts(world, "openrc").forget_failures()
    _scripts(world).forget_failures()
    assert world.calls == []


def test_a_process_id_is_dockerds_own_or_that_of_who_has_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "docker.pid"
    monkeypatch.setattr(init, "_PID_FILES", (str(pid_file),))
    monkeypatch.setattr(init, "listening_pid", lambda: 9)
    command_lines = {"41": b"/usr/bin/dockerd\0-D\0", "42": b"vim\0/etc/default/dockerd\0"}
    read = Host.read

    def fake(path: str) -> bytes | None:
        return command_lines.get(path.split("/")[2]) if path.startswith("/proc/") else read(path)

    monkeypatch.setattr(Host, "read", staticmethod(fake))
    scripts = Scripts(Host(lambda _words: (0, "", "")), "sysvinit")
    assert scripts.main_pid() == 9
    # Left over, and taken by another program since.
    for text, pid in (("41\n", 41), ("42", 9), ("43", 9), ("", 9)):
        pid_file.write_text(text)
        assert scripts.main_pid() == pid


def test_who_has_bound_the_socket_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "docker.sock"
    monkeypatch.setattr(engine, "_SOCKETS", (str(tmp_path / "none"), str(path)))
    assert listening_pid() == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        assert listening_pid() == 0
        listening.listen()
        assert listening_pid() == os.getpid()


def test_systemd_is_told_what_scripts_do_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        calls.append(" ".join(words))
        return 0, "ActiveState=failed\nMainPID=12\n", ""

    systemd = Systemd(Host(run))
    assert systemd.has_failed()
    assert systemd.main_pid() == 12
    systemd.reload()
    systemd.restart()
    assert calls[-2:] == ["systemctl daemon-reload", "systemctl restart docker.service"]
