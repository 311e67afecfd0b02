# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One process at a time makes or signs in a fleet; one that is killed lets go of the lock."""

from __future__ import annotations

__all__ = ("Lock", "lock")

import contextlib
import fcntl
import os
import platform
import stat
import time
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .access import check_access
from .bundle import PRIVATE, make_private_folder

#: Seconds without a sign of life of the holder. A sign_command takes up to 120.
_TIMEOUT = 180.0


class Lock:
    """An exclusive flock(2) on a file that only its owner can open. The kernel releases it when the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_held = True

    def touch(self) -> None:
        """Give a sign of life before something that takes long."""
        if self._is_held:
            os.utime(self._descriptor)

    def release(self) -> None:
        self._is_held = False
        os.close(self._descriptor)


@contextlib.contextmanager
def lock(folder: Path) -> t.Iterator[Lock]:
    """Hold the fleet's folder.

    Failures: C(fleet_locked), with its holder, C(fleet_lock_unsupported), C(fleets_dir_not_writable),
    C(fleets_dir_unsafe).
    """
    check_access(folder)
    make_private_folder(folder)
    path = folder / ".lock"
    descriptor = _open(path)
    held = Lock(descriptor)
    try:
        _acquire(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {platform.node()}".encode(), 0)
        yield held
    except OSError as exc:
        # A full disk, a network share that is gone, or one that shows what another controller has made too late.
        raise Failure(
            "fleets_dir_not_writable",
            thing=str(exc.filename2 or exc.filename or folder),
            reason=f"the fleet's folder cannot be written to ({exc.strerror})",
            cure="Fix this error, then run again; each file and each bundle is as it was, or complete",
        ) from exc
    finally:
        held.release()


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, PRIVATE)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "it is not a regular file")
            if status.st_mode & 0o077:
                # Whoever can open it can hold it.
                os.fchmod(descriptor, PRIVATE)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as exc:
        raise Failure(
            "fleets_dir_not_writable",
            thing=str(path),
            reason=f"the fleet's lock cannot be opened ({exc.strerror})",
            cure="Remove what is there, or set fleets_dir (expose_fleets_dir in the role) to a folder that the user of "
            "Ansible can write to",
        ) from exc
    return descriptor


def _acquire(descriptor: int, path: Path) -> None:
    seen, deadline = "", 0.0
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            # Many forks take turns; only one that makes no progress is in the way.
            sign = f"{os.fstat(descriptor).st_mtime_ns} {_holder(descriptor)}"
            if sign != seen:
                seen, deadline = sign, time.monotonic() + _TIMEOUT
            elif time.monotonic() > deadline:
                raise Failure(
                    "fleet_locked",
                    thing=str(path),
                    reason=f"another run holds the fleet, and does not end: {_describe(_holder(descriptor))}",
                    cure="Wait until it ends, or end that process; what it had begun is cleared away by the next run",
                ) from None
        except OSError as exc:
            raise Failure(
                "fleet_lock_unsupported",
                thing=str(path),
                reason=f"the file system does not lock files ({exc.strerror}), so two runs could make two authorities",
                cure="Set fleets_dir (expose_fleets_dir in the role) to a folder on a local disk, or have the network "
                "file system support locks (NFSv4, or NFSv3 with rpc.statd)",
            ) from exc
        time.sleep(0.02)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 512, 0).decode(errors="replace")


def _describe(holder: str) -> str:
    pid, _space, machine = holder.partition(" ")
    if not pid.isdigit():
        return "an unknown process"
    words: list[str] = []
    if machine == platform.node():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    command = " ".join(words[:3]).strip()
    return f"process {pid} on {machine}{f' ({command})' if command else ''}"
