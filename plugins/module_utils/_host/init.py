# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts and stops dockerd on a host: systemd, or a script of sysvinit or OpenRC."""

from __future__ import annotations

__all__ = ("Init", "Scripts", "Systemd", "init_of")

import os
import time
import typing as t

from .._shared import layout
from .engine import listening_pid, read_engine
from .runner import Host

_PID_FILES = ("/run/docker.pid", "/var/run/docker.pid")
_LOGS = ("/var/log/docker.log",)
_START_TIMEOUT = 60.0
#: Until dockerd has written its process id; if it refuses its flags, it never does.
_PID_TIMEOUT = 10.0
_STOP_TIMEOUT = 30.0


class Init(t.Protocol):
    """Starts and stops dockerd. The verbs return the exit status and the output."""

    name: str

    def reload(self) -> tuple[int, str]:
        """Read changed unit files."""

    def start(self) -> tuple[int, str]: ...

    def stop(self) -> tuple[int, str]: ...

    def restart(self) -> tuple[int, str]: ...

    def has_failed(self) -> bool:
        """Whether dockerd is down though it should run."""

    def forget_failures(self) -> None:
        """Reset the count of failed starts."""

    def main_pid(self) -> int:
        """Return dockerd's process id; 0: it does not run."""

    def last_words(self) -> str:
        """Return the end of dockerd's log, for error messages."""


class Systemd:
    """docker.service."""

    name = "systemd"

    def __init__(self, host: Host) -> None:
        self._host = host

    def reload(self) -> tuple[int, str]:
        return self._host.systemctl("daemon-reload")

    def start(self) -> tuple[int, str]:
        return self._host.systemctl("start", layout.DOCKER_SERVICE)

    def stop(self) -> tuple[int, str]:
        return self._host.systemctl("stop", layout.DOCKER_SERVICE)

    def restart(self) -> tuple[int, str]:
        return self._host.systemctl("restart", layout.DOCKER_SERVICE)

    def has_failed(self) -> bool:
        return self._host.show(layout.DOCKER_SERVICE, "ActiveState").get("ActiveState") == "failed"

    def forget_failures(self) -> None:
        # Three starts in 60 s, and systemd gives up: others may have caused earlier ones. A pattern, since a unit that
        # systemd does not know (yet) would be an error; without --all it leaves out units that are down.
        self._host.systemctl("reset-failed", "--all", layout.DOCKER_SERVICE, layout.DOCKER_SOCKET, "docker-gangway*")

    def main_pid(self) -> int:
        return int(self._host.show(layout.DOCKER_SERVICE, "MainPID").get("MainPID") or 0)

    def last_words(self) -> str:
        return self._host.journal_tail(layout.DOCKER_SERVICE)


class Scripts:
    """/etc/init.d/docker; it returns before dockerd answers, so each start waits for that."""

    def __init__(self, host: Host, name: str) -> None:
        self.name = name
        self._host = host

    def reload(self) -> tuple[int, str]:
        """Scripts are read at each start."""
        return 0, ""

    def start(self) -> tuple[int, str]:
        code, said = self._call("start")
        if code != 0:
            return code, said
        began, seen = time.monotonic(), False
        while read_engine() is None:
            waited = time.monotonic() - began
            runs = self.main_pid() != 0
            if not runs and (seen or waited > _PID_TIMEOUT):
                return 1, f"{said}\ndockerd ended again at once"
            if waited > _START_TIMEOUT:
                return 1, f"{said}\ndockerd does not answer after {_START_TIMEOUT:.0f} s"
            seen = seen or runs
            time.sleep(0.1)
        return 0, said

    def stop(self) -> tuple[int, str]:
        pid = self.main_pid()
        code, said = self._call("stop")
        deadline = time.monotonic() + _STOP_TIMEOUT
        while pid and os.path.exists(f"/proc/{pid}"):
            # Started by hand, for one: the script does not know of it. It would keep the port.
            if time.monotonic() > deadline:
                return 1, f"{said}\ndockerd (process {pid}) runs on after {_STOP_TIMEOUT:.0f} s"
            time.sleep(0.1)
        # A script that has nothing to stop may say so by its exit status; what counts is that dockerd is gone.
        return code if self.main_pid() else 0, said

    def restart(self) -> tuple[int, str]:
        code, said = self.stop()
        return self.start() if code == 0 else (code, said)

    def has_failed(self) -> bool:
        return self.main_pid() == 0

    def forget_failures(self) -> None:
        if self.name == "openrc" and self.main_pid() == 0:
            # Before that: a supervisor that is still trying to bring dockerd up would go on beside the next one.
            self._call("stop")
            self._call("zap")

    def main_pid(self) -> int:
        for path in _PID_FILES:
            text = (self._host.read(path) or b"").decode(errors="replace").strip()
            if text.isdigit() and b"dockerd" in (self._host.read(f"/proc/{text}/cmdline") or b"").partition(b"\0")[0]:
                return int(text)
        # Its file may be elsewhere (C(pidfile)). No socket unit has bound the socket for it here.
        return listening_pid()

    def last_words(self) -> str:
        for path in _LOGS:
            lines = (self._host.read(path) or b"").decode(errors="replace").splitlines()
            if lines:
                return "\n".join(lines[-12:])
        return ""

    def _call(self, verb: str) -> tuple[int, str]:
        command = ["rc-service", "docker", verb] if self.name == "openrc" else ["/etc/init.d/docker", verb]
        code, stdout, stderr = self._host.run(command)
        return code, stdout + stderr


def init_of(host: Host) -> Init:
    """Return what runs this host; see sd_booted(3) and openrc(8)."""
    if os.path.isdir("/run/systemd/system"):
        return Systemd(host)
    return Scripts(host, "openrc" if os.path.isdir("/run/openrc") else "sysvinit")
