# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private keys: each type can be made, stored, and read back; what can't be read is refused by its reason."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import ec, serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import (
    KEY_TYPES,
    generate_key,
    private_key_pem,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import key_type_of, load_private_key


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_each_type_is_made_as_it_is_named_and_reads_back(key_type: str) -> None:
    key = generate_key(key_type)
    assert key_type_of(key.public_key()) == key_type
    pem = private_key_pem(key)
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n"), "PKCS#8, as every Docker client reads it"
    assert load_private_key(pem, path="key.pem").public_key() == key.public_key()


def test_all_six_types_are_on_offer() -> None:
    assert set(KEY_TYPES) == {"ecdsa_p256", "ecdsa_p384", "rsa_2048", "rsa_3072", "rsa_4096", "ed25519"}


@pytest.mark.parametrize("key_type", ["rsa_1024", "rsa_", "ecdsa_p521", "dsa_2048", "", "rsa"])
def test_a_type_that_is_not_on_offer_is_not_made(key_type: str) -> None:
    with pytest.raises(ValueError, match="unknown key type"):
        generate_key(key_type)


def test_a_foreign_type_is_named_in_the_same_form() -> None:
    assert key_type_of(ec.generate_private_key(ec.SECP521R1()).public_key()) == "ecdsa_secp521r1"


@pytest.mark.parametrize("key_type", ["ecdsa_p256", "ed25519"])
def test_a_passphrase_encrypts_and_opens(key_type: str) -> None:
    key = generate_key(key_type)
    pem = private_key_pem(key, "pass wörd")
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert load_private_key(pem, path="x", passphrase="pass wörd").public_key() == key.public_key()


def test_keys_in_other_forms_of_pem_are_read() -> None:
    key = generate_key("ecdsa_p256")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    assert pem.startswith(b"-----BEGIN EC PRIVATE KEY-----")
    assert load_private_key(pem, path="x").public_key() == key.public_key()


@pytest.mark.parametrize(
    ("encrypted_with", "given", "failure_key"),
    [
        ("right", None, "passphrase_missing"),
        ("right", "", "passphrase_missing"),
        ("right", "wrong", "passphrase_wrong"),
        (None, "any", "passphrase_unneeded"),
    ],
)
def test_passphrases_that_do_not_fit_are_told_apart(
    encrypted_with: str | None, given: str | None, failure_key: str
) -> None:
    pem = private_key_pem(generate_key("ecdsa_p256"), encrypted_with)
    with pytest.raises(Failure) as failure:
        load_private_key(pem, path="/authority/ca-key.pem", passphrase=given)
    assert failure.value.key == failure_key
    assert "/authority/ca-key.pem" in str(failure.value)
    assert "wrong" not in str(failure.value), "no passphrase in a message"


@pytest.mark.parametrize("pem", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(Failure) as failure:
        load_private_key(pem, path="x")
    assert failure.value.key == "key_unreadable"


def test_a_key_that_can_not_sign_certificates_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import x25519

    pem = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(Failure) as failure:
        load_private_key(pem, path="x")
    assert failure.value.key == "key_unreadable"
