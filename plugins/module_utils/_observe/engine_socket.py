# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The unix socket that method C(gateway) is to pass connections on to: who may open it, and what answers there."""

from __future__ import annotations

__all__ = ("EngineSocket",)

import os
import stat
import typing as t

from .._host.engine import read_version
from .._shared import layout
from .files import Files
from .side_by_side import Questions
from .systemd import Units


class EngineSocket:
    """Asks the engine at once, unless that is docker.service's: asking would start one that is down."""

    def __init__(self, files: Files, units: Units, questions: Questions, path: str | None) -> None:
        """C(path) None: nothing is asked."""
        self._files = files
        self._questions = questions
        self._seen = None if path is None else _describe(files, path)
        self._asked = self._seen is not None and not _is_dockerds(units, self._seen["target"])
        if path is not None and self._asked:
            questions.ask("socket", read_version, files.real(path))

    def described(self) -> dict[str, t.Any] | None:
        """Return the socket and its engine's name and version (None: it does not answer). None: there is no socket."""
        if self._seen is None:
            return None
        told = self._questions.answer("socket") if self._asked else None
        name, version = told if isinstance(told, tuple) else (None, None)
        return {**self._seen, "name": name, "version": version}


def _describe(files: Files, path: str) -> dict[str, t.Any] | None:
    """Return the socket without symbolic links, its mode and owner, and those of the folders above it."""
    try:
        status = os.stat(files.real(path))
    except OSError:
        return None
    if not stat.S_ISSOCK(status.st_mode):
        return None
    target = files.resolved(path)
    above = dict.fromkeys([*_above(path), *_above(target)])
    return {
        "target": target,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "folders": [owner for owner in map(files.folder, above) if owner is not None],
    }


def _is_dockerds(units: Units, target: str) -> bool:
    if units.get(layout.DOCKER_SERVICE, "LoadState") != "loaded":
        return False
    return target == layout.ENGINE or f"{target} (Stream)" in units.get(layout.DOCKER_SOCKET, "Listen")


def _above(path: str) -> t.Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path
