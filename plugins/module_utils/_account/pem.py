# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates in PEM, by what the standard library knows of them. Pure."""

from __future__ import annotations

__all__ = ("fingerprint_of",)

import hashlib
import ssl
import typing as t


def fingerprint_of(pem: t.Union[bytes, str, None]) -> str | None:
    """Return SHA-256 over the DER form of the first certificate; None where there is none."""
    text = pem.decode(errors="replace") if isinstance(pem, bytes) else pem or ""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    try:
        text = text[text.index(begin) : text.index(end) + len(end)]
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()
    except ValueError:
        return None
