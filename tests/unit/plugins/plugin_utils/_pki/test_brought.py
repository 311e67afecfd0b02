# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CAs of the user's own: a root or an intermediate, its key in whatever form, and what is refused of them."""

from __future__ import annotations

import datetime
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import (
    hashes,
    serialization,
    x509,
    x509_oid,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, is_issued_by, leads_to, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import load_private_key

LetsIn = t.Callable[[bytes, bytes], bool]
Ca = t.Tuple[x509.Certificate, t.Any]

PASSPHRASE = "correct-horse"
DAY = datetime.timedelta(days=1)


def _ca(name: str, above: Ca | None = None, *, ca: bool = True, days: float = 900) -> Ca:
    key, now = generate_key("ecdsa_p256"), clock.now()
    subject = x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, name)])
    issuer, signing_key = (subject, key) if above is None else (above[0].subject, above[1])
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - 1000 * DAY).not_valid_after(now + days * DAY)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    usage.update(key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(signing_key, hashes.SHA256()), key


@pytest.fixture(scope="module")
def root() -> Ca:
    return _ca("company root")


@pytest.fixture(scope="module")
def intermediate(root: Ca) -> Ca:
    return _ca("docker", root)


class Files:
    """The user's PEM files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def brought(self, *chain: Ca, key: t.Any = None, passphrase: str | None = None) -> dict[str, str]:
        """Return the settings for a CA, those above it behind it."""
        (self.folder / "ca.pem").write_bytes(as_pem(certificate for certificate, _key in chain))
        (self.folder / "ca.key").write_bytes(private_key_pem(key or chain[0][1], passphrase))
        return {"authority_certificate": str(self.folder / "ca.pem"), "authority_key": str(self.folder / "ca.key")}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    return tmp_path / "fleets"


def _fleet(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings), check_mode=check_mode)


def _make(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> dict[str, t.Any]:
    fleet = _fleet(fleets_dir, check_mode=check_mode, **settings)
    return ensure_bundles(fleet, ["ci"], [{"name": "web1", "tls_sans": []}])


def test_a_root_of_the_users_signs_what_ours_would(fleets_dir: Path, files: Files, root: Ca, lets_in: LetsIn) -> None:
    settings = files.brought(root)
    predicted = _make(fleets_dir, check_mode=True, **settings)
    assert not fleets_dir.exists()
    result = _make(fleets_dir, **settings)
    assert result["authority"]["key_type"] == predicted["authority"]["key_type"] == "ecdsa_p256"
    assert result["warnings"] == []
    authority = _fleet(fleets_dir).required_authority()
    assert authority.certificate == root[0]
    sent = (fleets_dir / "default/clients/ci/cert.pem").read_bytes()
    assert len(try_chain(sent)) == 1
    assert lets_in(authority.client_trust, sent)
    assert stat.S_IMODE((fleets_dir / "default/authority/ca-key.pem").stat().st_mode) == 0o600
    assert _make(fleets_dir, **settings)["changed"] is False
    assert _make(fleets_dir)["changed"] is False, "once taken over, it is the fleet's"


def test_daemons_trust_the_intermediate_alone_and_clients_the_root_alone(
    fleets_dir: Path, files: Files, root: Ca, intermediate: Ca, lets_in: LetsIn
) -> None:
    _make(fleets_dir, **files.brought(intermediate, root))
    authority = _fleet(fleets_dir).required_authority()
    assert authority.client_trust == as_pem([intermediate[0]])
    for member in ("clients/ci", "servers/web1"):
        chain = try_chain((fleets_dir / "default" / member / "cert.pem").read_bytes())
        assert chain[1:] == (intermediate[0],), "it is sent along, the root is not"
        assert leads_to(chain, [root[0]])
        assert (fleets_dir / "default" / member / "ca.pem").read_bytes() == as_pem([root[0]])
    assert lets_in(authority.client_trust, (fleets_dir / "default/clients/ci/cert.pem").read_bytes())
    neighbour = _fleet(fleets_dir.parent / "elsewhere", **files.brought(_ca("another department", root), root))
    ensure_bundles(neighbour, ["ci"], [])
    theirs = (fleets_dir.parent / "elsewhere/default/clients/ci/cert.pem").read_bytes()
    assert not lets_in(authority.client_trust, theirs), "of the same root, and none of ours"
    assert _make(fleets_dir, **files.brought(intermediate, root))["changed"] is False


def test_an_encrypted_key_stays_as_it_is(fleets_dir: Path, files: Files, root: Ca) -> None:
    settings = files.brought(root, passphrase=PASSPHRASE)
    _make(fleets_dir, **settings, passphrase=PASSPHRASE)
    kept = (fleets_dir / "default/authority/ca-key.pem").read_bytes()
    assert kept == (files.folder / "ca.key").read_bytes()
    assert b"ENCRYPTED" in kept


@pytest.mark.parametrize(("given", "failure_key"), [(None, "passphrase_missing"), ("wrong", "passphrase_wrong")])
@pytest.mark.parametrize("check_mode", [True, False])
def test_an_encrypted_key_needs_its_passphrase(
    fleets_dir: Path, files: Files, root: Ca, given: str | None, failure_key: str, check_mode: bool
) -> None:
    with pytest.raises(Failure) as failure:
        _make(fleets_dir, check_mode=check_mode, **files.brought(root, passphrase=PASSPHRASE), passphrase=given)
    assert failure.value.key == failure_key
    assert not (fleets_dir / "default" / "authority").exists()


def test_a_key_in_the_clear_is_encrypted_where_there_is_a_passphrase(fleets_dir: Path, files: Files, root: Ca) -> None:
    settings = files.brought(root)
    _make(fleets_dir, **settings, passphrase=PASSPHRASE)
    kept = (fleets_dir / "default/authority/ca-key.pem").read_bytes()
    assert b"ENCRYPTED" in kept
    assert load_private_key(kept, path="", passphrase=PASSPHRASE).public_key() == root[0].public_key()
    assert _make(fleets_dir, **settings, passphrase=PASSPHRASE)["changed"] is False


def _bad(what: str, root: Ca, intermediate: Ca) -> tuple[list[Ca], t.Any, str]:
    """Return a chain, its key (None: the right one), and the failure."""
    leaf = _ca("no CA", root, ca=False)
    found: dict[str, tuple[list[Ca], t.Any, str]] = {
        "the root is missing": ([intermediate], None, "chain_incomplete"),
        "the wrong way round": ([root, intermediate], None, "chain_incomplete"),
        "a stranger above it": ([intermediate, _ca("company root")], None, "chain_incomplete"),
        "no CA": ([leaf, root], None, "not_an_authority"),
        "no CA above it": ([root, leaf], None, "not_an_authority"),
        "expired": ([_ca("expired", days=-1)], None, "authority_expired"),
        "another key": ([root], generate_key("ecdsa_p256"), "authority_mismatch"),
        "the key of the one above": ([intermediate, root], root[1], "authority_mismatch"),
    }
    return found[what]


@pytest.mark.parametrize(
    "what",
    [
        "the root is missing",
        "the wrong way round",
        "a stranger above it",
        "no CA",
        "no CA above it",
        "expired",
        "another key",
        "the key of the one above",
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_does_not_belong_together_is_refused_before_anything_is_made(
    fleets_dir: Path, files: Files, root: Ca, intermediate: Ca, what: str, check_mode: bool
) -> None:
    chain, key, failure_key = _bad(what, root, intermediate)
    with pytest.raises(Failure) as failure:
        _make(fleets_dir, check_mode=check_mode, **files.brought(*chain, key=key))
    assert failure.value.key == failure_key
    assert not (fleets_dir / "default" / "authority").exists()


@pytest.mark.parametrize(
    ("name", "content", "failure_key"),
    [
        ("ca.pem", None, "file_unreadable"),
        ("ca.key", None, "file_unreadable"),
        ("ca.pem", b"garbage", "certificate_unreadable"),
        ("ca.pem", b"", "certificate_unreadable"),
        ("ca.key", b"garbage", "key_unreadable"),
    ],
)
def test_what_cannot_be_read_is_named(
    fleets_dir: Path, files: Files, root: Ca, name: str, content: bytes | None, failure_key: str
) -> None:
    settings = files.brought(root)
    if content is None:
        (files.folder / name).unlink()
    else:
        (files.folder / name).write_bytes(content)
    with pytest.raises(Failure) as failure:
        _make(fleets_dir, **settings)
    assert failure.value.key == failure_key
    assert str(files.folder / name) in str(failure.value)


def test_a_certificate_that_nothing_can_sign_for_is_refused(fleets_dir: Path, files: Files, root: Ca) -> None:
    settings = files.brought(root)
    del settings["authority_key"]
    with pytest.raises(Failure) as failure:
        _make(fleets_dir, **settings)
    assert failure.value.key == "signer_missing"


def test_another_than_the_fleet_has_is_for_a_rotation(
    fleets_dir: Path, files: Files, root: Ca, intermediate: Ca
) -> None:
    _make(fleets_dir)
    ours = (fleets_dir / "default/authority/ca.pem").read_bytes()
    for check_mode in (True, False):
        with pytest.raises(Failure) as failure:
            _make(fleets_dir, check_mode=check_mode, **files.brought(intermediate, root))
        assert failure.value.key == "authority_differs"
        assert (fleets_dir / "default/authority/ca.pem").read_bytes() == ours


def test_no_identity_outlives_the_authority_and_people_are_told(fleets_dir: Path, files: Files) -> None:
    short = _ca("short", days=20.5)
    result = _make(fleets_dir, **files.brought(short))
    chain = try_chain((fleets_dir / "default/clients/ci/cert.pem").read_bytes())
    assert chain[0].not_valid_after_utc == short[0].not_valid_after_utc
    assert is_issued_by(chain[0], short[0])
    again = _make(fleets_dir)
    assert again["changed"] is False, "a new one would end no later"
    (warning,) = again["warnings"]
    assert "expires in 20 d, and all its identities with it" in warning
    assert result["changed"] is True


def test_an_authority_that_has_expired_signs_nothing_and_says_so(
    fleets_dir: Path, files: Files, root: Ca, monkeypatch: pytest.MonkeyPatch
) -> None:
    _make(fleets_dir, **files.brought(root))
    monkeypatch.setattr(clock, "now", lambda: root[0].not_valid_after_utc + DAY)
    for check_mode in (True, False):
        fleet = _fleet(fleets_dir, check_mode=check_mode)
        with pytest.raises(Failure) as failure:
            ensure_bundles(fleet, ["ci"], [])
        assert failure.value.key == "authority_expired"
        assert f"expired on {root[0].not_valid_after_utc:%Y-%m-%d}, and all" in fleet.warnings[0]


def test_keys_in_the_form_of_openssl_before_3_are_taken(fleets_dir: Path, files: Files, root: Ca) -> None:
    settings = files.brought(root)
    (files.folder / "ca.key").write_bytes(
        root[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    assert _make(fleets_dir, **settings)["changed"] is True
