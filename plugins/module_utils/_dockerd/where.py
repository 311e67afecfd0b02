# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where dockerd is to listen, and for whom, as this host understands it."""

from __future__ import annotations

__all__ = ("allow_of", "interfaces_in", "listen_of")

from .._shared.failure import Failure
from .addresses import DEFAULT_PORT, Listen, parse_allow, parse_listen
from .connection import Connection, is_interface, resolve
from .request import Request


def listen_of(request: Request, connection: Connection | None) -> list[Listen]:
    """Return the addresses to listen on, names resolved. Failures: C(listen_unknown), C(listen_unresolvable)."""
    if request.listen:
        resolved = [entry for text in request.listen for entry in resolve(parse_listen(text))]
        return list(dict.fromkeys(resolved))
    if connection is None:
        raise Failure(
            "listen_unknown",
            thing="listen",
            reason="it is not set, and the host can't tell at which of its addresses it is reached: this is no SSH "
            "connection",
            cure="Set listen (expose_listen in the role), for example 10.20.0.5:2376",
        )
    return [Listen(connection.server, DEFAULT_PORT)]


def allow_of(request: Request, connection: Connection | None) -> tuple[str, ...]:
    """Return the access list. Failures: C(allow_unknown), C(invalid_allow)."""
    if request.allow:
        return parse_allow(request.allow)
    if connection is None:
        raise Failure(
            "allow_unknown",
            thing="allow",
            reason="it is not set, and the host can't tell from where Ansible is connected: this is no SSH connection",
            cure="Set allow (expose_allow in the role) to the networks that clients are in, for example 10.20.0.0/24",
        )
    return parse_allow([connection.client])


def interfaces_in(request: Request) -> list[str]:
    """Return the names in the listen list that are network interfaces here."""
    names = [entry.host for entry in map(parse_listen, request.listen) if not (entry.is_address or entry.is_wildcard)]
    return [name for name in dict.fromkeys(names) if is_interface(name)]
