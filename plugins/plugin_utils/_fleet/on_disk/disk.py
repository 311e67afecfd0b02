# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing so that it lasts: what the disk holds after a power cut is what was there, or all of what was written."""

from __future__ import annotations

__all__ = ("can_sync_file_systems", "carry_over", "swap_folders", "sync_file_system", "sync_folder", "write_new")

import ctypes
import errno
import os
import shutil
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
    except OSError as exc:
        # Some network file systems sync files only, see fsync(2).
        if exc.errno != errno.EINVAL:
            raise
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


def swap_folders(one: Path, other: Path) -> bool:
    """Swap two folders atomically; return whether the system could.

    renameat2(2) with RENAME_EXCHANGE: on Linux, and not on every file system.
    """
    if _RENAMEAT2 is None:
        return False
    working_directory, swap = -100, 2
    return bool(_RENAMEAT2(working_directory, os.fsencode(one), working_directory, os.fsencode(other), swap) == 0)


def carry_over(folder: Path, into: Path, *, leave_out: t.Container[str]) -> None:
    """Link all files into another folder, except those to leave out and temporary ones."""
    for entry in folder.iterdir():
        target = into / entry.name
        if entry.name in leave_out or (entry.name.startswith(".") and entry.name.endswith(".tmp")):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, target, symlinks=True, copy_function=_carry_file)
        else:
            _carry_file(entry, target)


def _carry_file(source: t.Union[str, Path], target: t.Union[str, Path]) -> None:
    """Link it: the same file, with its mode, on the disk already. A copy of a key would be open for a moment."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        # No links on this file system (or none to symbolic links).
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        else:
            write_new(Path(target), Path(source).read_bytes(), os.stat(source).st_mode & 0o777)
