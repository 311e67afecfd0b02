# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of PEM files on the controller: written whole or not at all, and never readable for others.

A reader, or the next run after a crash, sees either the old folder or the new one. One changed file is replaced by
a rename; several at once by a new folder that takes the old one's place in one step. Where the system can't do that,
they are renamed by turns: C(.name.tmp) (being written), C(.name.new) (complete), C(.name.old) (about to go).
"""

from __future__ import annotations

__all__ = (
    "PRIVATE",
    "PUBLIC",
    "Files",
    "loose_modes",
    "make_private_folder",
    "read_bundle",
    "recover",
    "recover_all",
    "replace_file",
    "write_bundle",
    "write_bundles",
    "write_new_files",
)

import contextlib
import os
import re
import shutil
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .disk import can_sync_file_systems, carry_over, swap_folders, sync_file_system, sync_folder, write_new

PRIVATE = 0o600
PUBLIC = 0o644
#: Content and mode by name; None: the file is to go.
Files = t.Mapping[str, t.Optional[t.Tuple[bytes, int]]]
#: From so many new files or folders on, the whole file system is synced instead of each of them. On an idle disk, that
#: is cheaper from 2 on. But it also waits for what others have written there (0.5 s behind 1.5 GB, measured on an SSD;
#: 64 folders one by one: 50 ms), which a small fleet's run should not.
_MANY = 64
#: What M(write_bundle) has beside a folder while it replaces it.
_BESIDE = re.compile(r"\.(.+)\.(tmp|new|old)\Z")


def make_private_folder(folder: Path) -> None:
    """Make the folder and its missing parents, closed to others. Failure: C(fleets_dir_not_writable)."""
    try:
        if not folder.parent.exists():
            make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise Failure(
            "fleets_dir_not_writable",
            thing=str(folder),
            reason=f"the folder cannot be made ({exc.strerror})",
            cure="Set fleets_dir (expose_fleets_dir in the role) to a folder that the user of Ansible can write to",
        ) from exc


def read_bundle(folder: Path, names: t.Iterable[str]) -> dict[str, bytes]:
    """Return the contents of those files that exist."""
    found: dict[str, bytes] = {}
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return found
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found[name] = (folder / name).read_bytes()
    return found


def write_bundle(folder: Path, files: Files) -> None:
    """Make the folder hold these files; call it under M(Fleet.lock)."""
    make_private_folder(folder.parent)
    recover(folder)
    present = read_bundle(folder, files)
    wanted = {name: file for name, file in files.items() if file is not None}
    changed = [name for name in files if present.get(name) != (files[name] or (None,))[0]]
    if folder.is_dir() and len(changed) == 1:
        file = files[changed[0]]
        if file is None:
            (folder / changed[0]).unlink()
            sync_folder(folder)
        else:
            replace_file(folder / changed[0], *file)
    elif changed:
        _replace_folder(folder, files)
    if loose_modes(folder, wanted):
        folder.chmod(0o700)
        for name, (_content, mode) in wanted.items():
            (folder / name).chmod(mode)


def write_bundles(bundles: t.Mapping[Path, Files]) -> None:
    """Make many folders hold their files; each of them is written whole or not at all. Call it under M(Fleet.lock)."""
    parents = {folder.parent for folder in bundles}
    for parent in parents:
        make_private_folder(parent)
        recover_all(parent)
    new: list[tuple[Path, Files]] = []
    present: list[tuple[Path, Files]] = []
    for folder, files in bundles.items():
        (present if os.path.lexists(folder) else new).append((folder, files))
    if not _are_many(new):
        new, present = [], [*present, *new]
    for folder, files in present:
        write_bundle(folder, files)
    if new:
        _write_new_folders(new, parents)


def write_new_files(folder: Path, files: t.Mapping[str, tuple[bytes, int]]) -> None:
    """Add files under names that were never used; M(recover_all) clears away what a crash leaves of them."""
    make_private_folder(folder)
    many = _are_many(files)
    for name, (content, mode) in files.items():
        write_new(_beside(folder / name, "tmp"), content, mode, sync=not many)
    if many:
        sync_file_system(folder)
    for name in files:
        os.rename(_beside(folder / name, "tmp"), folder / name)
    sync_folder(folder)


def loose_modes(folder: Path, files: t.Mapping[str, tuple[bytes, int]]) -> list[str]:
    """Return what others may do more with than they should, or we less: C(key.pem is 0644)."""
    found = []
    for path, mode in ((folder, 0o700), *((folder / name, mode) for name, (_content, mode) in files.items())):
        with contextlib.suppress(FileNotFoundError):
            present = path.stat().st_mode & 0o7777
            # A folder may be closed even more, by its owner.
            if present != mode and (path != folder or present & 0o077):
                found.append(f"{path.name if path != folder else 'the folder'} is {present:04o}")
    return found


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is there as a whole or not at all; its mode is right from the first byte on."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    write_new(temporary, content, mode)
    os.replace(temporary, path)
    sync_folder(path.parent)


def recover(folder: Path) -> None:
    """Finish or clear away what a crash in M(write_bundle), or of a file in M(replace_file), left behind."""
    temporary, new, old = (_beside(folder, suffix) for suffix in ("tmp", "new", "old"))
    _discard(temporary)
    if new.exists():
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        new.rename(folder)
        sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover_all(parent: Path) -> None:
    """Do the same for all the folders and files in this one."""
    if not parent.is_dir():
        return
    left = {match[1] for match in map(_BESIDE.match, os.listdir(parent)) if match}
    for name in left:
        recover(parent / name)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f".{folder.name}.{suffix}")


def _replace_folder(folder: Path, files: Files) -> None:
    temporary, new = _beside(folder, "tmp"), _beside(folder, "new")
    _fill_new_folder(temporary, files, sync=True)
    if folder.exists():
        carry_over(folder, temporary, leave_out=files)
    sync_folder(temporary)
    if folder.exists() and swap_folders(temporary, folder):
        sync_folder(folder.parent)
        _discard(temporary)
    elif folder.exists():
        temporary.rename(new)
        sync_folder(folder.parent)
        recover(folder)
    else:
        temporary.rename(folder)
        sync_folder(folder.parent)


def _write_new_folders(new: t.Sequence[tuple[Path, Files]], parents: t.Collection[Path]) -> None:
    """Give them their names only when the disk holds all that is in them."""
    temporaries = [_beside(folder, "tmp") for folder, _files in new]
    for temporary, (_folder, files) in zip(temporaries, new):
        _fill_new_folder(temporary, files, sync=False)
    for parent in parents:
        sync_file_system(parent)
    for temporary, (folder, _files) in zip(temporaries, new):
        os.rename(temporary, folder)
    for parent in parents:
        sync_folder(parent)


def _fill_new_folder(folder: Path, files: Files, *, sync: bool) -> None:
    os.mkdir(folder, mode=0o700)
    for name, file in files.items():
        if file is not None:
            write_new(f"{folder}/{name}", *file, sync=sync)


def _are_many(things: t.Sized) -> bool:
    return len(things) >= _MANY and can_sync_file_systems()
