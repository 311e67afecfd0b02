# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that say how dockerd is started or what it listens on, as they are on the host."""

from __future__ import annotations

__all__ = ("Doubt", "Source", "unsupported")

import os
import re
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

#: Belongs to a package, or is gone after the next boot.
_NOT_THE_ADMINS = re.compile(r"/(usr/(?!local/)|lib/|run/)")


@dataclass(frozen=True)
class Source:
    """One file that says how dockerd is started or what it listens on.

    C(kind): C(unit) (docker.service's fragment), C(drop_in) (of docker.service), C(options) (an environment file, in
    the shell's or systemd's syntax), C(daemon_json), C(socket) (a socket unit or a drop-in of one).
    """

    path: str
    text: str
    kind: str

    @property
    def is_the_admins(self) -> bool:
        """Whether it may be rewritten: a package's next update restores its own files."""
        return _NOT_THE_ADMINS.match(self.path) is None

    @property
    def unit(self) -> str:
        """The name of the unit that a unit file or drop-in belongs to."""
        folder, name = os.path.split(self.path)
        return os.path.basename(folder)[: -len(".d")] if folder.endswith(".d") else name

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def place(self, offset: int) -> str:
        return f"{self.path}:{self.line(offset)}"


@dataclass(frozen=True)
class Doubt:
    """Something that can't be read for certain, and why."""

    source: Source
    offset: int
    reason: str


def unsupported(source: Source, offset: int, reason: str) -> Failure:
    """Return the failure for a listener that can't be rewritten for certain."""
    return Failure(
        "adopt_unsupported",
        thing=source.place(offset),
        reason=f"this can't be rewritten for certain: {reason}",
        cure="Take TCP and TLS out of it by hand first; nothing was changed",
    )
