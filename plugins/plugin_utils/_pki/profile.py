# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into a certificate: the one place for extensions, key usages and validity.

Made for the strictest verifiers: RFC 5280 as OpenSSL's C(-x509_strict) reads it, Python 3.13's default context,
Go's crypto/x509 (dockerd and the docker CLI) and GnuTLS.
"""

from __future__ import annotations

__all__ = (
    "BACKDATE",
    "Signer",
    "authority_certificate",
    "authority_key_id",
    "client_certificate",
    "client_issuer_certificate",
    "cross_certificate",
    "digest_for",
    "server_certificate",
    "signing_request",
)

import datetime
import functools
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import (
    ed25519,
    hashes,
    rsa,
    x509,
    x509_oid,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .extensions import key_usage, may_sign_authorities, subject_key_id_of
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


@dataclass(frozen=True, eq=False)
class Signer:
    """An authority ready to sign; the key stays out of its repr."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    def __repr__(self) -> str:
        return f"Signer({self.certificate.subject.rfc4514_string()!r})"


def authority_certificate(
    key: CertificateIssuerPrivateKeyTypes, *, common_name: str, validity: datetime.timedelta, now: datetime.datetime
) -> x509.Certificate:
    """Return a self-signed CA certificate.

    Below it, one more may stand (pathlen 1): the issuer of clients after a revocation, or the next authority.
    """
    subject = _subject(common_name)
    key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return _authority(subject, key.public_key(), subject, key, key_id, path_length=1, now=now, last=now + validity)


def client_issuer_certificate(
    key: CertificateIssuerPrivateKeyTypes, *, signer: Signer, now: datetime.datetime
) -> x509.Certificate:
    """Return a CA certificate that signs clients in the authority's stead; it has the authority's own name.

    Below it, one more may stand (pathlen 1): the next authority, for daemons that know this issuer only.

    A client in Go (the docker CLI) sends its certificate only where the server names that certificate's issuer among
    the CAs it takes. So clients that the authority signed, and that daemons still list one by one, need a CA of that
    name in the list.
    """
    name, last = signer.certificate.subject, signer.certificate.not_valid_after_utc
    signing_key, key_id = signer.key, authority_key_id(signer)
    if not may_sign_authorities(signer.certificate):
        signing_key, key_id = key, x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    usage = x509.ExtendedKeyUsage([x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    return _authority(name, key.public_key(), name, signing_key, key_id, path_length=1, now=now, last=last, usage=usage)


def cross_certificate(certificate: x509.Certificate, *, signer: Signer, now: datetime.datetime) -> x509.Certificate:
    """Return the new authority's name and key once more, signed by the old one (C(signer)).

    Behind an identity of the new authority, it makes that identity good for those who know the old one only.
    """
    last = min(certificate.not_valid_after_utc, signer.certificate.not_valid_after_utc)
    return _authority(
        certificate.subject,
        certificate.public_key(),
        signer.certificate.subject,
        signer.key,
        authority_key_id(signer),
        path_length=0,
        now=now,
        last=last,
        # What the new authority has signed names its key so; one that is not made by us may count otherwise.
        subject_key_id=subject_key_id_of(certificate),
    )


def server_certificate(
    public_key: CertificatePublicKeyTypes,
    *,
    names: t.Sequence[str],
    signer: Signer,
    validity: datetime.timedelta,
    now: datetime.datetime,
) -> x509.Certificate:
    """Return a certificate for TLS servers, valid for the names and addresses given (at least one)."""
    subject, san = _server_subject(names)
    usage = x509_oid.ExtendedKeyUsageOID.SERVER_AUTH
    return _end_entity(public_key, subject, usage, signer, validity, now, san)


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


def signing_request(
    key: CertificateIssuerPrivateKeyTypes, *, names: t.Sequence[str] = (), common_name: str | None = None
) -> x509.CertificateSigningRequest:
    """Return a CSR for a CA that takes the names from it: a server's with C(names), else a client's."""
    builder = x509.CertificateSigningRequestBuilder()
    if names:
        subject, san = _server_subject(names)
        builder = builder.subject_name(subject).add_extension(san, critical=False)
        usage = x509_oid.ExtendedKeyUsageOID.SERVER_AUTH
    else:
        builder = builder.subject_name(_subject(common_name))
        usage = x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(key, digest_for(key))


def _server_subject(names: t.Sequence[str]) -> tuple[x509.Name, x509.SubjectAlternativeName]:
    ordered = sort_names(names)
    if not ordered:
        raise Failure(
            "names_missing",
            thing="the server certificate",
            reason="it needs at least one name or address that clients connect to",
            cure="Set tls_sans (expose_tls_sans in the role)",
        )
    # The subject is for people; verifiers read the SAN. A name too long for a CN is left out of it.
    common_name = next((name for name in ordered if len(name) <= _COMMON_NAME_LENGTH), None)
    return _subject(common_name), x509.SubjectAlternativeName([parse_name(name) for name in ordered])


def _authority(
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    issuer: x509.Name,
    signing_key: CertificateIssuerPrivateKeyTypes,
    key_id: x509.AuthorityKeyIdentifier,
    *,
    path_length: int,
    now: datetime.datetime,
    last: datetime.datetime,
    usage: x509.ExtendedKeyUsage | None = None,
    subject_key_id: x509.SubjectKeyIdentifier | None = None,
) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - BACKDATE).not_valid_after(last)
    own_key_id = subject_key_id or x509.SubjectKeyIdentifier.from_public_key(public_key)
    builder = builder.add_extension(own_key_id, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    if usage is not None:
        builder = builder.add_extension(usage, critical=False)
    return builder.add_extension(key_id, critical=False).sign(signing_key, digest_for(signing_key))


def authority_key_id(signer: Signer) -> x509.AuthorityKeyIdentifier:
    """As the signer's certificate has it; one that is not made by us may have none."""
    key_id = subject_key_id_of(signer.certificate)
    if key_id is None:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id)


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
    # Key transport is how RSA without (EC)DHE works; other keys can only sign (RFC 5480, RFC 8410).
    encipherment = isinstance(public_key, rsa.RSAPublicKey)
    builder = _shared_part(signer, usage, encipherment, now - BACKDATE, not_after)
    builder = builder.subject_name(subject).public_key(public_key).serial_number(x509.random_serial_number())
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    if san is not None:
        # RFC 5280, 4.2.1.6: critical where the subject is empty.
        builder = builder.add_extension(san, critical=not list(subject))
    return builder.sign(signer.key, digest_for(signer.key))


@functools.lru_cache(maxsize=8)
def _shared_part(
    signer: Signer,
    usage: x509.ObjectIdentifier,
    encipherment: bool,
    not_before: datetime.datetime,
    not_after: datetime.datetime,
) -> x509.CertificateBuilder:
    """Return what is the same in all certificates of one run: building it takes longer than the signature."""
    builder = x509.CertificateBuilder().issuer_name(signer.certificate.subject)
    builder = builder.not_valid_before(not_before).not_valid_after(not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(key_usage(digital_signature=True, key_encipherment=encipherment), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.add_extension(authority_key_id(signer), critical=False)


def _subject(common_name: str | None) -> x509.Name:
    return x509.Name([] if common_name is None else [x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, common_name)])


def digest_for(key: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    """Ed25519 brings its own digest (RFC 8410)."""
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
