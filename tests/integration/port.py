# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Knocking at a daemon's port in all the ways that must be refused."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

PORT = 2376


def ask(
    address: str,
    *,
    bundle: Path | None = None,
    ca: Path | None = None,
    source: str | None = None,
    version: ssl.TLSVersion | None = None,
    port: int = PORT,
    timeout: float = 5,
    patience: float = 10,
) -> str:
    """Send GET /_ping over TLS and return what came of it, in a word.

    C(timeout), C(patience): seconds until a connection, and then an answer, has to be there.

    C(answered), C(refused) (by TLS), C(silent) (connected, and nothing came), C(closed) (no connection),
    C(dropped) (no answer to the SYN).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ca is not None:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
    if version is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = version
    if bundle is not None:
        context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    try:
        plain = _connect(address, port, source, timeout)
    except (TimeoutError, socket.timeout):
        return "dropped"
    except OSError:
        return "closed"
    plain.settimeout(max(timeout, patience))
    try:
        with plain, context.wrap_socket(plain, server_hostname=address) as secured:
            secured.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = secured.recv(4096)
    except (TimeoutError, socket.timeout):
        return "silent"
    except (ssl.SSLError, ConnectionError):
        return "refused"
    return "answered" if answer.startswith(b"HTTP/1.0 200") else "refused"


def ask_in_the_clear(address: str, port: int = PORT) -> str:
    """Send GET /_ping without TLS."""
    try:
        plain = _connect(address, port, None, 5)
    except (TimeoutError, socket.timeout):
        return "dropped"
    except OSError:
        return "closed"
    plain.settimeout(10)
    with plain:
        try:
            plain.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            answer = plain.recv(4096)
        except (TimeoutError, socket.timeout):
            return "silent"
        except ConnectionError:
            return "refused"
    return "answered" if b" 200 " in answer.split(b"\r\n", maxsplit=1)[0] else "refused"


def is_safe(address: str, port: int = PORT) -> bool:
    """Tell whether nobody without a certificate gets an answer: neither over TLS nor in the clear."""
    return ask(address, port=port) != "answered" and ask_in_the_clear(address, port=port) != "answered"


def _connect(address: str, port: int, source: str | None, timeout: float) -> socket.socket:
    return socket.create_connection(
        (address, port), timeout=timeout, source_address=None if source is None else (source, 0)
    )
