# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state of a host: the listener, its method, its TLS files, what becomes of an existing listener."""

from __future__ import annotations

__all__ = ("Desired", "Gateway", "RevocationLists", "ServerFiles")

import typing as t
from dataclasses import dataclass, field

from .._options.clients import Client
from .firewalls.firewall import Firewall
from .gateway.worker import Worker
from .listener.listener import Listener
from .methods.method import Method


@dataclass(frozen=True)
class RevocationLists:
    """The lists of revoked certificates (CRL) for method C(gateway). C(content): None: yet to be signed."""

    content: bytes | None


@dataclass(frozen=True)
class ServerFiles:
    """What the bundle holds."""

    #: None: an authority that check mode has not made.
    ca: bytes | None
    #: None: yet to be signed.
    certificate: bytes | None
    #: The name of the secret with the new key; None: the key in place stays.
    key_secret: str | None = None
    #: A new key comes, also if check mode does not make it.
    key_is_new: bool = False
    #: Of a fleet: the host remembers whose trust it was given. Not so with certificates of the user's own.
    of_fleet: bool = False
    #: What it remembers; None: an authority that check mode has not made.
    trust: bytes | None = None
    #: None: with dockerd's own TLS there are none.
    revocation_lists: RevocationLists | None = None


@dataclass(frozen=True)
class Gateway:
    """What method C(gateway) puts in front of the engine."""

    #: The path of haproxy.
    program: str
    clients: tuple[Client, ...]
    #: The engine's unix socket.
    engine: str
    worker: Worker
    #: docker.service's dockerd is behind it; if not, what was seen to answer there.
    is_dockerd: bool = True
    name: str | None = None
    version: str | None = None
    #: The socket is in a home folder, or in /run/user.
    in_home: bool = False
    log: str = "connections"


@dataclass(frozen=True)
class Desired:
    """The desired state of a host."""

    listener: Listener
    method: Method
    firewall: Firewall
    #: None: plain TCP.
    server_files: ServerFiles | None
    #: Leave live-restore on afterwards.
    live_restore: bool = True
    #: New texts of files of others (None: set aside) without the listener that is adopted.
    adopted: t.Mapping[str, str | None] = field(default_factory=dict)
    #: Socket units of others, to be stopped and started again because of that.
    sockets_to_restart: tuple[str, ...] = ()
    #: None: dockerd itself takes the connections.
    gateway: Gateway | None = None
