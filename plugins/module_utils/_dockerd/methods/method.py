# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the methods have in common: a method is one way of making dockerd listen on TCP, each in a file of its own.

M(Method.unsuitable) detects, M(Method.render) says what is to be there. The plan compares that with what is there, and
taking a method's doing away again is the same for all: its own files go, and what it put into the files of others goes
back to what it was (what_was.py).
"""

from __future__ import annotations

__all__ = ("HEADER", "TLS_SETTINGS", "Exposure", "Method", "Rendered", "tcp_url")

import typing as t
from dataclasses import dataclass, field

from .. import layout
from ..addresses import Listen
from ..observe import Observed

HEADER = "# Written by the Ansible collection gangway.docker; taken away again with expose_state: absent.\n"

#: The TLS keys of daemon.json, as we set them.
TLS_SETTINGS: dict[str, t.Any] = {
    "tlsverify": True,
    "tlscacert": layout.CA,
    "tlscert": layout.CERTIFICATE,
    "tlskey": layout.KEY,
}


@dataclass(frozen=True)
class Exposure:
    """What is asked for. C(listen): addresses, no names; C(allow): networks as M(parse_allow) gives."""

    listen: t.Sequence[Listen]
    allow: t.Sequence[str]
    #: The Python that the guard runs with.
    python: str
    #: False: plain TCP.
    tls: bool = True
    #: One of systemd, nftables, firewalld, ufw, none.
    firewall: str = "systemd"


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

    def render(self, observed: Observed, exposure: Exposure) -> Rendered:
        """Return what has to be on the host."""


def tcp_url(entry: Listen) -> str:
    """Return the host for dockerd's -H; without an address it would be localhost only."""
    return f"tcp://{'[::]' if entry.host == 'any' else entry_host(entry)}:{entry.port}"


def entry_host(entry: Listen) -> str:
    return f"[{entry.host}]" if ":" in entry.host else entry.host
