# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking an endpoint through the network, as a client would."""

from __future__ import annotations

__all__ = ("probe_endpoint",)

import http.client
import ssl
import urllib.parse

from .formats import Connection

_TIMEOUT = 10.0


def probe_endpoint(connection: Connection) -> str | None:
    """Return None where the endpoint works for this client, else why not, for people.

    The context is our own, so that REQUESTS_CA_BUNDLE and the like have no say in it.
    """
    target = urllib.parse.urlsplit(connection.url)
    folder = connection.cert_path
    client: http.client.HTTPSConnection | None = None
    try:
        context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
        client = http.client.HTTPSConnection(target.hostname or "", target.port, timeout=_TIMEOUT, context=context)
        client.request("GET", "/_ping")
        response = client.getresponse()
        body = response.read(64)
        return None if response.status == 200 else f"HTTP {response.status} {body.decode(errors='replace')}"
    except ssl.SSLCertVerificationError as exc:
        return f"its certificate is not trusted ({exc.verify_message})"
    except ssl.SSLError as exc:
        return f"TLS failed ({exc.reason or exc})"
    except (OSError, http.client.HTTPException) as exc:
        return f"no connection ({exc or type(exc).__name__})"
    finally:
        if client is not None:
            client.close()
