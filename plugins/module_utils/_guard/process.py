# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running dockerd: its process, what it was started with, and when it ends.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("command_line", "dockerd_pid", "has_ended")

import os
import select
import time
import typing as t

_PIDS = ("/run/docker.pid", "/var/run/docker.pid")
#: Seconds between two questions whether it is still worth waiting, and without pidfd_open(2) between two looks.
_POLL, _POLL_PROC = 2.0, 0.1


def dockerd_pid() -> int:
    """Return dockerd's process id; 0: it does not run, or is not found."""
    for path in _PIDS:
        try:
            with open(path, encoding="ascii") as stream:
                pid = int(stream.read())
            program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        except (OSError, ValueError):
            continue
        if program.partition(" ")[0] == "dockerd":
            return pid
    return 0


def command_line() -> t.List[str]:
    """Return the words that dockerd was started with; empty: it is not found."""
    try:
        with open(f"/proc/{dockerd_pid()}/cmdline", "rb") as raw:
            return raw.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def has_ended(pid: int, is_over: t.Callable[[], bool]) -> bool:
    """Wait, and return True once the process has ended; False once C(is_over) says that nobody needs to know."""
    descriptor = None
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except (AttributeError, OSError):
        # Linux before 5.3, or a Python that was built for it.
        pass
    while not is_over():
        if descriptor is not None:
            if select.select([descriptor], [], [], _POLL)[0]:
                return True
        elif not os.path.exists(f"/proc/{pid}"):
            return True
        else:
            time.sleep(_POLL_PROC)
    return False
