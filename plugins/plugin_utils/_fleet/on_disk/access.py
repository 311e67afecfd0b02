# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else can get at a fleet's folder: nobody may write to it, or read its keys."""

from __future__ import annotations

__all__ = ("check_access",)

import contextlib
import os
import pwd
import stat
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_ENTER = stat.S_IXGRP | stat.S_IXOTH


def check_access(fleet: Path) -> None:
    """Refuse a fleet's folder, or the one that it is in, that others can change, or read keys in.

    Modes below a folder that nobody else can enter are harmless. Failure: C(fleets_dir_unsafe).
    """
    for folder in (fleet.parent, fleet):
        with contextlib.suppress(FileNotFoundError):
            _check_folder(folder)
    with contextlib.suppress(FileNotFoundError):
        if all(folder.stat().st_mode & _OTHERS_ENTER for folder in (fleet.parent, fleet)):
            _check_below(fleet)


def _check_folder(folder: Path) -> None:
    # Of a link, both count: whoever owns it can have it point elsewhere.
    for status in (folder.lstat(), folder.stat()):
        if status.st_uid not in (0, os.geteuid()):
            raise _unsafe(
                folder,
                f"it belongs to {_name(status.st_uid)}, and Ansible runs as {_name(os.geteuid())}",
                f"Run Ansible as its owner, or change the owner: chown -R {_name(os.geteuid())} {folder}",
            )
    mode = folder.stat().st_mode
    # In a folder like /tmp, others can't touch what is ours.
    if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        raise _unsafe(folder, f"others can write to it (mode {stat.S_IMODE(mode):04o})", f"Run: chmod go-w {folder}")


def _check_below(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        with contextlib.suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                _check_folder(path)
                if mode & _OTHERS_ENTER:
                    _check_below(path)
            elif stat.S_ISREG(mode) and mode & _OTHERS_WRITE:
                raise _unsafe(
                    path, f"others can write to it (mode {stat.S_IMODE(mode):04o})", f"Run: chmod go-w {path}"
                )
            elif stat.S_ISREG(mode) and mode & _OTHERS and path.name.endswith("key.pem"):
                raise _unsafe(
                    path,
                    f"others can read this key (mode {stat.S_IMODE(mode):04o})",
                    f"Run: chmod go-rwx {path}; if others have been on this machine, replace the key as well",
                )


def _unsafe(path: Path, reason: str, cure: str) -> Failure:
    return Failure("fleets_dir_unsafe", thing=str(path), reason=reason, cure=cure)


def _name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)
