# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into a certificate: the one place for extensions, key usages and validity.

Made for the strictest verifiers: RFC 5280 as OpenSSL's C(-x509_strict) reads it, Python 3.13's default context,
Go's crypto/x509 (dockerd and the docker CLI) and GnuTLS.
"""

from __future__ import annotations

__all__ = ("BACKDATE", "Signer", "authority_certificate", "client_certificate", "server_certificate")

import datetime
import typing as t
from dataclasses import dataclass

from .._failure import Failure
from .dependency import ed25519, hashes, rsa, x509, x509_oid
from .names import parse_name, sort_names

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

#: Certificates are valid from a little before they are made, for clients whose clock is behind.
BACKDATE = datetime.timedelta(minutes=10)
#: X.520's upper bound for a commonName.
_COMMON_NAME_LENGTH = 64


@dataclass(frozen=True)
class Signer:
    """An authority ready to sign; the key stays out of its repr."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    def __repr__(self) -> str:
        return f"Signer({self.certificate.subject.rfc4514_string()!r})"


def authority_certificate(
    key: CertificateIssuerPrivateKeyTypes, *, common_name: str, validity: datetime.timedelta, now: datetime.datetime
) -> x509.Certificate:
    """Return a self-signed CA certificate that may sign end-entity certificates only (pathlen 0)."""
    subject = _subject(common_name)
    builder = _builder(subject, subject, key.public_key(), now, now + validity)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    return builder.sign(key, _digest_for(key))


def server_certificate(
    public_key: CertificatePublicKeyTypes,
    *,
    names: t.Sequence[str],
    signer: Signer,
    validity: datetime.timedelta,
    now: datetime.datetime,
) -> x509.Certificate:
    """Return a certificate for TLS servers, valid for the names and addresses given (at least one)."""
    ordered = sort_names(names)
    if not ordered:
        raise Failure(
            "names_missing",
            thing="the server certificate",
            reason="it needs at least one name or address that clients connect to",
            cure="Give names (expose_names in the role)",
        )
    # The subject is for people; verifiers read the SAN. A name too long for a CN is left out of it.
    common_name = next((name for name in ordered if len(name) <= _COMMON_NAME_LENGTH), None)
    san = x509.SubjectAlternativeName([parse_name(name) for name in ordered])
    usage = x509_oid.ExtendedKeyUsageOID.SERVER_AUTH
    return _end_entity(public_key, _subject(common_name), usage, signer, validity, now, san)


def client_certificate(
    public_key: CertificatePublicKeyTypes,
    *,
    common_name: str,
    signer: Signer,
    validity: datetime.timedelta,
    now: datetime.datetime,
) -> x509.Certificate:
    """Return a certificate for TLS clients; its CN is what dockerd's authorization plugins see as the user."""
    usage = x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH
    return _end_entity(public_key, _subject(common_name), usage, signer, validity, now, None)


def _end_entity(
    public_key: CertificatePublicKeyTypes,
    subject: x509.Name,
    usage: x509.ObjectIdentifier,
    signer: Signer,
    validity: datetime.timedelta,
    now: datetime.datetime,
    san: x509.SubjectAlternativeName | None,
) -> x509.Certificate:
    not_after = min(now + validity, signer.certificate.not_valid_after_utc)
    builder = _builder(subject, signer.certificate.subject, public_key, now, not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    # Key transport is how RSA without (EC)DHE works; other keys can only sign (RFC 5480, RFC 8410).
    encipherment = isinstance(public_key, rsa.RSAPublicKey)
    builder = builder.add_extension(_key_usage(digital_signature=True, key_encipherment=encipherment), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if san is not None:
        # RFC 5280, 4.2.1.6: critical where the subject is empty.
        builder = builder.add_extension(san, critical=not list(subject))
    issuer_key_id = signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key_id), critical=False
    )
    return builder.sign(signer.key, _digest_for(signer.key))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: CertificatePublicKeyTypes,
    now: datetime.datetime,
    not_after: datetime.datetime,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - BACKDATE).not_valid_after(not_after)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)


def _subject(common_name: str | None) -> x509.Name:
    if common_name is None:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, common_name)])


def _key_usage(**wanted: bool) -> x509.KeyUsage:
    usages = {
        "digital_signature": False,
        "content_commitment": False,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": False,
        "crl_sign": False,
        "encipher_only": False,
        "decipher_only": False,
    }
    return x509.KeyUsage(**{**usages, **wanted})


def _digest_for(key: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    """Ed25519 brings its own digest (RFC 8410)."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
