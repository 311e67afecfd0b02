# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's certificate and key on the host: whether they are due, and what comes in their place."""

from __future__ import annotations

__all__ = ("identity_is_due", "keeps_its_key", "request_names", "tls_files", "with_pending_key")

import dataclasses
import hashlib
import ssl
import typing as t

from . import layout
from .addresses import Listen
from .asked import TlsFiles
from .observe import Observed
from .pending_key import read_pending_key
from .plan import Plan
from .request import Identity, Request


def identity_is_due(observed: Observed, request: Request, listen: t.Sequence[Listen]) -> bool:
    """Whether the controller has to sign (or send) an identity, as far as can be told without reading X.509 here."""
    identity = request.identity
    if request.phase == "apply" or (request.key_origin == "controller" and identity.certificate is not None):
        # It is at hand; whether its files differ is the plan's to see.
        return False
    if identity.renew or identity.expected is None:
        return True
    lacking = [entry.host for entry in listen if not entry.is_wildcard and entry.host not in identity.covers]
    return bool(lacking) or observed.content(layout.KEY) is None or _fingerprint(observed) != identity.expected


def tls_files(observed: Observed, request: Request, *, is_due: bool) -> TlsFiles:
    """Return what the bundle is to hold."""
    identity = request.identity
    present_key = observed.content(layout.KEY)
    if request.key_origin == "host":
        key_is_due = is_due or identity.pending is not None
        # A key that is kept is written again to the byte, which is no change.
        key = None if key_is_due else present_key
    else:
        digest = None if present_key is None else hashlib.sha256(present_key).hexdigest()
        key_is_due = digest != identity.key_sha256
        key = identity.key.encode() if identity.key else present_key
    return TlsFiles(
        ca=identity.ca.encode() if identity.ca else None,
        certificate=identity.certificate.encode() if identity.certificate else observed.content(layout.CERTIFICATE),
        certificate_is_due=is_due,
        key=key,
        key_is_due=key_is_due,
    )


def keeps_its_key(observed: Observed, identity: Identity) -> bool:
    """Whether the key goes on under a new certificate: it is there, ours, and of the type that is asked for."""
    ours = identity.expected is not None and _fingerprint(observed) == identity.expected
    return ours and not identity.new_key and observed.content(layout.KEY) is not None


def with_pending_key(plan: Plan, name: str | None) -> Plan:
    """Return the plan with the key in it that waits for its certificate. Failure: C(pending_key_missing)."""
    if name is None:
        return plan
    content = read_pending_key(name)
    changes = (
        dataclasses.replace(change, content=content) if change.path == layout.KEY else change for change in plan.changes
    )
    return dataclasses.replace(plan, changes=tuple(changes))


def _fingerprint(observed: Observed) -> str | None:
    """SHA-256 over the DER form of the (first) certificate that is in place."""
    pem = (observed.content(layout.CERTIFICATE) or b"").decode(errors="replace")
    end = "-----END CERTIFICATE-----"
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)])).hexdigest()
    except ValueError:
        return None


def request_names(identity: Identity, listen: t.Sequence[Listen], interfaces: t.Collection[str]) -> list[str]:
    """Return the names that have to stand in the request; a network interface is none."""
    if not identity.request_names:
        return []
    addresses = [entry.host for entry in listen if not entry.is_wildcard]
    known = [name for name in identity.request_names if name not in interfaces]
    return list(dict.fromkeys([*known, *addresses]))
