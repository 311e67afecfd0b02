# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account's files as they are and as they are wanted, and what differs. Pure."""

from __future__ import annotations

__all__ = (
    "PRIVATE",
    "PUBLIC",
    "Changes",
    "Found",
    "There",
    "Wanted",
    "diff_entries",
    "differs",
    "folders_above",
    "loose_folders",
    "missing_folders",
    "temporary_of",
)

import os
import typing as t
from dataclasses import dataclass, field

from .._shared.failure import Failure
from .describe import describe

PUBLIC, PRIVATE = 0o644, 0o600
#: Write permission for others than the owner.
_OTHERS_WRITE = 0o022
_STICKY = 0o1000


@dataclass(frozen=True)
class Found:
    """A file or folder as it is. C(kind): file, folder, or other (a link in place of a file, a device)."""

    kind: str
    mode: int
    uid: int
    gid: int
    #: A file's; None where it can't be read.
    content: bytes | None = field(default=None, repr=False)
    #: A folder's, by name.
    entries: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """One file; content None: not known yet, and other than what is there."""

    content: bytes | None = field(repr=False)
    mode: int = PUBLIC


@dataclass(frozen=True)
class Changes:
    """What is to be done to an account's files."""

    make_folders: tuple[str, ...] = ()
    #: With the mode that leaves writing to the owner.
    close_folders: tuple[tuple[str, int], ...] = ()
    write: t.Mapping[str, Wanted] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    remove_folders: tuple[str, ...] = ()
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.actions())

    def actions(self) -> list[str]:
        return [
            *(f"make the folder {path}" for path in self.make_folders),
            *(f"close the folder {path} to others' writing" for path, _mode in self.close_folders),
            *(f"write {path}" for path in self.write),
            *(f"remove {path}" for path in self.remove),
            *(f"remove the folder {path}" for path in self.remove_folders),
        ]


#: By path; what is not in it is not there.
There = t.Mapping[str, Found]


def temporary_of(path: str) -> str:
    """Return the name that a file has while it is written."""
    folder, name = os.path.split(path)
    return f"{folder}/.{name}.gangway-new"


def folders_above(paths: t.Iterable[str]) -> list[str]:
    """Return all parent folders of these files, outermost first."""
    found: dict[str, None] = {}
    for path in paths:
        above = []
        while path not in ("/", ""):
            path = os.path.dirname(path)
            above.append(path)
        found.update(dict.fromkeys(reversed(above)))
    return [folder for folder in found if folder != "/"]


def missing_folders(folders: t.Iterable[str], there: There, option: str) -> list[str]:
    """Return those that have to be made. C(option) decides where they are. Failure: C(not_a_folder)."""
    folders = list(folders)
    for folder in folders:
        if folder in there and there[folder].kind != "folder":
            raise Failure(
                "not_a_folder",
                thing=folder,
                reason="there is something that is no folder where one is needed",
                cure=f"Choose another path ({option}), or move it away",
            )
    return [folder for folder in folders if folder not in there]


def loose_folders(
    folders: t.Iterable[str], there: There, owner: tuple[int, int], option: str
) -> t.Iterator[tuple[str, int]]:
    """Yield those that others can write to, with the mode that leaves writing to the owner.

    Others could put files of theirs in the place of ours. Failure: C(folder_unsafe).
    """
    for folder in folders:
        found = there.get(folder)
        if found is None or not found.mode & _OTHERS_WRITE:
            continue
        if found.uid != owner[0] or found.mode & _STICKY:
            raise Failure(
                "folder_unsafe",
                thing=folder,
                reason="others can write to it, so they could put other files in the place of the client's",
                cure=f"Choose a path inside of a folder of the user's own ({option})",
            )
        yield folder, found.mode & ~_OTHERS_WRITE


def differs(found: Found | None, wanted: Wanted, owner: tuple[int, int]) -> bool:
    if found is None or found.kind != "file" or wanted.content is None:
        return True
    return found.content != wanted.content or found.mode != wanted.mode or (found.uid, found.gid) != owner


def diff_entries(there: There, changes: t.Mapping[str, t.Optional[Wanted]]) -> t.Iterator[dict[str, str]]:
    """Yield a diff for each file that is written, or removed (None)."""
    for path, wanted in changes.items():
        found = there.get(path)
        before = "" if found is None else describe(path, found.content, found.mode)
        if found is None and wanted is None:
            continue
        after = "" if wanted is None else describe(path, wanted.content, wanted.mode)
        yield {"before_header": path, "after_header": path, "before": before, "after": after}
