# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a certificate is still what is asked for, and if not, why."""

from __future__ import annotations

__all__ = ("Wish", "fingerprint", "is_issued_by", "not_after_of", "reasons_to_reissue", "renewal_due")

import datetime
import typing as t
from dataclasses import dataclass

from .dependency import hashes, x509, x509_oid
from .keys import key_type_of
from .names import names_in, sort_names


@dataclass(frozen=True)
class Wish:
    """What an identity is to be. C(names) empty: a client, whose CN is C(common_name)."""

    key_type: str
    names: tuple[str, ...] = ()
    common_name: str | None = None


def reasons_to_reissue(
    certificate: x509.Certificate, wish: Wish, *, authority: x509.Certificate, now: datetime.datetime
) -> list[str]:
    """Return why the certificate has to be made again, as clauses for people; empty: it is fine as it is."""
    reasons = []
    if not is_issued_by(certificate, authority):
        reasons.append("another authority")
    if renewal_due(certificate, now):
        reasons.append(_expiry(certificate, now))
    kind = key_type_of(certificate.public_key())
    if kind != wish.key_type:
        reasons.append(f"key type is {kind}")
    if wish.names:
        has, wants = names_in(certificate), sort_names(wish.names)
        if has != wants:
            reasons.append(_difference(has, wants))
    elif wish.common_name is not None:
        attributes = certificate.subject.get_attributes_for_oid(x509_oid.NameOID.COMMON_NAME)
        if [a.value for a in attributes] != [wish.common_name]:
            reasons.append(f"its CN is not {wish.common_name}")
    return reasons


def renewal_due(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    """Tell whether less than a third of the certificate's life is left, or its time has not come yet."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now < begin or end - now < (end - begin) / 3


def is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Tell whether this very authority (its key, not just its name) signed the certificate."""
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # cryptography raises InvalidSignature, ValueError or TypeError: all of them mean no
        return False
    return True


def fingerprint(certificate: x509.Certificate) -> str:
    """Return SHA-256 over the DER form, in lower-case hex, as the module on the host computes it too."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def not_after_of(certificate: x509.Certificate) -> str:
    """Return the expiry in ISO 8601, UTC."""
    return certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _expiry(certificate: x509.Certificate, now: datetime.datetime) -> str:
    if now < certificate.not_valid_before_utc:
        return f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    left = certificate.not_valid_after_utc - now
    if left.total_seconds() <= 0:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return f"expires in {left.days} d" if left.days else f"expires in {int(left.total_seconds() // 3600)} h"


def _difference(has: t.Sequence[str], wants: t.Sequence[str]) -> str:
    clauses = []
    missing = [name for name in wants if name not in has]
    surplus = [name for name in has if name not in wants]
    if missing:
        clauses.append(f"lacks {', '.join(missing)}")
    if surplus:
        clauses.append(f"has {', '.join(surplus)} too much")
    return " and ".join(clauses)
