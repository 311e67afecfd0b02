# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The types of private keys on offer, and making a key, on the controller and on hosts."""

from __future__ import annotations

__all__ = ("DEFAULT_KEY_TYPE", "KEY_TYPES", "OPENSSL_OPTIONS", "generate_key", "private_key_pem")

import typing as t

from .dependency import ec, ed25519, rsa, serialization

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

DEFAULT_KEY_TYPE = "ecdsa_p256"
#: By type, the options of openssl-genpkey(1).
OPENSSL_OPTIONS = {
    "ecdsa_p256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:named_curve"),
    "ecdsa_p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-pkeyopt", "ec_param_enc:named_curve"),
    "rsa_2048": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "rsa_3072": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
    "rsa_4096": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"),
    "ed25519": ("-algorithm", "ED25519"),
}
KEY_TYPES = tuple(OPENSSL_OPTIONS)


def generate_key(key_type: str) -> CertificateIssuerPrivateKeyTypes:
    """Return a new private key of one of C(KEY_TYPES)."""
    if key_type == "ecdsa_p256":
        return ec.generate_private_key(ec.SECP256R1())
    if key_type == "ecdsa_p384":
        return ec.generate_private_key(ec.SECP384R1())
    if key_type == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    family, _underscore, bits = key_type.partition("_")
    if family != "rsa" or key_type not in KEY_TYPES:
        raise ValueError(f"unknown key type {key_type!r}")
    return rsa.generate_private_key(public_exponent=65537, key_size=int(bits))


def private_key_pem(key: CertificateIssuerPrivateKeyTypes, passphrase: str | None = None) -> bytes:
    """Return PKCS#8 in PEM, encrypted where a passphrase is given."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
