# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking an endpoint through the network, as a client would."""

from __future__ import annotations

__all__ = ("is_turned_away", "probe_endpoint")

import http.client
import re
import ssl
import urllib.parse

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

_TIMEOUT = 10.0
#: RFC 8446, 6.2: the alerts by which a server refuses a client's certificate, as OpenSSL and Python name them.
_REFUSAL = re.compile(
    "ALERT[_ ]((BAD|UNSUPPORTED)[_ ]CERTIFICATE|CERTIFICATE[_ ](REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN[_ ]CA"
    "|ACCESS[_ ]DENIED)",
    re.IGNORECASE,
)


def probe_endpoint(connection: Connection) -> str | None:
    """Return None where the endpoint works for this client, else why not, for people."""
    try:
        context = None if connection.cert_path is None else _context(connection, f"{connection.cert_path}/ca.pem")
        return _ask(connection, context)
    except ssl.SSLCertVerificationError as exc:
        return f"its certificate is not trusted ({exc.verify_message})"
    except ssl.SSLError as exc:
        return f"TLS failed ({exc.reason or exc})"
    except (OSError, http.client.HTTPException) as exc:
        return f"no connection ({exc or type(exc).__name__})"


def is_turned_away(connection: Connection, ca: str) -> bool | None:
    """Tell whether the endpoint, known by the CAs in the file C(ca), lets this client in; None: nothing is proved.

    Only a TLS alert about the client's certificate is a refusal. Under TLS 1.3 it comes after the handshake, and may be
    lost when the request meets a closed connection (seen with dockerd 20.10 to 28.5); under TLS 1.2 it answers the
    handshake.
    """
    for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED):
        try:
            context = _context(connection, ca)
            context.maximum_version = newest
        except (OSError, ValueError):
            # A bundle that can't be read proves nothing (ssl.SSLError is an OSError).
            return None
        try:
            _ask(connection, context)
        except ssl.SSLCertVerificationError:
            return None
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError, http.client.HTTPException) as exc:
            if isinstance(exc, ssl.SSLError) and _REFUSAL.search(exc.reason or ""):
                return True
        except OSError:
            return None
        else:
            return False
    return None


def _context(connection: Connection, ca: str) -> ssl.SSLContext:
    """Our own, so that REQUESTS_CA_BUNDLE and the like have no say in it."""
    folder = connection.cert_path
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    return context


def _ask(connection: Connection, context: ssl.SSLContext | None) -> str | None:
    """Send a ping; without a context, no TLS."""
    target = urllib.parse.urlsplit(connection.url)
    host, port = target.hostname or "", target.port
    client = (
        http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        if context is None
        else http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)
    )
    try:
        client.request("GET", "/_ping")
        response = client.getresponse()
        body = response.read(64)
        return None if response.status == 200 else f"HTTP {response.status} {body.decode(errors='replace')}"
    finally:
        client.close()
