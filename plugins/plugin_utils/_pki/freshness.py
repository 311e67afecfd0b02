# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a certificate still meets its specification, and if not, why."""

from __future__ import annotations

__all__ = ("CertificateSpec", "fingerprint", "not_after_of", "reasons_to_reissue")

import datetime
import hashlib
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509, x509_oid

from .keys import key_type_of
from .names import names_in, sort_names
from .renewal import A_THIRD_LEFT, RenewBefore, describe_expiry


@dataclass(frozen=True)
class CertificateSpec:
    """What a certificate must contain. C(names) empty: a client, whose CN is C(common_name)."""

    key_type: str
    names: tuple[str, ...] = ()
    common_name: str | None = None
    #: Names beyond these are no fault: a CA that is not ours may add its own.
    more_names: bool = False


def reasons_to_reissue(
    certificate: x509.Certificate,
    spec: CertificateSpec,
    *,
    trusted: bool,
    now: datetime.datetime,
    renew_before: RenewBefore = A_THIRD_LEFT,
    limit: datetime.datetime | None = None,
) -> list[str]:
    """Return why the certificate has to be made again, as clauses for people; empty: it is fine as it is.

    C(trusted): the authority of today signed it. C(limit) is where that authority ends: no renewal reaches beyond.
    """
    reasons = []
    if not trusted:
        reasons.append("another authority")
    if renew_before.is_due(certificate, now) and not _reaches(certificate, limit, now):
        reasons.append(describe_expiry(certificate, now))
    kind = key_type_of(certificate.public_key())
    if kind != spec.key_type:
        reasons.append(f"key type is {kind}")
    if spec.names:
        has, wants = names_in(certificate), sort_names(spec.names)
        if spec.more_names:
            has = [name for name in has if name in wants]
        if has != wants:
            reasons.append(_difference(has, wants))
    elif spec.common_name is not None:
        attributes = certificate.subject.get_attributes_for_oid(x509_oid.NameOID.COMMON_NAME)
        if [a.value for a in attributes] != [spec.common_name]:
            reasons.append(f"its CN is not {spec.common_name}")
    return reasons


def _reaches(certificate: x509.Certificate, limit: datetime.datetime | None, now: datetime.datetime) -> bool:
    """Whether it is valid, and ends with the authority, so that a new one would end no later."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return limit is not None and end >= limit and begin <= now < end


def fingerprint(certificate: x509.Certificate) -> str:
    """Return SHA-256 over the DER form, in lower-case hex, as the module on the host computes it too."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def not_after_of(certificate: x509.Certificate) -> str:
    """Return the expiry in ISO 8601, UTC."""
    return certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _difference(has: t.Sequence[str], wants: t.Sequence[str]) -> str:
    clauses = []
    missing = [name for name in wants if name not in has]
    surplus = [name for name in has if name not in wants]
    if missing:
        clauses.append(f"lacks {', '.join(missing)}")
    if surplus:
        are = "is" if len(surplus) == 1 else "are"
        clauses.append(f"contains {', '.join(surplus)}, which {are} no longer requested")
    return " and ".join(clauses)
