# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client without a certificate gets from a TCP port."""

from __future__ import annotations

__all__ = ("ask_plain", "ask_tls", "is_open", "local_address")

import socket

_TIMEOUT = 15.0
_REQUEST = b"GET /_ping HTTP/1.0\r\n\r\n"


def ask_plain(address: str, port: int) -> bytes:
    """Return the answer to a plain HTTP request; empty unless it is 200: behind TLS, Go's server says 400.

    Raises OSError if there is no connection.
    """
    with socket.create_connection((address, port), timeout=_TIMEOUT) as plain:
        plain.sendall(_REQUEST)
        answer = plain.recv(64)
    return answer if b" 200 " in answer else b""


def ask_tls(address: str, port: int) -> tuple[bytes | None, bytes]:
    """Return the certificate shown (DER) and the answer to a request over TLS; the latter is empty if refused.

    Under TLS 1.3 the refusal comes at the first read, not in the handshake. Raises OSError if there is no connection,
    or no TLS.
    """
    # Here, since most who import this file find no port to ask.
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    # Callers compare the certificate byte for byte: stricter than any chain.
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection((address, port), timeout=_TIMEOUT)
    with plain, context.wrap_socket(plain) as secured:
        shown = secured.getpeercert(binary_form=True)
        try:
            secured.sendall(_REQUEST)
            return shown, secured.recv(64)
        except (ssl.SSLError, ConnectionError):
            return shown, b""


def is_open(address: str, port: int) -> bool:
    """Whether something listens there, as far as the host itself sees."""
    try:
        socket.create_connection((address, port), timeout=_TIMEOUT).close()
    except OSError:
        return False
    return True


def local_address(host: str) -> str:
    """Return the address by which the host reaches its own listener; C(any) and wildcards by loopback."""
    if host in ("any", "0.0.0.0", ""):  # noqa: S104
        return "127.0.0.1"
    return "::1" if host == "::" else host
