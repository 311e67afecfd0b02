# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server identity of one host: judged, signed, described, and its key shown to nobody."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import hashes, serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_server
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.settings import Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.facts import (
    diff_of_identity,
    facts_of_identity,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.provided import Provided
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.server_identity import ServerIdentity
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observation import (
    Attributes,
    File,
    Observation,
)
from tests.attack import HOST, attack

ADDRESSES = ("10.0.0.5",)


@dataclass(frozen=True)
class Seen:
    """What an identity looks at in an observation."""

    certificate: str | None = None
    key: str | None = None
    csr: str | None = None
    pending_key: str | None = None
    files: dict[str, File] = field(default_factory=dict)

    def content(self, path: str) -> bytes | None:
        return None if path != layout.CERTIFICATE or self.certificate is None else self.certificate.encode()


def _seen(certificate: str | None = None, key: str | None = "PEM", **request: t.Any) -> Observation:
    """A host with this certificate, and what its key is known by."""
    files = {}
    if key is not None and certificate is not None:
        files[layout.KEY] = File(None, hashlib.sha256(key.encode()).hexdigest(), Attributes(0o400), is_link=False)
    return t.cast(Observation, Seen(certificate, key, files=files, **request))


def _asked() -> Observation:
    return _seen(csr=_request(), pending_key="0123")


def _identity(fleets_dir: Path, *, check_mode: bool = False, **changes: t.Any) -> ServerIdentity:
    command = changes.pop("sign_command", None)
    settings = Settings(key_type=changes.get("key_type", "ecdsa_p256"), sign_command=command)
    arguments: dict[str, t.Any] = {
        "fleet": Fleet(str(fleets_dir), "default", settings, check_mode=check_mode),
        "host": "web1",
        "key_origin": "host",
        "key_type": "ecdsa_p256",
        "names": ("web1", "web1.example.com"),
        "addresses": ADDRESSES,
    }
    identity = ServerIdentity(**{**arguments, **changes})
    if identity.lacks_authority:
        # As an exposure does, once it has seen the host.
        with identity.fleet.lock():
            ensure_authority(identity.fleet)
    identity.prepare()
    return identity


def _request(key_type: str = "ecdsa_p256") -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gangway request")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    request = builder.sign(generate_key(key_type), None if key_type == "ed25519" else hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def recorded(signed: ServerIdentity, make_record: t.Callable[..., EndpointRecord]) -> EndpointRecord:
    """The record of a host that has that certificate."""
    return make_record(**facts_of_identity(signed), listen=["10.0.0.5:2376"], key_origin=signed.origin)


@pytest.fixture
def signed(tmp_path: Path) -> ServerIdentity:
    """An identity whose certificate was just signed for a host's request."""
    identity = _identity(tmp_path)
    identity.judge(_asked(), None)
    identity.sign(_asked())
    return identity


class TestRequests:
    def test_an_unknown_host_makes_a_key_if_it_has_none(self, tmp_path: Path) -> None:
        request = _identity(tmp_path).key_request(None) or {}
        assert len(request.pop("name")) == 32
        assert request == {"key_type": "ecdsa_p256", "names": [], "new": False, "csr": False}

    def test_the_names_are_random(self, tmp_path: Path) -> None:
        identity = _identity(tmp_path)
        assert len({(identity.key_request(None) or {})["name"] for _number in range(9)}) == 9

    @pytest.mark.parametrize("changes", [{"check_mode": True}, {"key_origin": "controller"}], ids=str)
    def test_no_key_is_made_there_in_check_mode_or_for_a_key_from_here(
        self, tmp_path: Path, changes: dict[str, t.Any]
    ) -> None:
        assert _identity(tmp_path, **changes).key_request(None) is None

    @pytest.mark.parametrize(
        ("of_record", "changes", "new"),
        [
            ({}, {}, False),
            ({}, {"key_type": "ed25519"}, True),
            ({"key_origin": "controller"}, {}, True),
            ({"key_origin": "brought"}, {}, True),
            ({"key_origin": "controller", "certificate": ""}, {}, False),
        ],
    )
    def test_a_new_key_is_asked_for_at_once_if_the_record_says_so(
        self,
        recorded: EndpointRecord,
        tmp_path: Path,
        of_record: dict[str, t.Any],
        changes: dict[str, t.Any],
        new: bool,
    ) -> None:
        record = dataclasses.replace(recorded, **of_record)
        assert (_identity(tmp_path, **changes).key_request(record) or {})["new"] is new

    def test_a_command_that_signs_gets_a_request_once_the_names_are_known(self, tmp_path: Path) -> None:
        ensure_authority(Fleet(str(tmp_path), "default"))
        identity = _identity(tmp_path, sign_command="sign", addresses=())
        assert identity.key_request(None) is None
        identity.judge(_seen(), None)
        assert identity.needs_csr(_seen())
        identity.addresses = ADDRESSES
        request = identity.key_request(None) or {}
        assert (request["names"], request["csr"]) == (["web1", "web1.example.com", "10.0.0.5"], True)
        assert not identity.needs_csr(_asked())

    def test_that_a_new_key_is_wanted_outlives_the_key_that_came(self, tmp_path: Path, signed: ServerIdentity) -> None:
        """The host may have changed meanwhile; the key was dropped then."""
        other = _identity(tmp_path / "other")
        other.judge(_seen(signed.chain), None)
        assert other.needs_new_key
        other.judge(_seen(signed.chain, csr=_request(), pending_key="0123"), None)
        assert not other.needs_new_key
        assert (other.key_request(None) or {})["new"] is True


class TestJudging:
    def test_check_mode_makes_no_authority(self, tmp_path: Path) -> None:
        identity = _identity(tmp_path / "fleets", check_mode=True)
        assert identity.ca is None
        assert not (tmp_path / "fleets").exists()

    def test_a_prepared_one_has_the_authority(self, tmp_path: Path) -> None:
        identity = _identity(tmp_path)
        assert identity.ca == (tmp_path / "default" / "authority" / "ca.pem").read_text()
        assert (identity.chain, identity.reasons) == (None, [])

    def test_a_certificate_as_asked_is_fine(
        self, signed: ServerIdentity, recorded: EndpointRecord, tmp_path: Path
    ) -> None:
        later = _identity(tmp_path)
        later.judge(_seen(signed.chain), recorded)
        assert (later.reasons, later.needs_new_key, later.chain) == ([], False, signed.chain)
        files = later.server_files(_seen(signed.chain))
        assert (files.certificate, files.key_is_new) == (str(signed.chain).encode(), False)
        assert not later.is_due(recorded)

    @pytest.mark.parametrize(
        ("changes", "reason", "new_key"),
        [
            ({"addresses": ("10.0.0.6",)}, "lacks 10.0.0.6 and contains 10.0.0.5, which is no longer requested", False),
            ({"names": ("web1",)}, "contains web1.example.com, which is no longer requested", False),
            ({"key_type": "ed25519"}, "key type is ecdsa_p256", True),
        ],
    )
    def test_one_that_is_not_as_asked_is_renewed(
        self,
        signed: ServerIdentity,
        recorded: EndpointRecord,
        tmp_path: Path,
        changes: dict[str, t.Any],
        reason: str,
        new_key: bool,
    ) -> None:
        identity = _identity(tmp_path, **changes)
        identity.judge(_seen(signed.chain), recorded)
        assert (identity.reasons, identity.needs_new_key) == ([reason], new_key)
        assert identity.is_due(recorded)
        assert identity.server_files(_seen(signed.chain)).key_is_new is new_key

    @pytest.mark.parametrize("origin", ["controller", "brought"])
    def test_a_key_that_was_not_made_on_the_host_is_replaced_by_one_that_is(
        self, signed: ServerIdentity, recorded: EndpointRecord, tmp_path: Path, origin: str
    ) -> None:
        identity = _identity(tmp_path)
        identity.judge(_seen(signed.chain), dataclasses.replace(recorded, key_origin=origin))
        assert identity.reasons == ["its key was not made on the host"]
        assert identity.needs_new_key

    def test_one_of_another_controller_is_renewed_with_a_new_key(self, signed: ServerIdentity, tmp_path: Path) -> None:
        identity = _identity(tmp_path / "other")
        identity.judge(_seen(signed.chain), None)
        assert (identity.reasons, identity.needs_new_key) == (["another authority"], True)

    def test_one_on_a_controller_whose_authority_check_mode_has_not_made_is_another_authoritys(
        self, signed: ServerIdentity, recorded: EndpointRecord, tmp_path: Path
    ) -> None:
        identity = _identity(tmp_path / "other", check_mode=True)
        identity.judge(_seen(signed.chain), recorded)
        assert identity.reasons == ["another authority"]

    @pytest.mark.parametrize("pem", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    def test_what_is_no_certificate_is_unreadable(self, tmp_path: Path, pem: str) -> None:
        identity = _identity(tmp_path)
        identity.judge(_seen(pem), None)
        assert (identity.reasons, identity.needs_new_key) == (["unreadable"], True)

    @pytest.mark.parametrize("has_certificate", [False, True])
    def test_without_certificate_or_key_it_is_missing(
        self, signed: ServerIdentity, tmp_path: Path, has_certificate: bool
    ) -> None:
        identity = _identity(tmp_path)
        identity.judge(_seen(signed.chain if has_certificate else None, key=None), None)
        assert (identity.reasons, identity.needs_new_key) == (["missing"], True)


class TestSigning:
    def test_a_request_gets_a_certificate_with_all_names(self, signed: ServerIdentity) -> None:
        chain = try_chain(str(signed.chain).encode())
        assert names_in(chain[0]) == ["web1", "web1.example.com", "10.0.0.5"] == signed.all_names
        files = signed.server_files(_asked())
        assert (files.key_secret, files.key_is_new) == ("pending:0123", True)
        assert signed.secrets() == {}

    @attack(
        "Requests a certificate for other names than its own",
        by=HOST,
        expected="Only the public key is taken from the request; the controller decides the names",
    )
    def test_only_the_public_key_is_taken_from_a_request(self, tmp_path: Path) -> None:
        """The host may ask for any name."""
        identity, csr = _identity(tmp_path), _request()
        seen = _seen(csr=csr, pending_key="0123")
        identity.judge(seen, None)
        identity.sign(seen)
        assert identity.certificate is not None
        public = x509.load_pem_x509_csr(csr.encode()).public_key()
        assert identity.certificate.public_key() == public
        assert "gangway request" not in identity.certificate.subject.rfc4514_string()

    def test_without_a_request_the_key_in_place_is_signed(self, signed: ServerIdentity, tmp_path: Path) -> None:
        identity = _identity(tmp_path, names=("web1",))
        identity.judge(_seen(signed.chain), None)
        identity.sign(_seen(signed.chain))
        assert signed.certificate is not None
        assert identity.certificate is not None
        assert identity.certificate.public_key() == signed.certificate.public_key()
        assert identity.certificate != signed.certificate
        assert identity.server_files(_seen(signed.chain)).key_secret is None

    def test_what_is_fine_is_not_signed(self, signed: ServerIdentity, tmp_path: Path) -> None:
        identity = _identity(tmp_path)
        identity.judge(_seen(signed.chain), None)
        identity.sign(_asked())
        assert identity.chain == signed.chain


class TestKeysFromTheController:
    def test_one_goes_by_its_digest(self, tmp_path: Path) -> None:
        identity = _identity(tmp_path, key_origin="controller")
        identity.judge(_seen(), None)
        key = (tmp_path / "default" / "servers" / "web1" / "key.pem").read_text()
        assert (identity.key, identity.reasons) == (key, ["missing"])
        assert identity.secrets() == {"server_key": key}
        files = identity.server_files(_seen())
        assert (files.key_secret, files.key_is_new) == ("server_key", True)
        assert "PRIVATE" not in repr(identity) + repr(files) + json.dumps(diff_of_identity(identity, None))
        again = _identity(tmp_path, key_origin="controller")
        seen = _seen(identity.chain, key)
        again.judge(seen, None)
        assert (again.reasons, again.chain) == ([], identity.chain)
        files = again.server_files(seen)
        assert (files.key_secret, files.key_is_new) == (None, False)

    def test_why_it_was_made_outlives_an_attempt(self, tmp_path: Path) -> None:
        identity = _identity(tmp_path, key_origin="controller")
        for _attempt in range(2):
            identity.judge(_seen(), None)
            assert identity.reasons == ["missing"]

    @pytest.mark.parametrize(("key_type", "new"), [("ecdsa_p256", False), ("ed25519", True)])
    def test_check_mode_knows_whether_it_stays(self, tmp_path: Path, key_type: str, new: bool) -> None:
        made = _identity(tmp_path, key_origin="controller")
        made.judge(_seen(), None)
        seen = _seen(made.chain, made.key)
        identity = _identity(tmp_path, key_origin="controller", check_mode=True, names=("web2",), key_type=key_type)
        identity.judge(seen, None)
        assert identity.reasons
        assert identity.server_files(seen).key_is_new is new


def _provided(tmp_path: Path) -> Provided:
    """A server identity of another PKI, as files."""
    theirs = Fleet(str(tmp_path / "theirs"), "pki")
    ensure_authority(theirs)
    folder = Path(ensure_server(theirs, "web1", ["web1"]).folder)
    return Provided(str(folder / "cert.pem"), str(folder / "key.pem"), str(folder / "ca.pem"))


class TestProvided:
    def test_one_needs_no_authority_of_ours(self, tmp_path: Path) -> None:
        provided = _provided(tmp_path)
        identity = _identity(tmp_path / "ours", provided=provided)
        identity.judge(_seen(), None)
        assert identity.chain == Path(provided.certificate).read_text()
        assert identity.ca == Path(provided.client_ca).read_text()
        assert identity.secrets() == {"server_key": Path(provided.key).read_text()}
        assert (identity.reasons, identity.origin, identity.key_request(None)) == ([], "brought", None)
        assert not (tmp_path / "ours").exists()
        assert identity.certificate is not None
        diff = diff_of_identity(identity, None)
        assert "PRIVATE" not in repr(identity) + json.dumps(diff)
        assert diff["after"] == f"fingerprint: {fingerprint(identity.certificate)}\n"
        assert identity.server_files(_seen()).key_is_new
        assert not identity.server_files(_seen(identity.chain, identity.key)).key_is_new

    @pytest.mark.parametrize("name", ["certificate", "key", "client_ca"])
    def test_a_file_that_does_not_exist_is_refused_with_its_path(self, tmp_path: Path, name: str) -> None:
        provided = _provided(tmp_path)
        path = Path(getattr(provided, name))
        path.unlink()
        with pytest.raises(Failure) as failure:
            _identity(tmp_path, provided=provided)
        assert failure.value.key == "file_unreadable"
        assert str(path) in str(failure.value)

    def test_a_certificate_that_is_none_is_refused(self, tmp_path: Path) -> None:
        provided = _provided(tmp_path)
        Path(provided.certificate).write_text("garbage")
        with pytest.raises(Failure) as failure:
            _identity(tmp_path, provided=provided)
        assert failure.value.key == "certificate_unreadable"

    def test_a_key_of_another_certificate_is_refused(self, tmp_path: Path) -> None:
        provided = _provided(tmp_path)
        other = _provided(tmp_path / "other")
        with pytest.raises(Failure) as failure:
            _identity(tmp_path, provided=dataclasses.replace(provided, key=other.key))
        assert failure.value.key == "bundle_invalid"

    def test_the_clients_ca_alone_may_be_the_users(self, tmp_path: Path) -> None:
        provided = _provided(tmp_path)
        identity = _identity(tmp_path / "ours", client_ca=provided.client_ca)
        assert identity.ca == Path(provided.client_ca).read_text()
        assert (identity.trust, identity.origin) == (None, "host")


class TestDescriptions:
    def test_a_diff_is_the_same_before_and_after_signing(self, tmp_path: Path) -> None:
        identity = _identity(tmp_path)
        identity.judge(_asked(), None)
        predicted = diff_of_identity(identity, None)
        identity.sign(_asked())
        assert diff_of_identity(identity, None) == predicted
        assert predicted["before"] == ""
        assert predicted["after"] == (
            "names: web1, web1.example.com, 10.0.0.5\nkey type: ecdsa_p256\nkey made on: host\n"
            "authority: fleet default\nmade because: missing\n"
        )

    def test_a_diff_shows_what_was_there(self, signed: ServerIdentity) -> None:
        assert signed.certificate is not None
        before = diff_of_identity(signed, str(signed.chain).encode())["before"]
        assert before == f"names: web1, web1.example.com, 10.0.0.5\nfingerprint: {fingerprint(signed.certificate)}\n"
        assert diff_of_identity(signed, b"garbage")["before"] == "unreadable\n"

    def test_the_record_gets_the_certificates_facts(self, signed: ServerIdentity) -> None:
        facts = facts_of_identity(signed)
        assert facts.keys() == {"server_names", "not_after", "fingerprint", "certificate", "trust", "issuer"}
        assert facts["certificate"] == signed.chain
        assert facts["server_names"] == ["web1", "web1.example.com", "10.0.0.5"]

    def test_there_are_no_facts_of_an_unknown_certificate(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="no certificate"):
            facts_of_identity(_identity(tmp_path))
