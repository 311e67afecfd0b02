# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in certificates, to the extension, and that the strictest verifiers take them."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from cryptography.x509 import verification

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509, x509_oid
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import (
    BACKDATE,
    Signer,
    client_certificate,
    server_certificate,
)

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
NAMES = ["web1.example.com", "*.web1.example.com", "10.20.0.5", "2001:db8::5"]
#: RSA keys of other sizes differ in nothing here and take seconds.
KINDS = ["ecdsa_p256", "ecdsa_p384", "rsa_2048", "ed25519"]
OID = x509_oid.ExtensionOID


def _server(signer: Signer, key_type: str = "ecdsa_p256", **changes: t.Any) -> x509.Certificate:
    arguments: dict[str, t.Any] = {"names": NAMES, "signer": signer, "validity": 30 * DAY, "now": NOW, **changes}
    return server_certificate(generate_key(key_type).public_key(), **arguments)


def _client(signer: Signer, key_type: str = "ecdsa_p256", **changes: t.Any) -> x509.Certificate:
    arguments: dict[str, t.Any] = {"common_name": "ci", "signer": signer, "validity": 30 * DAY, "now": NOW, **changes}
    return client_certificate(generate_key(key_type).public_key(), **arguments)


def _usages(certificate: x509.Certificate) -> set[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = {"digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"}
    return {name for name in names | {"key_cert_sign", "crl_sign"} if getattr(usage, name)}


def _critical(certificate: x509.Certificate) -> dict[x509.ObjectIdentifier, bool]:
    return {extension.oid: extension.critical for extension in certificate.extensions}


@pytest.mark.parametrize("key_type", KINDS)
def test_an_authority_may_have_one_more_below_it(make_signer: t.Callable[..., Signer], key_type: str) -> None:
    certificate = make_signer(key_type=key_type, common_name="gangway lab authority").certificate
    assert _critical(certificate) == {
        OID.BASIC_CONSTRAINTS: True,
        OID.KEY_USAGE: True,
        OID.SUBJECT_KEY_IDENTIFIER: False,
        OID.AUTHORITY_KEY_IDENTIFIER: False,
    }
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 1)
    assert _usages(certificate) == {"key_cert_sign", "crl_sign"}
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=gangway lab authority"
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("key_type", KINDS)
@pytest.mark.parametrize(
    ("make", "usage"),
    [(_server, x509_oid.ExtendedKeyUsageOID.SERVER_AUTH), (_client, x509_oid.ExtendedKeyUsageOID.CLIENT_AUTH)],
    ids=["server", "client"],
)
def test_an_end_entity_is_good_for_one_thing(
    signer: Signer, make: t.Callable[..., x509.Certificate], usage: x509.ObjectIdentifier, key_type: str
) -> None:
    certificate = make(signer, key_type)
    expected = {
        OID.BASIC_CONSTRAINTS: True,
        OID.KEY_USAGE: True,
        OID.EXTENDED_KEY_USAGE: False,
        OID.SUBJECT_KEY_IDENTIFIER: False,
        OID.AUTHORITY_KEY_IDENTIFIER: False,
    }
    if make is _server:
        expected[OID.SUBJECT_ALTERNATIVE_NAME] = False
    assert _critical(certificate) == expected
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (False, None)
    assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [usage]
    transport = {"key_encipherment"} if key_type.startswith("rsa") else set()
    assert _usages(certificate) == {"digital_signature"} | transport
    assert certificate.version is x509.Version.v3


@pytest.mark.parametrize("make", [_server, _client])
def test_key_identifiers_lead_from_the_end_entity_to_its_authority(
    signer: Signer, make: t.Callable[..., x509.Certificate]
) -> None:
    certificate = make(signer)
    subject_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert subject_id == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    issuer_id = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    theirs = signer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert issuer_id.key_identifier == theirs.digest
    assert certificate.issuer == signer.certificate.subject


def test_a_server_certificate_holds_each_name_as_what_it_is(signer: Signer) -> None:
    san = _server(signer).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(san) == [
        x509.DNSName("*.web1.example.com"),
        x509.DNSName("web1.example.com"),
        x509.IPAddress(ipaddress.ip_address("10.20.0.5")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::5")),
    ]


def test_a_client_is_named_by_its_cn_and_has_no_san(signer: Signer) -> None:
    certificate = _client(signer, common_name="alice@example.com")
    assert certificate.subject.rfc4514_string() == "CN=alice@example.com"
    assert OID.SUBJECT_ALTERNATIVE_NAME not in _critical(certificate)


def test_a_name_too_long_for_a_cn_stands_in_a_critical_san(signer: Signer) -> None:
    name = ".".join(["a" * 40] * 2)
    certificate = _server(signer, names=[name])
    assert list(certificate.subject) == []
    assert _critical(certificate)[OID.SUBJECT_ALTERNATIVE_NAME] is True


def test_a_name_that_fits_a_cn_is_taken_though_a_longer_one_comes_first(signer: Signer) -> None:
    assert _server(signer, names=["a" * 63 + ".b", "web1"]).subject.rfc4514_string() == "CN=web1"


@pytest.mark.parametrize("make", [_server, _client])
def test_certificates_are_valid_for_clocks_that_are_behind(
    signer: Signer, make: t.Callable[..., x509.Certificate]
) -> None:
    certificate = make(signer, validity=30 * DAY)
    assert certificate.not_valid_before_utc == NOW - BACKDATE
    assert datetime.timedelta(minutes=5) <= BACKDATE
    assert certificate.not_valid_after_utc == NOW + 30 * DAY


@pytest.mark.parametrize("make", [_server, _client])
def test_no_end_entity_outlives_its_authority(
    make_signer: t.Callable[..., Signer], make: t.Callable[..., x509.Certificate]
) -> None:
    short = make_signer(days=7)
    assert make(short, validity=365 * DAY).not_valid_after_utc == short.certificate.not_valid_after_utc


def test_serial_numbers_are_large_and_differ(signer: Signer) -> None:
    serials = {_client(signer).serial_number for _unused in range(20)} | {signer.certificate.serial_number}
    assert len(serials) == 21
    assert min(serials).bit_length() > 64


def test_a_signer_shows_no_key(signer: Signer) -> None:
    assert repr(signer) == "Signer('CN=test authority')"


@pytest.mark.parametrize("key_type", KINDS)
def test_cryptography_verifies_servers_by_each_name(make_signer: t.Callable[..., Signer], key_type: str) -> None:
    signer = make_signer(key_type=key_type)
    if key_type == "ed25519":
        # The web's policy, which cryptography has, knows no Ed25519; dockerd and OpenSSL take it.
        certificate = _server(signer, key_type)
        certificate.verify_directly_issued_by(signer.certificate)
        return
    builder = verification.PolicyBuilder().store(verification.Store([signer.certificate])).time(NOW)
    certificate = _server(signer, key_type)
    for subject in (
        x509.DNSName("web1.example.com"),
        x509.DNSName("x.web1.example.com"),
        x509.IPAddress(ipaddress.ip_address("10.20.0.5")),
        x509.IPAddress(ipaddress.ip_address("2001:db8::5")),
    ):
        chain = builder.build_server_verifier(subject).verify(certificate, [])
        assert chain == [certificate, signer.certificate]
    with pytest.raises(verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("web2.example.com")).verify(certificate, [])
    with pytest.raises(verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("web1.example.com")).verify(_client(signer), [])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not there")
@pytest.mark.parametrize("key_type", KINDS)
def test_openssl_verifies_strictly_and_for_one_purpose_only(
    make_signer: t.Callable[..., Signer], key_type: str, tmp_path: Path
) -> None:
    signer = make_signer(key_type=key_type)
    pem = serialization.Encoding.PEM
    (tmp_path / "ca.pem").write_bytes(signer.certificate.public_bytes(pem))
    (tmp_path / "server.pem").write_bytes(_server(signer, key_type).public_bytes(pem))
    (tmp_path / "client.pem").write_bytes(_client(signer, key_type).public_bytes(pem))

    def verify(name: str, *options: str) -> int:
        words = ["openssl", "verify", "-x509_strict", "-no-CApath", "-CAfile", "ca.pem", *options, f"{name}.pem"]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode

    assert verify("server", "-purpose", "sslserver", "-verify_hostname", "web1.example.com") == 0
    assert verify("server", "-purpose", "sslserver", "-verify_ip", "2001:db8::5") == 0
    assert verify("client", "-purpose", "sslclient") == 0
    assert verify("server", "-purpose", "sslclient") != 0
    assert verify("client", "-purpose", "sslserver") != 0
    assert verify("server", "-verify_ip", "10.20.0.6") != 0
