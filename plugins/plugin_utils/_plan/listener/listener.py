# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A listener: the addresses that dockerd listens on, its TLS, and who may connect."""

from __future__ import annotations

__all__ = ("HEADER", "TLS_SETTINGS", "Listener", "tcp_url")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .addresses import Listen

#: The first line of each file that we make.
HEADER = "# Written by the Ansible collection gangway.docker; expose_state: absent removes it.\n"

#: The TLS keys of daemon.json, as we set them.
TLS_SETTINGS: dict[str, t.Any] = {
    "tlsverify": True,
    "tlscacert": layout.CA,
    "tlscert": layout.CERTIFICATE,
    "tlskey": layout.KEY,
}


@dataclass(frozen=True)
class Listener:
    """C(listen): addresses, no names; C(allow): networks in CIDR form."""

    listen: tuple[Listen, ...]
    allow: tuple[str, ...]
    #: The Python that the guard runs with.
    python: str
    #: False: plain TCP.
    tls: bool = True
    #: The name of a firewall kind.
    firewall: str = "systemd"
    #: What lets only the host itself through until the port is proved: C(socket) or C(nftables); C(none) where what
    #: serves the port can't do so without TLS.
    gate: str = "socket"
    #: Shell commands that fail unless that firewall guards the port.
    checks: tuple[str, ...] = ()
    #: Units that bring its rules into force at boot.
    boot_units: tuple[str, ...] = ()


def tcp_url(entry: Listen) -> str:
    """Return the value for dockerd's -H; without an address it would be localhost only."""
    host = "[::]" if entry.host == "any" else f"[{entry.host}]" if ":" in entry.host else entry.host
    return f"tcp://{host}:{entry.port}"
