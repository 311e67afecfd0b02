# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates as facts."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import (
    describe,
    read_pem,
    with_authority,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import (
    Signer,
    client_certificate,
    server_certificate,
)

NOW = datetime.datetime(2026, 11, 21, 22, 0, tzinfo=datetime.timezone.utc)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _server(signer: Signer, key_type: str = "ecdsa_p256") -> x509.Certificate:
    return server_certificate(
        generate_key(key_type).public_key(),
        names=["web1", "10.0.0.5"],
        signer=signer,
        validity=datetime.timedelta(days=365),
        now=NOW,
    )


def test_a_server(make_signer: t.Callable[..., Signer]) -> None:
    signer = make_signer(now=NOW)
    server, authority = describe([_der(_server(signer)), _der(signer.certificate)], "server")
    assert (server.role, server.subject, server.issuer) == ("server", "CN=web1", "CN=test authority")
    assert server.names == ("web1", "10.0.0.5")
    assert (server.key, server.key_bits, server.digest) == ("secp256r1", 256, "sha256")
    assert not server.for_clients
    result = server.as_result(NOW)
    assert (result["not_before"], result["not_after"]) == ("2026-11-21T21:50:00Z", "2027-11-21T22:00:00Z")
    assert result["days_left"] == 365.0
    assert (authority.role, authority.names) == ("authority", ())


@pytest.mark.parametrize(("key_type", "key", "bits"), [("rsa_2048", "RSA 2048", 2048), ("ed25519", "Ed25519", None)])
def test_keys(signer: Signer, key_type: str, key: str, bits: int | None) -> None:
    (server,) = describe([_der(_server(signer, key_type))], "server")
    assert (server.key, server.key_bits) == (key, bits)


def test_a_client_is_for_clients(signer: Signer) -> None:
    certificate = client_certificate(
        generate_key("ed25519").public_key(),
        common_name="ci",
        signer=signer,
        validity=datetime.timedelta(days=1),
        now=NOW,
    )
    (client,) = describe([_der(certificate)], "client")
    assert (client.for_clients, client.names) == (True, ())


def test_what_is_no_certificate_is_left_out() -> None:
    assert describe([b"garbage"], "server") == ()
    assert with_authority([b"garbage"], []) == (b"garbage",)
    assert with_authority([], []) == ()


def test_the_anchor_is_put_behind_the_chain(make_signer: t.Callable[..., Signer]) -> None:
    """After a rotation there are two of the same name: the one with the right key counts."""
    old, new = make_signer(), make_signer()
    other = make_signer(common_name="another authority")
    server = _der(_server(new))
    anchors = [_der(signer.certificate) for signer in (other, old, new)]
    assert with_authority([server], anchors) == (server, anchors[2])
    assert with_authority([server], anchors[:1]) == (server,)
    assert with_authority([server, anchors[2]], anchors) == (server, anchors[2])


def test_a_pem_file_with_anything_around(signer: Signer, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    pem = signer.certificate.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(b"some words\n" + pem + b"\n" + pem)
    assert read_pem(str(path)) == (_der(signer.certificate),) * 2
    assert read_pem(str(tmp_path / "missing.pem")) == read_pem(None) == ()
