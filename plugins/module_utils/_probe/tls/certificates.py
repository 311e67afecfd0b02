# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates as facts: names, dates, key. Pure, but for reading PEM files."""

from __future__ import annotations

__all__ = ("CertificateFacts", "describe", "is_for_clients", "read_pem", "with_authority")

import datetime
import re
import ssl
import typing as t
from dataclasses import dataclass

from ..._shared.dependency import ec, ed25519, hashes, rsa, x509, x509_oid

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class CertificateFacts:
    """Times are in UTC. C(role): server, client, intermediate or authority."""

    role: str
    subject: str
    issuer: str
    #: DNS names and addresses that it is for.
    names: t.Tuple[str, ...]
    not_before: datetime.datetime
    not_after: datetime.datetime
    #: For people: RSA 2048, secp256r1, Ed25519.
    key: str
    #: Bits of an RSA or elliptic curve key; None for other types.
    key_bits: t.Optional[int]
    #: The digest in the signature: sha256; None where the algorithm has one of its own.
    digest: t.Optional[str]
    #: SHA-256 in hex over the DER form.
    fingerprint: str
    #: Whether a daemon takes it from clients (extended key usage).
    for_clients: bool

    def days_left(self, now: datetime.datetime) -> float:
        return round((self.not_after - now).total_seconds() / 86400, 1)

    def as_result(self, now: datetime.datetime) -> t.Dict[str, t.Any]:
        return {
            "role": self.role,
            "subject": self.subject,
            "issuer": self.issuer,
            "names": list(self.names),
            "not_before": _iso(self.not_before),
            "not_after": _iso(self.not_after),
            "days_left": self.days_left(now),
            "key": self.key,
            "fingerprint": self.fingerprint,
        }


def read_pem(path: t.Optional[str]) -> t.Tuple[bytes, ...]:
    """Return the certificates of a file in DER; none where it can't be read: ssl has complained by then."""
    if path is None:
        return ()
    try:
        with open(path, "rb") as stream:
            blocks = _PEM.findall(stream.read())
        # load_pem_x509_certificates came with cryptography 39.
        return tuple(ssl.PEM_cert_to_DER_cert(block.decode("ascii")) for block in blocks)
    except (OSError, ValueError):
        return ()


def describe(certificates: t.Sequence[bytes], first: str) -> t.Tuple[CertificateFacts, ...]:
    """Return the facts of a chain, the role of its first certificate given. What can't be read is left out."""
    found = []
    for position, der in enumerate(certificates):
        try:
            found.append(_facts(x509.load_der_x509_certificate(der), first if position == 0 else None))
        except ValueError:
            continue
    return tuple(found)


def with_authority(chain: t.Sequence[bytes], anchors: t.Sequence[bytes]) -> t.Tuple[bytes, ...]:
    """Return the chain with the client's own anchor behind it: servers need not send that."""
    try:
        last = x509.load_der_x509_certificate(chain[-1])
        named = [anchor for anchor in anchors if x509.load_der_x509_certificate(anchor).subject == last.issuer]
    except (IndexError, ValueError):
        return tuple(chain)
    if last.subject == last.issuer or not named:
        return tuple(chain)
    # After a rotation, two authorities have the same name.
    key_id = _authority_key_id(last)
    fitting = [anchor for anchor in named if _subject_key_id(x509.load_der_x509_certificate(anchor)) == key_id]
    return (*chain, (fitting or named)[0])


def is_for_clients(certificate: x509.Certificate) -> bool:
    """Whether dockerd takes it from clients: clientAuth, any usage, or none named at all."""
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    accepted = (x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH, x509_oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return usages is None or any(usage in usages for usage in accepted)


def _facts(certificate: x509.Certificate, role: t.Optional[str]) -> CertificateFacts:
    key, bits = _key(certificate)
    is_root = certificate.subject == certificate.issuer
    return CertificateFacts(
        role=role or ("authority" if is_root else "intermediate"),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=_names(certificate),
        not_before=_utc(certificate, "not_valid_before"),
        not_after=_utc(certificate, "not_valid_after"),
        key=key,
        key_bits=bits,
        digest=certificate.signature_hash_algorithm.name if certificate.signature_hash_algorithm else None,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        for_clients=is_for_clients(certificate),
    )


def _key(certificate: x509.Certificate) -> t.Tuple[str, t.Optional[int]]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name, key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519", None
    return type(key).__name__.replace("PublicKey", ""), None


def _names(certificate: x509.Certificate) -> t.Tuple[str, ...]:
    names = _extension(certificate, x509.SubjectAlternativeName) or ()
    return tuple(str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress)))


def _subject_key_id(certificate: x509.Certificate) -> t.Optional[bytes]:
    found = _extension(certificate, x509.SubjectKeyIdentifier)
    return None if found is None else bytes(found.digest)


def _authority_key_id(certificate: x509.Certificate) -> t.Optional[bytes]:
    found = _extension(certificate, x509.AuthorityKeyIdentifier)
    return None if found is None else found.key_identifier


def _extension(certificate: x509.Certificate, kind: t.Any) -> t.Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None


def _utc(certificate: x509.Certificate, name: str) -> datetime.datetime:
    """The attributes with a time zone came with cryptography 42."""
    aware: t.Optional[datetime.datetime] = getattr(certificate, f"{name}_utc", None)
    if aware is not None:
        return aware
    naive: datetime.datetime = getattr(certificate, name)
    return naive.replace(tzinfo=datetime.timezone.utc)


def _iso(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
