# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS contexts of clients. None of them reads an environment variable."""

from __future__ import annotations

__all__ = ("ClientTls", "make_context")

import ssl
import typing as t
from dataclasses import dataclass

from ..._shared.failure import Failure

#: As Go's clients, and Python's from 3.13 on: any certificate of ca_path is an anchor. In ssl from Python 3.10 on.
_PARTIAL_CHAIN = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)


@dataclass(frozen=True)
class ClientTls:
    """What a client brings: files in PEM.

    Without C(ca), it trusts the CAs of the system; without C(verify), anybody. C(name): the one that the server's
    certificate must have; None: the one of the URL.
    """

    verify: bool
    ca: t.Optional[str] = None
    certificate: t.Optional[str] = None
    key: t.Optional[str] = None
    name: t.Optional[str] = None


def make_context(
    tls: ClientTls, *, strict: bool = False, verify: bool = True, newest: t.Optional[ssl.TLSVersion] = None
) -> ssl.SSLContext:
    """Return a context for one connection after another.

    C(strict): RFC 5280 to the letter, as clients on Python 3.13. C(verify=False) shows the certificate to anybody.
    Failure: C(file_unreadable), C(bundle_unusable).
    """
    # Not create_default_context: that one writes the session's keys where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if newest is not None:
        context.maximum_version = newest
    if verify and tls.verify:
        context.verify_flags |= _PARTIAL_CHAIN | (ssl.VERIFY_X509_STRICT if strict else 0)
        _load(tls.ca, "ca_path", lambda: _load_anchors(context, tls.ca))
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        certificate = tls.certificate
        # Without a callback, OpenSSL asks on the terminal for the passphrase of an encrypted key.
        _load(
            f"{certificate}, {tls.key}",
            "client_cert, client_key",
            lambda: context.load_cert_chain(certificate, tls.key, password=lambda: b""),
        )
    return context


def _load_anchors(context: ssl.SSLContext, ca: t.Optional[str]) -> None:
    if ca is not None:
        context.load_verify_locations(cafile=ca)
        return
    # The places that OpenSSL was built with; load_default_certs would follow SSL_CERT_FILE.
    places = ssl.get_default_verify_paths()
    context.load_verify_locations(cafile=places.openssl_cafile, capath=places.openssl_capath)


def _load(path: t.Optional[str], option: str, load: t.Callable[[], None]) -> None:
    try:
        load()
    except ssl.SSLError as exc:
        raise Failure(
            "bundle_unusable",
            thing=f"{option} ({path})",
            reason=f"OpenSSL can't use it ({exc.reason or exc})",
            cure="Give files in PEM: the certificate with its own key, not encrypted",
        ) from exc
    except (OSError, ValueError) as exc:
        raise Failure(
            "file_unreadable",
            thing=f"{option} ({path})",
            reason=f"it can't be read ({getattr(exc, 'strerror', None) or exc})",
            cure="Give a file that the user who runs the module can read",
        ) from exc
