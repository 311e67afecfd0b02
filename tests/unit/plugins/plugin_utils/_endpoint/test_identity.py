# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server identity of one host: judged, signed, described, and its key told to nobody."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import hashes, serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.identity import Brought, ServerIdentity
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_server
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in

ADDRESSES = ["10.0.0.5"]


def _identity(home: Path, *, check_mode: bool = False, **changes: t.Any) -> ServerIdentity:
    settings = Settings(key_type=changes.get("key_type", "ecdsa_p256"))
    arguments: dict[str, t.Any] = {
        "fleet": Fleet(str(home), "default", settings, check_mode=check_mode),
        "host": "web1",
        "key_origin": "host",
        "key_type": "ecdsa_p256",
        "names": ("web1", "web1.example.com"),
        "brought": None,
    }
    return ServerIdentity(**{**arguments, **changes})


def _request(key_type: str = "ecdsa_p256") -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gangway request")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = builder.sign(generate_key(key_type), None if key_type == "ed25519" else hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def recorded(signed: ServerIdentity, make_record: t.Callable[..., EndpointRecord]) -> EndpointRecord:
    """The record of a host that has that certificate."""
    return make_record(**signed.facts(), listen=ADDRESSES, key_origin=signed.origin)


@pytest.fixture
def signed(tmp_path: Path) -> ServerIdentity:
    """An identity whose certificate was just signed for a host's request."""
    identity = _identity(tmp_path)
    identity.prepare(None, [])
    identity.sign(_request(), ADDRESSES)
    return identity


def test_an_unknown_host_gets_the_authority_and_nothing_expected(tmp_path: Path) -> None:
    identity = _identity(tmp_path)
    identity.prepare(None, [])
    told = identity.for_host()
    assert told.pop("ca") == (tmp_path / "default" / "authority" / "ca.pem").read_text()
    assert told == {
        "certificate": None,
        "request_names": [],
        "key_sha256": None,
        "expected": None,
        "covers": [],
        "renew": False,
        "new_key": False,
        "pending": None,
    }


def test_check_mode_makes_no_authority(tmp_path: Path) -> None:
    identity = _identity(tmp_path / "home", check_mode=True)
    identity.prepare(None, [])
    assert identity.for_host()["ca"] is None
    assert not (tmp_path / "home").exists()


def test_a_signed_certificate_covers_all_names_and_is_expected_on_the_host(signed: ServerIdentity) -> None:
    told = signed.for_host()
    certificate = x509.load_pem_x509_certificate(told["certificate"].encode())
    assert names_in(certificate) == ["web1", "web1.example.com", "10.0.0.5"] == told["covers"]
    assert told["expected"] == fingerprint(certificate)
    assert told["renew"] is False


def test_a_certificate_of_ours_that_is_as_asked_is_judged_fine(
    signed: ServerIdentity, recorded: EndpointRecord, tmp_path: Path
) -> None:
    later = _identity(tmp_path)
    later.prepare(recorded, ADDRESSES)
    assert later.reasons == []
    assert later.for_host()["expected"] == signed.for_host()["expected"]
    assert later.for_host()["certificate"] is None, "it is on the host already"
    assert later.judge(str(signed.chain), ADDRESSES)


@pytest.mark.parametrize(
    ("changes", "addresses", "reason", "new_key"),
    [
        ({}, ["10.0.0.6"], "lacks 10.0.0.6 and has 10.0.0.5 too much", False),
        ({"names": ("web1",)}, ADDRESSES, "has web1.example.com too much", False),
        ({"key_type": "ed25519"}, ADDRESSES, "key type is ecdsa_p256", True),
    ],
)
def test_what_is_no_longer_as_asked_is_to_be_renewed(
    recorded: EndpointRecord,
    tmp_path: Path,
    changes: dict[str, t.Any],
    addresses: list[str],
    reason: str,
    new_key: bool,
) -> None:
    identity = _identity(tmp_path, **changes)
    identity.prepare(recorded, addresses)
    assert identity.reasons == [reason]
    assert (identity.for_host()["renew"], identity.for_host()["new_key"]) == (True, new_key)


@pytest.mark.parametrize("origin", ["controller", "brought"])
def test_a_key_that_was_not_made_on_the_host_is_replaced_by_one_that_is(
    recorded: EndpointRecord, tmp_path: Path, origin: str
) -> None:
    identity = _identity(tmp_path)
    identity.prepare(dataclasses.replace(recorded, key_origin=origin), ADDRESSES)
    assert identity.reasons == ["its key was not made on the host"]
    assert (identity.for_host()["renew"], identity.for_host()["new_key"]) == (True, True)


def test_a_certificate_of_another_controller_is_to_be_renewed(signed: ServerIdentity, tmp_path: Path) -> None:
    identity = _identity(tmp_path / "other")
    identity.prepare(None, [])
    assert not identity.judge(str(signed.chain), ADDRESSES)
    assert identity.reasons == ["another authority"]


def test_a_certificate_where_check_mode_made_no_authority_is_another_authoritys(
    recorded: EndpointRecord, tmp_path: Path
) -> None:
    identity = _identity(tmp_path / "other", check_mode=True)
    identity.prepare(recorded, ADDRESSES)
    assert identity.reasons == ["another authority"]


@pytest.mark.parametrize("pem", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_judged_unreadable(tmp_path: Path, pem: str) -> None:
    identity = _identity(tmp_path)
    identity.prepare(None, [])
    assert not identity.judge(pem, ADDRESSES)
    assert identity.reasons == ["unreadable"]
    assert identity.for_host()["renew"] is True


def test_a_key_made_on_the_controller_goes_by_its_digest(tmp_path: Path) -> None:
    identity = _identity(tmp_path, key_origin="controller")
    identity.prepare(None, [])
    identity.make_here(ADDRESSES)
    key = (tmp_path / "default" / "servers" / "web1" / "key.pem").read_text()
    told = identity.for_host()
    assert identity.key == key
    assert told["key_sha256"] == hashlib.sha256(key.encode()).hexdigest()
    assert told["covers"] == ["web1", "web1.example.com", "10.0.0.5"]
    assert "PRIVATE" not in json.dumps(told) + repr(identity) + json.dumps(identity.describe(None, ADDRESSES))
    again = _identity(tmp_path, key_origin="controller")
    again.prepare(None, [])
    again.make_here(ADDRESSES)
    assert again.reasons == []
    assert again.for_host() == {**told, "renew": False}


def _brought(tmp_path: Path) -> Brought:
    """A server identity of another PKI, as files."""
    theirs = Fleet(str(tmp_path / "theirs"), "pki")
    ensure_authority(theirs)
    folder = Path(ensure_server(theirs, "web1", ["web1"]).folder)
    return Brought(str(folder / "cert.pem"), str(folder / "key.pem"), str(folder / "ca.pem"))


def test_a_brought_identity_needs_no_authority_of_ours(tmp_path: Path) -> None:
    brought = _brought(tmp_path)
    identity = _identity(tmp_path / "ours", brought=brought)
    identity.prepare(None, [])
    told = identity.for_host()
    assert told["certificate"] == Path(brought.certificate).read_text()
    assert told["ca"] == Path(brought.client_ca).read_text()
    assert told["key_sha256"] == hashlib.sha256(Path(brought.key).read_bytes()).hexdigest()
    assert told["renew"] is False
    assert identity.origin == "brought"
    assert not (tmp_path / "ours").exists()
    assert "PRIVATE" not in json.dumps(told) + repr(identity) + json.dumps(identity.describe(None, []))
    assert identity.describe(None, [])["after"] == f"fingerprint: {told['expected']}\n"


@pytest.mark.parametrize("name", ["certificate", "key", "client_ca"])
def test_a_brought_file_that_is_not_there_is_refused_with_its_path(tmp_path: Path, name: str) -> None:
    brought = _brought(tmp_path)
    path = Path(getattr(brought, name))
    path.unlink()
    with pytest.raises(Failure) as failure:
        _identity(tmp_path, brought=brought).prepare(None, [])
    assert failure.value.key == "file_unreadable"
    assert str(path) in str(failure.value)


def test_a_brought_certificate_that_is_none_is_refused(tmp_path: Path) -> None:
    brought = _brought(tmp_path)
    Path(brought.certificate).write_text("garbage")
    with pytest.raises(Failure) as failure:
        _identity(tmp_path, brought=brought).prepare(None, [])
    assert failure.value.key == "certificate_unreadable"


def test_a_diff_is_the_same_before_and_after_signing(tmp_path: Path) -> None:
    identity = _identity(tmp_path)
    identity.prepare(None, [])
    identity.reasons = ["missing"]
    predicted = identity.describe(None, ADDRESSES)
    identity.sign(_request(), ADDRESSES)
    assert identity.describe(None, ADDRESSES) == predicted
    assert predicted["before"] == ""
    assert predicted["after"] == (
        "names: web1, web1.example.com, 10.0.0.5\nkey type: ecdsa_p256\nkey made on: host\n"
        "authority: fleet default\nmade because: missing\n"
    )


def test_a_diff_shows_what_was_there(signed: ServerIdentity) -> None:
    before = signed.describe(signed.chain, ADDRESSES)["before"]
    assert before == f"names: web1, web1.example.com, 10.0.0.5\nfingerprint: {signed.for_host()['expected']}\n"
    assert signed.describe("garbage", [])["before"] == "unreadable\n"


def test_the_record_gets_the_certificates_facts(signed: ServerIdentity) -> None:
    facts = signed.facts()
    assert facts.keys() == {"server_names", "not_after", "fingerprint", "certificate", "trust", "issuer"}
    assert facts["certificate"] == signed.chain
    assert facts["server_names"] == ["web1", "web1.example.com", "10.0.0.5"]


def test_there_are_no_facts_of_an_unknown_certificate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        _identity(tmp_path).facts()
