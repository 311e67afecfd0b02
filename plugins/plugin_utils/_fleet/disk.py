# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing so that it lasts: what the disk holds after a power cut is what was there, or all of what was written."""

from __future__ import annotations

__all__ = ("can_sync_file_systems", "exchange", "sync_file_system", "sync_folder", "write_new")

import ctypes
import os
import typing as t
from pathlib import Path

_C: t.Any = ctypes.CDLL(None, use_errno=True)
#: syncfs(2) and renameat2(2); None where the C library has them not, as on macOS.
_SYNCFS: t.Any = getattr(_C, "syncfs", None)
_RENAMEAT2: t.Any = getattr(_C, "renameat2", None)


def can_sync_file_systems() -> bool:
    return _SYNCFS is not None


def write_new(path: Path | str, content: bytes, mode: int, *, sync: bool = True) -> None:
    """Make the file, with its mode right before the first byte comes, and sync it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        while content:
            content = content[os.write(descriptor, content) :]
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the disk hold the names in the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """Have the disk hold all that was written to the file system that the folder is on.

    os.sync() would wait for all other disks and network shares, too, and hide errors; syncfs(2) tells of them since
    Linux 5.8.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _SYNCFS(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "it cannot be synced", str(folder))
    finally:
        os.close(descriptor)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders take each other's place, so that neither is missing for a moment; tell whether that was possible.

    renameat2(2) with RENAME_EXCHANGE: on Linux, and not on every file system.
    """
    if _RENAMEAT2 is None:
        return False
    here, exchange = -100, 2
    return bool(_RENAMEAT2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)
