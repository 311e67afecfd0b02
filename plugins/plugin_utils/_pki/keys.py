# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading private keys, and the names of their types."""

from __future__ import annotations

__all__ = ("key_type_of", "load_private_key")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import ec, ed25519, rsa, serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        PublicKeyTypes,
    )


def key_type_of(key: PublicKeyTypes) -> str:
    """Return the name that C(KEY_TYPES) has for this public key, or one in the same form for others."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return {"secp256r1": "ecdsa_p256", "secp384r1": "ecdsa_p384"}.get(key.curve.name, f"ecdsa_{key.curve.name}")
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa_{key.key_size}"
    return "ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "unknown"


def load_private_key(pem: bytes, *, path: str, passphrase: str | None = None) -> CertificateIssuerPrivateKeyTypes:
    """Read a private key in PEM; C(path) is for the error messages only.

    Failures: C(passphrase_missing), C(passphrase_wrong), C(passphrase_unneeded), C(key_unreadable).
    """
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except TypeError as exc:
        if passphrase:
            raise Failure(
                "passphrase_unneeded",
                thing=path,
                reason="a passphrase was given, but this key is not encrypted",
                cure="Leave the passphrase out, or encrypt the key: openssl pkcs8 -topk8 -in KEY -out NEW",
            ) from exc
        raise Failure(
            "passphrase_missing",
            thing=path,
            reason="this key is encrypted and no passphrase was given",
            cure="Give its passphrase (expose_passphrase in the role), best from a vaulted variable",
        ) from exc
    except ValueError as exc:
        if passphrase and b"ENCRYPTED" in pem:
            raise Failure(
                "passphrase_wrong",
                thing=path,
                reason="the passphrase does not open this key",
                cure="Give the passphrase that the key was made with; nothing was changed",
            ) from exc
        raise _unreadable(path) from exc
    if not isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        raise _unreadable(path)
    return key


def _unreadable(path: str) -> Failure:
    return Failure(
        "key_unreadable",
        thing=path,
        reason="this is not a private key in PEM of a type that can be used here (ECDSA, Ed25519, RSA)",
        cure="Put the right key there, or remove the folder that it is in to have a new one made",
    )
