# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a certificate has to be made again, each reason by itself."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import is_issued_by
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import (
    CertificateSpec,
    fingerprint,
    not_after_of,
    reasons_to_reissue,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import (
    Signer,
    client_certificate,
    server_certificate,
)

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
SERVER = CertificateSpec("ecdsa_p256", ("web1", "10.0.0.1"))
CLIENT = CertificateSpec("ecdsa_p256", (), "ci")


@pytest.fixture(scope="module")
def server(signer: Signer) -> x509.Certificate:
    return server_certificate(
        generate_key("ecdsa_p256").public_key(), names=SERVER.names, signer=signer, validity=90 * DAY, now=NOW
    )


@pytest.fixture(scope="module")
def client(signer: Signer) -> x509.Certificate:
    return client_certificate(
        generate_key("ecdsa_p256").public_key(), common_name="ci", signer=signer, validity=90 * DAY, now=NOW
    )


def test_what_is_as_wished_stays(server: x509.Certificate, client: x509.Certificate, signer: Signer) -> None:
    for certificate, spec in ((server, SERVER), (client, CLIENT)):
        assert reasons_to_reissue(certificate, spec, trusted=True, now=NOW) == []


def test_the_order_and_case_of_wished_names_mean_nothing(server: x509.Certificate, signer: Signer) -> None:
    spec = CertificateSpec("ecdsa_p256", ("10.0.0.1", "WEB1", "web1"))
    assert reasons_to_reissue(server, spec, trusted=True, now=NOW) == []


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (CertificateSpec("ecdsa_p256", ("web1", "10.0.0.1", "web2", "10.0.0.2")), "lacks web2, 10.0.0.2"),
        (CertificateSpec("ecdsa_p256", ("web1",)), "contains 10.0.0.1, which is no longer requested"),
        (
            CertificateSpec("ecdsa_p256", ("web2", "10.0.0.1")),
            "lacks web2 and contains web1, which is no longer requested",
        ),
        (CertificateSpec("rsa_2048", ("web1", "10.0.0.1")), "key type is ecdsa_p256"),
    ],
)
def test_what_differs_from_the_wish_is_told(
    server: x509.Certificate, signer: Signer, spec: CertificateSpec, reason: str
) -> None:
    assert reasons_to_reissue(server, spec, trusted=True, now=NOW) == [reason]


def test_another_cn_is_told(client: x509.Certificate, signer: Signer) -> None:
    spec = CertificateSpec("ecdsa_p256", (), "alice")
    assert reasons_to_reissue(client, spec, trusted=True, now=NOW) == ["its CN is not alice"]


def test_another_authority_of_the_same_name_is_another_authority(
    server: x509.Certificate, make_signer: t.Callable[..., Signer], signer: Signer
) -> None:
    other = make_signer()
    assert other.certificate.subject == signer.certificate.subject
    assert reasons_to_reissue(server, SERVER, trusted=is_issued_by(server, other.certificate), now=NOW) == [
        "another authority"
    ]
    assert is_issued_by(server, signer.certificate)
    assert not is_issued_by(server, other.certificate)


@pytest.mark.parametrize(
    ("now", "reasons"),
    [
        (NOW + 59 * DAY, []),
        (NOW + 61 * DAY, ["expires in 29 d"]),
        (NOW + 89 * DAY + 23 * HOUR, ["expires in 1 h"]),
        (NOW + 89 * DAY + 23.5 * HOUR, ["expires in 0 h"]),
        (NOW + 90 * DAY, [f"expired on {NOW + 90 * DAY:%Y-%m-%d}"]),
        (NOW + 400 * DAY, [f"expired on {NOW + 90 * DAY:%Y-%m-%d}"]),
        (NOW - DAY, [f"not valid before {NOW - datetime.timedelta(minutes=10):%Y-%m-%d %H:%M} UTC"]),
    ],
)
def test_renewal_is_due_when_a_third_of_the_life_is_left(
    server: x509.Certificate, signer: Signer, now: datetime.datetime, reasons: list[str]
) -> None:
    assert reasons_to_reissue(server, SERVER, trusted=True, now=now) == reasons


def test_all_reasons_are_told_at_once(server: x509.Certificate, make_signer: t.Callable[..., Signer]) -> None:
    spec = CertificateSpec("ed25519", ("web2",))
    reasons = reasons_to_reissue(server, spec, trusted=False, now=NOW + 400 * DAY)
    assert len(reasons) == 4


def test_fingerprint_and_expiry_are_written_as_the_record_has_them(server: x509.Certificate) -> None:
    assert len(fingerprint(server)) == 64
    assert int(fingerprint(server), 16)
    assert fingerprint(server) == fingerprint(server).lower()
    assert datetime.datetime.fromisoformat(not_after_of(server).replace("Z", "+00:00")) == NOW + 90 * DAY
