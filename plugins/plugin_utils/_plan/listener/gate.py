# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host keeps of a listener for its gate (module_utils/_guard/gate.py), and whether the gate is open."""

from __future__ import annotations

__all__ = ("gate_of", "own_networks")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.listener import Gate

from .addresses import Listen
from .listener import TLS_SETTINGS, Listener

_ANYONE = ("0.0.0.0/0", "::/0")


def gate_of(listener: Listener, *, flags: bool) -> Gate:
    """Return what goes into gate.json. C(flags): TLS is in dockerd's flags."""
    return Gate(
        kind=listener.gate,
        listen=tuple((entry.host, entry.port) for entry in listener.listen),
        own=own_networks(listener.listen),
        # Without a firewall, only the proof keeps anyone out.
        allow=_ANYONE if listener.firewall == "none" else listener.allow,
        tls=TLS_SETTINGS if listener.tls else {},
        flags=flags,
    )


def own_networks(listen: t.Sequence[Listen]) -> tuple[str, ...]:
    """Return the host itself, as a source of packets to these addresses."""
    if any(entry.is_wildcard for entry in listen):
        return ("127.0.0.0/8", "::1/128")
    return tuple(f"{entry.host}/{128 if ':' in entry.host else 32}" for entry in listen)
