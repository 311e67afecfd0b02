# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an endpoint turns a client away. Only a TLS alert about its certificate is a refusal."""

from __future__ import annotations

__all__ = ("turned_away",)

import http.client
import socket
import ssl
import typing as t

from ..connecting import Address
from ..deadline import Deadline
from ..exchange import ping
from ..states import Problem
from .errors import is_refusal
from .session import handshake

#: Seconds in which a server that refuses says so.
_MOMENT = 1.0


def turned_away(
    addresses: t.Sequence[Address],
    make_context: t.Callable[[t.Optional[ssl.TLSVersion]], ssl.SSLContext],
    name: str,
    deadline: Deadline,
) -> t.Optional[bool]:
    """Return whether the client with this context is turned away; None: nothing is proved.

    Under TLS 1.3 the alert comes after the handshake, and may be lost when the request meets a closed connection (seen
    with dockerd 20.10 to 28.5); under TLS 1.2 it answers the handshake. So TLS 1.2 comes first. A server that has only
    TLS 1.3, or (as OpenSSL's) another word for this under TLS 1.2, gets a moment for its alert before the request.
    """
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, None):
        try:
            secured, _session = handshake(addresses, make_context(newest), name, deadline)
            with secured:
                if newest is None:
                    _await_alert(secured, deadline)
                ping(secured, name, deadline)
        except ssl.SSLCertVerificationError:
            return None
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError, http.client.HTTPException) as exc:
            if is_refusal(exc):
                return True
        except (OSError, Problem):
            return None
        else:
            # Any answer means that the server accepts the client.
            return False
    return None


def _await_alert(secured: ssl.SSLSocket, deadline: Deadline) -> None:
    """Raise ssl.SSLError for an alert that comes on its own."""
    secured.settimeout(min(_MOMENT, deadline.left()))
    try:
        secured.recv(1)
    except socket.timeout:
        # Who accepts the client waits for its request.
        return
