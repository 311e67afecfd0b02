# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run at a time on a host; a run that is killed lets go of the lock."""

from __future__ import annotations

__all__ = ("Lock",)

import contextlib
import fcntl
import os
import time
from pathlib import Path

from .._shared import layout
from .._shared.failure import Failure

#: Seconds that a run waits for another one, or for a recovery.
TIMEOUT = 180.0


class Lock:
    """An exclusive flock(2) on a file that only root can open. Its descriptor is not inherited by other programs."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, *, patient: bool = False) -> Lock:
        """Wait for the lock; C(patient): as long as it takes. Failure: C(locked), with its holder."""
        deadline = None if patient else time.monotonic() + TIMEOUT
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(layout.LOCK, flags, 0o600)
            try:
                _lock(descriptor, deadline)
                # The run before may have removed the file; a lock on a file without a name keeps nobody out.
                if _is_still(descriptor, layout.LOCK):
                    os.fchmod(descriptor, 0o600)
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
                    return cls(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def release(self, *, forget: bool = False) -> None:
        """Let the next one in; with C(forget), remove the file."""
        if forget:
            with contextlib.suppress(OSError):
                os.unlink(layout.LOCK)
        os.close(self._descriptor)


def _lock(descriptor: int, deadline: float | None) -> None:
    if deadline is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Failure(
                    "locked",
                    thing=layout.LOCK,
                    reason=f"another run on this host does not end: {_holder(descriptor)}",
                    cure="Wait until it ends, or end that process: its changes are then rolled back",
                ) from None
        time.sleep(0.1)


def _is_still(descriptor: int, path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        named, opened = os.stat(path, follow_symlinks=False), os.fstat(descriptor)
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)
    return False


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
    words: list[str] = []
    if pid.isdigit():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return f"process {pid or 'unknown'} ({' '.join(words[:3]).strip() or 'ended'})"
