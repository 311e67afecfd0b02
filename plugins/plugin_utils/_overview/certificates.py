# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of records and folders as the facts that probes give. Pure."""

from __future__ import annotations

__all__ = ("facts_in", "facts_of")

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts, describe
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509

from .._pki.chain import try_chain


def facts_of(certificate: x509.Certificate, role: str) -> CertificateFacts | None:
    """Return the facts; None: there is something in it that can't be read."""
    return next(iter(describe([certificate.public_bytes(serialization.Encoding.DER)], role)), None)


def facts_in(pem: bytes | str, role: str) -> CertificateFacts | None:
    """Return the facts of the first certificate; None: there is none."""
    content = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    return next((facts_of(certificate, role) for certificate in try_chain(content)), None)
