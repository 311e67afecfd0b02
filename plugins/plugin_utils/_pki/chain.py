# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of certificates, as in a PEM file."""

from __future__ import annotations

__all__ = ("as_pem", "is_issued_by", "is_root", "leads_to", "parse_chain", "try_chain")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

Chain = t.Tuple["x509.Certificate", ...]


def as_pem(certificates: t.Iterable[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def parse_chain(pem: bytes, path: str) -> Chain:
    """Return the certificates in order; C(path) is for the error. Failure: C(certificate_unreadable)."""
    chain = try_chain(pem)
    if not chain:
        raise Failure(
            "certificate_unreadable",
            thing=path,
            reason="this is not a certificate in PEM",
            cure="Put the certificate there, from a backup if need be; the ones above it come behind it",
        )
    return chain


def try_chain(pem: bytes | None) -> Chain:
    """Return the certificates in order; none where any of it can't be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem)) if pem else ()
    except ValueError:
        return ()


def is_root(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Tell whether this very issuer (its key, not just its name) signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # cryptography raises InvalidSignature, ValueError or TypeError: all of them mean no
        return False
    return True


def leads_to(chain: t.Sequence[x509.Certificate], anchors: t.Collection[x509.Certificate]) -> bool:
    """Tell whether the first certificate is signed by the next, and so on, up to one of the anchors."""
    for position, certificate in enumerate(chain):
        if certificate in anchors or any(is_issued_by(certificate, anchor) for anchor in anchors):
            return True
        above = chain[position + 1 : position + 2]
        if not above or not is_issued_by(certificate, above[0]):
            return False
    return False
