# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of PEM files on the controller: written whole or not at all, and never readable for others.

A reader, or the next run after a crash, sees either the old folder or the new one. One changed file is replaced by
a rename; several at once by a new folder that takes the old one's place:
C(.name.tmp) (being written), C(.name.new) (complete), C(.name.old) (about to go).
"""

from __future__ import annotations

__all__ = (
    "PRIVATE",
    "PUBLIC",
    "Files",
    "close_file",
    "lock",
    "loose_modes",
    "make_private_folder",
    "read_bundle",
    "recover",
    "recover_all",
    "replace_file",
    "write_bundle",
    "write_bundles",
)

import contextlib
import fcntl
import os
import shutil
import typing as t
from pathlib import Path

from .._failure import Failure

PRIVATE = 0o600
PUBLIC = 0o644
#: Content and mode by name; None: the file is to go.
Files = t.Mapping[str, t.Optional[t.Tuple[bytes, int]]]
#: From so many new folders on, one sync of the file systems is cheaper than one of each file.
_MANY = 16
#: What M(write_bundle) has beside a folder while it replaces it.
_SUFFIXES = (".tmp", ".new", ".old")


def make_private_folder(folder: Path) -> None:
    """Make the folder and its missing parents, closed to others. Failure: C(home_not_writable)."""
    try:
        if not folder.parent.exists():
            make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise Failure(
            "home_not_writable",
            thing=str(folder),
            reason=f"the folder cannot be made ({exc.strerror})",
            cure="Point home (expose_home in the role) to a place that the user who runs Ansible may write to",
        ) from exc


@contextlib.contextmanager
def lock(folder: Path) -> t.Iterator[None]:
    """Hold the folder for one process at a time; the kernel lets go of it when the process ends, however it ends."""
    make_private_folder(folder)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_bundle(folder: Path, names: t.Iterable[str]) -> dict[str, bytes]:
    """Return the contents of those files that exist."""
    found = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found[name] = (folder / name).read_bytes()
    return found


def write_bundle(folder: Path, files: Files) -> None:
    """Make the folder hold these files; call it under M(lock)."""
    make_private_folder(folder.parent)
    recover(folder)
    present = read_bundle(folder, files)
    wanted = {name: file for name, file in files.items() if file is not None}
    changed = [name for name in files if present.get(name) != (files[name] or (None,))[0]]
    if len(changed) == 1 and folder.is_dir():
        file = files[changed[0]]
        if file is None:
            (folder / changed[0]).unlink()
            _sync_folder(folder)
        else:
            replace_file(folder / changed[0], *file)
    elif changed:
        _replace_folder(folder, files)
    if loose_modes(folder, wanted):
        folder.chmod(0o700)
        for name, (_content, mode) in wanted.items():
            (folder / name).chmod(mode)


def write_bundles(bundles: t.Mapping[Path, Files]) -> None:
    """Make many folders hold their files; each of them is written whole or not at all. Call it under M(lock)."""
    new = {folder: files for folder, files in bundles.items() if not folder.exists()}
    if len(new) < _MANY:
        new = {}
    for folder, files in bundles.items():
        if folder not in new:
            write_bundle(folder, files)
    for parent in {folder.parent for folder in new}:
        make_private_folder(parent)
    for folder, files in new.items():
        _fill_new_folder(_beside(folder, "tmp"), files, sync=False)
    if new:
        os.sync()
    for folder in new:
        _beside(folder, "tmp").rename(folder)
    for parent in {folder.parent for folder in new}:
        _sync_folder(parent)


def loose_modes(folder: Path, files: t.Mapping[str, tuple[bytes, int]]) -> list[str]:
    """Return what others may do more with than they should, or we less: C(key.pem is 0644)."""
    found = []
    for path, mode in ((folder, 0o700), *((folder / name, mode) for name, (_content, mode) in files.items())):
        with contextlib.suppress(FileNotFoundError):
            present = path.stat().st_mode & 0o7777
            # A folder that is closed even more is its owner's wish.
            if present != mode and (path != folder or present & 0o077):
                found.append(f"{path.name if path != folder else 'the folder'} is {present:04o}")
    return found


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is there as a whole or not at all; its mode is right from the first byte on."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    _write_new(temporary, content, mode)
    os.replace(temporary, path)
    _sync_folder(path.parent)


def close_file(path: Path) -> None:
    """Take away from a private file what others may do with it."""
    if path.stat().st_mode & 0o077:
        path.chmod(PRIVATE)


def recover(folder: Path) -> None:
    """Finish or clear away what a crash in M(write_bundle) left behind."""
    temporary, new, old = (_beside(folder, suffix) for suffix in ("tmp", "new", "old"))
    shutil.rmtree(temporary, ignore_errors=True)
    if new.exists():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        new.rename(folder)
        _sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover_all(parent: Path) -> None:
    """Do the same for all the folders in this one."""
    if not parent.is_dir():
        return
    left = {entry.name[1:-4] for entry in parent.iterdir() if entry.name[0] == "." and entry.suffix in _SUFFIXES}
    for name in left:
        recover(parent / name)


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f".{folder.name}.{suffix}")


def _replace_folder(folder: Path, files: Files) -> None:
    temporary, new = _beside(folder, "tmp"), _beside(folder, "new")
    _fill_new_folder(temporary, files, sync=True)
    if folder.exists():
        _carry_over(folder, temporary, files)
    _sync_folder(temporary)
    if folder.exists():
        temporary.rename(new)
        _sync_folder(folder.parent)
        recover(folder)
    else:
        temporary.rename(folder)
        _sync_folder(folder.parent)


def _fill_new_folder(folder: Path, files: Files, *, sync: bool) -> None:
    folder.mkdir(mode=0o700)
    for name, file in files.items():
        if file is not None:
            _write_new(folder / name, *file, sync=sync)


def _carry_over(folder: Path, into: Path, files: Files) -> None:
    """What the user put beside our files stays there."""
    for entry in folder.iterdir():
        target = into / entry.name
        if entry.name in files or (entry.name.startswith(".") and entry.name.endswith(".tmp")):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, target, symlinks=True)
        else:
            shutil.copy2(entry, target, follow_symlinks=False)


def _write_new(path: Path, content: bytes, mode: int, *, sync: bool = True) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        if sync:
            os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
