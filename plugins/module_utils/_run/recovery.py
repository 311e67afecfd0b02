# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery: waits for the lock of a run, and rolls back what the run left if it was killed.

A run starts a copy of this program before its first change, and ends it after its last. It needs no controller.
"""

from __future__ import annotations

__all__ = ("main", "recovered")

import contextlib
import json
import os
import shutil
import time
import typing as t

from .._guard.command import run_command
from .._host.init import init_of
from .._host.runner import Attributes, Host
from .._shared import layout
from .._shared.failure import Failure
from .discard import forget_journal
from .lock import Lock
from .rollback import finish_interrupted

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Until an init script that the killed run had started has ended.
_SCRIPT_TIMEOUT = 60.0


def main() -> None:
    """Wait for the end of the run; roll back and leave a report if there is a journal."""
    os.environ.update(PATH=_PATH, LC_ALL="C.UTF-8")
    host = Host(_run)
    lock = Lock.acquire(patient=True)
    try:
        if os.path.lexists(layout.JOURNAL):
            _recover(host)
        else:
            # A run that was killed before it wrote its journal leaves the key's image, and perhaps our empty folder.
            with contextlib.suppress(OSError):
                forget_journal()
                os.rmdir(layout.STATE)
        shutil.rmtree(layout.RECOVERY, ignore_errors=True)
    finally:
        lock.release(forget=not os.path.exists(layout.STATE))


def recovered(host: Host) -> dict[str, t.Any] | None:
    """Return the report of a recovery, if there is one."""
    with contextlib.suppress(ValueError):
        report = json.loads(host.read(layout.RECOVERED) or b"null")
        return report if isinstance(report, dict) else None
    return None


def _recover(host: Host) -> None:
    report: dict[str, t.Any] | None
    try:
        if init_of(host).name != "systemd":
            _wait_for_scripts()
        report = finish_interrupted(host)
    except (Failure, OSError, ValueError) as exc:
        report = {"failed": str(exc)}
    if report is not None:
        content = json.dumps({"time": time.time(), **report}).encode()
        host.write(layout.RECOVERED, content, Attributes(0o600))


def _wait_for_scripts() -> None:
    """An init script outlives the run that started it, and would go on stopping or starting dockerd."""
    deadline = time.monotonic() + _SCRIPT_TIMEOUT
    while _is_script_running() and time.monotonic() < deadline:
        time.sleep(0.2)


def _is_script_running() -> bool:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                words = stream.read().split(b"\0")
            if b"/etc/init.d/docker" in words:
                return True
    return False


def _run(words: t.Sequence[str], **_options: t.Any) -> tuple[int, str, str]:
    return run_command(words)
