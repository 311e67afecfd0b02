# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One handshake, and what is seen of it."""

from __future__ import annotations

__all__ = ("Session", "handshake", "offers_http2", "oldest_tls", "speaks_tls")

import socket
import ssl
import typing as t
from dataclasses import dataclass

from ..connecting import Address, connect
from ..deadline import Deadline
from ..states import Problem
from .contexts import ClientTls, make_context


@dataclass(frozen=True)
class Session:
    """C(chain): the certificates that the server has sent, in DER, its own first."""

    version: str
    cipher: str
    chain: t.Tuple[bytes, ...]


def handshake(
    addresses: t.Sequence[Address],
    context: ssl.SSLContext,
    name: str,
    deadline: Deadline,
    *,
    opened: t.Optional[socket.socket] = None,
) -> t.Tuple[ssl.SSLSocket, Session]:
    """Open a connection with TLS; the caller closes it. Raises OSError, ssl.SSLError being one. Problem: no connection.

    The name goes into SNI, and is compared with the certificate where the context verifies. C(opened): a connection
    that is there already.
    """
    plain = connect(addresses, deadline)[0] if opened is None else opened
    try:
        # The handshake as a whole has this time.
        plain.settimeout(deadline.left())
        secured = context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise
    cipher = secured.cipher()
    return secured, Session(secured.version() or "", cipher[0] if cipher else "", _chain(secured))


def offers_http2(address: Address, context: ssl.SSLContext, name: str, deadline: Deadline) -> bool:
    """Whether the server chooses HTTP/2 if the client can do nothing else (ALPN). Raises as M(handshake)."""
    context.set_alpn_protocols(["h2"])
    secured, _session = handshake([address], context, name, deadline)
    with secured:
        return secured.selected_alpn_protocol() == "h2"


def speaks_tls(address: Address, name: str, deadline: Deadline) -> bool:
    """Whether a handshake ends well, or with an alert: under TLS 1.2, clients without a certificate get one."""
    try:
        secured, _session = handshake([address], make_context(ClientTls(verify=False)), name, deadline)
    except ssl.SSLError as exc:
        return "ALERT" in (exc.reason or "").upper()
    except (OSError, Problem):
        return False
    secured.close()
    return True


def oldest_tls(address: Address, name: str, deadline: Deadline) -> t.Optional[str]:
    """Return the version older than TLS 1.2 that the server speaks; None where this Python can't tell."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        # No secret is sent: this only names what the server speaks.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        secured, session = handshake([address], context, name, deadline)
    except (OSError, ValueError):
        return None
    secured.close()
    return session.version


def _chain(secured: ssl.SSLSocket) -> t.Tuple[bytes, ...]:
    """In Python before 3.13, only the inner object has the method; before 3.10, none has."""
    found: t.Iterable[t.Any] = ()
    holders: t.Tuple[t.Any, ...] = (secured, getattr(secured, "_sslobj", None))
    for holder in holders:
        if hasattr(holder, "get_unverified_chain"):
            found = holder.get_unverified_chain() or ()
            break
    own = secured.getpeercert(binary_form=True)
    # 1 is _ssl.ENCODING_PEM, 2 is _ssl.ENCODING_DER.
    return tuple(c if isinstance(c, bytes) else c.public_bytes(2) for c in found) or ((own,) if own else ())
