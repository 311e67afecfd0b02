# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates with any dates, names, usages and keys, and with faults that our own never have."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = t.Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]
Days = t.Tuple[float, float]
_USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True)
class Authority:
    """A CA that signs whatever a test wants."""

    certificate: x509.Certificate
    key: Key

    @classmethod
    def make(cls, name: str = "test authority", *, days: Days = (-1, 365), strict: bool = True) -> Authority:
        """Without C(strict), it lacks keyUsage, as the CAs of Docker's own documentation do."""
        key = make_key()
        subject = _name(name)
        builder = _builder(subject, subject, key, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        if strict:
            usage = dict.fromkeys(
                (
                    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                    *("key_agreement", "encipher_only", "decipher_only"),
                ),
                False,
            )
            builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    def bundle(
        self,
        folder: Path,
        *,
        usage: str,
        names: t.Sequence[str] = (),
        days: Days = (-1, 365),
        key: Key | None = None,
        trusted: Authority | None = None,
    ) -> Path:
        """Write ca.pem, cert.pem and key.pem; C(trusted): another authority in ca.pem. Days are from now."""
        key = key or make_key()
        builder = _builder(_name(names[0] if names else usage), self.certificate.subject, key, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([_USAGES[usage]]), critical=False)
        key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(key_id, critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_san(name) for name in names]), critical=False)
        folder.mkdir(parents=True, exist_ok=True)
        anchor = (trusted or self).certificate
        (folder / "ca.pem").write_bytes(anchor.public_bytes(serialization.Encoding.PEM))
        certificate = builder.sign(self.key, hashes.SHA256())
        (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return folder


def make_key(rsa_bits: int | None = None) -> Key:
    if rsa_bits is None:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=rsa_bits)


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, days: Days) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    first, last = (now + datetime.timedelta(days=day) for day in days)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(first).not_valid_after(last)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
