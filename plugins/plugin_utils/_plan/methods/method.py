# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A method is one way of making dockerd listen on TCP. Each has a file here.

M(Method.unsuitable) says why a host can't have it, M(Method.render) which files, keys and block it needs. The plan
compares that with what exists. Removing a method is the same for all: its own files go, and the files of others go back
to their originals (originals.py).
"""

from __future__ import annotations

__all__ = ("Method", "Rendered")

import typing as t
from dataclasses import dataclass, field

from ..host.observed import Observed
from ..listener.listener import Listener


@dataclass(frozen=True)
class Rendered:
    """What a method wants on the host: files of its own, keys of daemon.json, a block in the options file."""

    files: t.Mapping[str, str] = field(default_factory=dict)
    settings: t.Mapping[str, t.Any] = field(default_factory=dict)
    block: str | None = None


class Method(t.Protocol):
    """One way of putting the listener in place."""

    name: str
    #: TLS is in dockerd's flags, not in daemon.json; dockerd does not start with both.
    sets_flags: bool

    def unsuitable(self, observed: Observed) -> str | None:
        """Return why this host can't have it; None: it can."""

    def render(self, observed: Observed, listener: Listener) -> Rendered:
        """Return what has to be on the host."""
