# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about certificates and clocks. Pure."""

from __future__ import annotations

__all__ = ("find_certificates", "find_clock", "find_trust")

import datetime
import typing as t

from ..tls.certificates import CertificateFacts
from .finding import Finding

_DAY = datetime.timedelta(days=1)
#: A finding where less than this is left, and less than this share of the certificate's life: (life, share, severity).
_LEFT = ((7 * _DAY, 0.1, "high"), (30 * _DAY, 0.25, "medium"))
#: Bits of a key that are enough today (NIST SP 800-57, 112 bits of security).
_ENOUGH = {"RSA": 2048, "secp": 224}
_OLD_DIGESTS = ("md5", "sha1")
_SKEW = 300.0
_RENEW = {
    "server": "Renew it (playbook gangway.docker.renew)",
    "client": "Renew it (playbook gangway.docker.renew)",
    "intermediate": "Replace it at the CA, then renew the certificates below it",
    "authority": "Rotate the authority (playbook gangway.docker.rotate_authority)",
}


def find_certificates(certificates: t.Iterable[CertificateFacts], now: datetime.datetime) -> t.Iterator[Finding]:
    """Yield findings about keys, signatures, dates and names."""
    for certificate in certificates:
        who = f"The certificate of the {certificate.role} ({certificate.subject or ', '.join(certificate.names)})"
        yield from _validity(certificate, who, now)
        weak = _weakness(certificate)
        if weak is not None:
            fix = "Make a new one with a key of today, for example ecdsa_p256, and SHA-256"
            yield Finding("weak_key", "high", None, f"{who} {weak}.", fix)
        if certificate.role == "server":
            wild = [name for name in certificate.names if "*" in name]
            if wild:
                text = f"{who} is for {', '.join(wild)}: its key stands for all these hosts."
                yield Finding("wildcard_name", "low", None, text, "Give each host a certificate of its own")


def find_clock(skew: t.Optional[float]) -> t.Iterator[Finding]:
    """Yield a finding where the clocks differ by more than five minutes."""
    if skew is not None and abs(skew) > _SKEW:
        side = "ahead of" if skew > 0 else "behind"
        text = f"The daemon's clock is {abs(skew) / 60:.0f} min {side} this machine's."
        yield Finding("clock_skew", "medium", None, text, "Set the clock that is wrong; new certificates depend on it")


def find_trust(*, verifies: bool, strict: t.Optional[bool]) -> t.Iterator[Finding]:
    """Yield findings about how the client knows the server; C(strict): whether strict clients accept it, too."""
    if not verifies:
        text = "The client does not verify the server: anybody on the way can take the server's place."
        yield Finding("server_not_verified", "high", "2.7", text, "Set validate_certs: true, and ca_path")
    elif strict is False:
        text = "Strict clients, such as those on Python 3.13, refuse the server's certificate or its CA's (RFC 5280)."
        fix = "Make them again, with keyUsage in the CA's certificate and authorityKeyIdentifier in the server's"
        yield Finding("not_strict", "low", None, text, fix)


def _validity(certificate: CertificateFacts, who: str, now: datetime.datetime) -> t.Iterator[Finding]:
    left = certificate.not_after - now
    if left <= datetime.timedelta(0):
        text = f"{who} expired {certificate.not_after:%Y-%m-%d %H:%M} UTC."
        yield Finding("expired", "critical", None, text, _RENEW[certificate.role])
        return
    if certificate.not_before > now:
        text = f"{who} is valid from {certificate.not_before:%Y-%m-%d %H:%M} UTC only."
        yield Finding("not_yet_valid", "high", None, text, "Set the clock that is wrong")
        return
    life = certificate.not_after - certificate.not_before
    for limit, share, severity in _LEFT:
        if left < min(limit, life * share):
            text = f"{who} expires in {left / _DAY:.1f} d."
            yield Finding("expires_soon", severity, None, text, _RENEW[certificate.role])
            return


def _weakness(certificate: CertificateFacts) -> t.Optional[str]:
    is_root = certificate.subject == certificate.issuer
    # Nobody checks a root's signature.
    if certificate.digest in _OLD_DIGESTS and not is_root:
        return f"is signed with {certificate.digest.upper()}"
    for family, bits in _ENOUGH.items():
        if certificate.key.startswith(family) and certificate.key_bits is not None and certificate.key_bits < bits:
            return f"has a weak key ({certificate.key})"
    return "has a weak key (DSA)" if certificate.key.strip("_") == "DSA" else None
