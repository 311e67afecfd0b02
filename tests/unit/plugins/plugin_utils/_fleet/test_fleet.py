# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets: one authority, identities that are made once and renewed with a reason, and check mode that makes nothing."""

from __future__ import annotations

import dataclasses
import datetime
import multiprocessing
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import hashes, serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client, ensure_server
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.outcome import Outcome
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import is_issued_by
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import load_private_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in

#: A secret that has to show up nowhere.
PASSPHRASE = "correct-horse"


def _image(folder: Path) -> dict[str, tuple[int, int, bytes | None]]:
    """Everything below a folder: mode, time of the last change, content."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else None,
        )
        for path in folder.rglob("*")
    }


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    return tmp_path / "fleets"


@pytest.fixture
def fleet(fleets_dir: Path) -> Fleet:
    """A fleet with an authority, the client ci and the server web1."""
    fleet = _open(fleets_dir)
    ensure_authority(fleet)
    ensure_client(fleet, "ci")
    ensure_server(fleet, "web1", ["web1", "10.0.0.1"])
    return fleet


def _open(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings), check_mode=check_mode)


def _all(fleet: Fleet) -> list[Outcome]:
    return [ensure_authority(fleet), ensure_client(fleet, "ci"), ensure_server(fleet, "web1", ["10.0.0.1", "Web1"])]


def test_files_lie_where_the_layout_says_and_keys_are_closed(fleet: Fleet) -> None:
    files = {
        str(path.relative_to(fleet.folder)): stat.S_IMODE(path.stat().st_mode)
        for path in fleet.folder.rglob("*")
        if path.is_file()
    }
    issued = [name for name in files if name.startswith("issued/")]
    assert [files.pop(name) for name in issued] == [0o644]
    assert files == {
        ".gitignore": 0o644,
        "authority/ca.pem": 0o644,
        "authority/ca-key.pem": 0o600,
        "authority/generations": 0o644,
        "clients/ci/ca.pem": 0o644,
        "clients/ci/cert.pem": 0o644,
        "clients/ci/key.pem": 0o600,
        "servers/web1/ca.pem": 0o644,
        "servers/web1/cert.pem": 0o644,
        "servers/web1/key.pem": 0o600,
    }
    folders = [fleet.folder, *(path for path in fleet.folder.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert (fleet.folder / ".gitignore").read_text() == "*\n"


def test_identities_are_issued_by_the_authority_for_what_was_asked(fleet: Fleet) -> None:
    authority = fleet.required_authority().certificate
    assert authority.subject.rfc4514_string() == "CN=gangway default authority"
    for folder in (fleet.client_folder("ci"), fleet.server_folder("web1")):
        certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
        assert is_issued_by(certificate, authority)
        assert (folder / "ca.pem").read_bytes() == (fleet.authority_folder / "ca.pem").read_bytes()
        key = load_private_key((folder / "key.pem").read_bytes(), path="")
        assert key.public_key() == certificate.public_key()
    server = x509.load_pem_x509_certificate((fleet.server_folder("web1") / "cert.pem").read_bytes())
    assert names_in(server) == ["web1", "10.0.0.1"]


def test_the_first_run_makes_everything_and_tells_so(fleets_dir: Path) -> None:
    for outcome in _all(_open(fleets_dir)):
        assert outcome.changed
        assert outcome.reasons == ("missing",)
        assert outcome.before is None
        assert outcome.describe_before() == ""
        assert outcome.as_result()["fingerprint"]


def test_a_second_run_changes_nothing(fleet: Fleet, fleets_dir: Path) -> None:
    before = _image(fleets_dir)
    for outcome in _all(_open(fleets_dir)):
        assert not outcome.changed
        assert outcome.as_result()["reason"] == ""
        assert outcome.describe_before() == outcome.describe_after() != ""
    assert _image(fleets_dir) == before


@pytest.mark.parametrize("key_type", ["ecdsa_p384", "rsa_2048", "ed25519"])
def test_identities_have_the_key_type_asked_for(fleets_dir: Path, key_type: str) -> None:
    fleet = _open(fleets_dir, key_type=key_type, authority_key_type="ed25519")
    authority = ensure_authority(fleet).as_result()
    assert ensure_client(fleet, "ci").as_result()["key_type"] == key_type
    assert authority["key_type"] == "ed25519"
    assert not ensure_client(_open(fleets_dir, key_type=key_type), "ci").changed


def test_an_authority_is_never_made_again_for_other_settings(fleet: Fleet, fleets_dir: Path) -> None:
    outcome = ensure_authority(
        _open(fleets_dir, authority_key_type="rsa_2048", authority_validity=datetime.timedelta(days=1))
    )
    assert not outcome.changed
    assert outcome.as_result()["key_type"] == "ecdsa_p256"


def _remove(name: str) -> t.Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _put(name: str, content: bytes) -> t.Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def _encrypt(folder: Path) -> None:
    key = load_private_key((folder / "key.pem").read_bytes(), path="")
    (folder / "key.pem").write_bytes(private_key_pem(key, "theirs"))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_remove("cert.pem"), "incomplete"),
        (_remove("key.pem"), "incomplete"),
        (_put("cert.pem", b"garbage"), "unreadable"),
        (_put("cert.pem", b""), "unreadable"),
        (_put("key.pem", b"garbage"), "unreadable"),
        (_encrypt, "unreadable"),
        (
            _put("key.pem", private_key_pem(generate_key("ecdsa_p256"))),
            "key and certificate do not belong together",
        ),
    ],
)
def test_a_damaged_bundle_is_made_again_and_the_reason_told(
    fleet: Fleet, fleets_dir: Path, damage: t.Callable[[Path], object], reason: str
) -> None:
    damage(fleet.client_folder("ci"))
    predicted = ensure_client(_open(fleets_dir, check_mode=True), "ci")
    outcome = ensure_client(_open(fleets_dir), "ci")
    assert outcome.reasons == predicted.reasons == (reason,)
    assert outcome.describe_after() == predicted.describe_after()
    assert not ensure_client(_open(fleets_dir), "ci").changed
    folder = fleet.client_folder("ci")
    certificate = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    assert load_private_key((folder / "key.pem").read_bytes(), path="").public_key() == certificate.public_key()


@pytest.mark.parametrize(
    ("settings", "names", "reason"),
    [
        ({}, ["web1", "10.0.0.2"], "lacks 10.0.0.2 and contains 10.0.0.1, which is no longer requested"),
        ({"key_type": "ed25519"}, ["web1", "10.0.0.1"], "key type is ecdsa_p256"),
    ],
)
def test_a_server_that_is_asked_for_otherwise_is_signed_again(
    fleet: Fleet, fleets_dir: Path, settings: dict[str, t.Any], names: list[str], reason: str
) -> None:
    key_before = (fleet.server_folder("web1") / "key.pem").read_bytes()
    outcome = ensure_server(_open(fleets_dir, **settings), "web1", names)
    assert outcome.reasons == (reason,)
    key_after = (fleet.server_folder("web1") / "key.pem").read_bytes()
    assert (key_before != key_after) == bool(settings), "a key goes on as long as its type is right"
    assert not ensure_server(_open(fleets_dir, **settings), "web1", names).changed


def test_an_identity_is_renewed_with_its_key_when_a_third_of_its_life_is_left(
    fleet: Fleet, fleets_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (fleet.client_folder("ci") / "key.pem").read_bytes()
    later = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=300.5)
    monkeypatch.setattr(clock, "now", lambda: later)
    outcome = ensure_client(_open(fleets_dir), "ci")
    assert outcome.reasons == ("expires in 64 d",)
    assert outcome.certificate is not None
    assert outcome.certificate.not_valid_after_utc == later + datetime.timedelta(days=365)
    assert (fleet.client_folder("ci") / "key.pem").read_bytes() == key


def _lose_authority(fleet: Fleet) -> None:
    for path in fleet.authority_folder.iterdir():
        path.unlink()
    fleet.authority_folder.rmdir()


def test_a_lost_authority_is_not_replaced_unasked(fleet: Fleet, fleets_dir: Path) -> None:
    """A new one would lock out all that trust the old one."""
    _lose_authority(fleet)
    with pytest.raises(Failure) as failure:
        ensure_authority(_open(fleets_dir))
    assert failure.value.key == "authority_missing"
    assert not fleet.authority_folder.exists()


def test_a_replaced_authority_signs_everything_again(fleet: Fleet, fleets_dir: Path, tmp_path: Path) -> None:
    _lose_authority(fleet)
    ensure_authority(_open(tmp_path / "other"))
    (tmp_path / "other" / fleet.name / "authority").rename(fleet.authority_folder)
    outcomes = _all(_open(fleets_dir))
    assert [outcome.reasons for outcome in outcomes] == [
        (),
        ("another authority",),
        ("another authority",),
    ]


def test_a_lost_ca_file_and_drifted_modes_are_mended_without_a_new_certificate(fleet: Fleet, fleets_dir: Path) -> None:
    folder = fleet.client_folder("ci")
    certificate = (folder / "cert.pem").read_bytes()
    (folder / "ca.pem").unlink()
    (folder / "key.pem").chmod(0o644)
    ensure_client(_open(fleets_dir), "ci")
    assert (folder / "ca.pem").read_bytes() == (fleet.authority_folder / "ca.pem").read_bytes()
    assert (folder / "cert.pem").read_bytes() == certificate
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600


def test_a_folder_that_a_crash_left_half_renamed_is_found_again_and_nothing_is_made_anew(
    fleet: Fleet, fleets_dir: Path
) -> None:
    fingerprints = [outcome.as_result()["fingerprint"] for outcome in _all(fleet)]
    for folder in (fleet.authority_folder, fleet.client_folder("ci"), fleet.server_folder("web1")):
        folder.rename(folder.with_name(f".{folder.name}.new"))
    found = _all(_open(fleets_dir))
    assert not any(outcome.changed for outcome in found)
    assert [outcome.as_result()["fingerprint"] for outcome in found] == fingerprints


def test_check_mode_on_nothing_makes_nothing_at_all(fleets_dir: Path) -> None:
    fleet = _open(fleets_dir, check_mode=True)
    with fleet.lock():
        outcomes = _all(fleet)
    assert [outcome.reasons for outcome in outcomes] == [("missing",)] * 3
    assert all(outcome.certificate is None for outcome in outcomes)
    assert "fingerprint" not in outcomes[0].as_result()
    assert not fleets_dir.exists()


def test_check_mode_touches_nothing_that_is_there(fleet: Fleet, fleets_dir: Path) -> None:
    (fleet.client_folder("ci") / "cert.pem").unlink()
    (fleet.client_folder("ci") / "key.pem").chmod(0o644)
    (fleets_dir / "default" / "clients" / ".ci.tmp").mkdir()
    before = _image(fleets_dir)
    checking = _open(fleets_dir, check_mode=True)
    with checking.lock():
        assert [outcome.changed for outcome in _all(checking)] == [False, True, False]
    assert _image(fleets_dir) == before


def test_check_mode_tells_the_same_as_earnest(fleets_dir: Path) -> None:
    predicted = [outcome.describe_after() for outcome in _all(_open(fleets_dir, check_mode=True))]
    assert [outcome.describe_after() for outcome in _all(_open(fleets_dir))] == predicted


def test_a_passphrase_encrypts_the_authority_and_nothing_else(fleets_dir: Path) -> None:
    fleet = _open(fleets_dir, passphrase=PASSPHRASE)
    outcomes = _all(fleet)
    assert (fleet.authority_folder / "ca-key.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert (fleet.client_folder("ci") / "key.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    told = repr([(outcome, outcome.as_result(), outcome.describe_after()) for outcome in outcomes])
    assert PASSPHRASE not in told + repr(fleet.settings)
    assert "PRIVATE KEY" not in told
    assert not any(outcome.changed for outcome in _all(_open(fleets_dir, passphrase=PASSPHRASE)))


def test_nothing_due_needs_no_passphrase(fleets_dir: Path) -> None:
    _all(_open(fleets_dir, passphrase=PASSPHRASE))
    assert not any(outcome.changed for outcome in _all(_open(fleets_dir)))


@pytest.mark.parametrize(
    ("made_with", "given", "failure_key"),
    [
        (PASSPHRASE, None, "passphrase_missing"),
        (PASSPHRASE, "wrong", "passphrase_wrong"),
        (None, PASSPHRASE, "passphrase_unneeded"),
    ],
)
def test_a_passphrase_that_does_not_fit_changes_nothing(
    fleets_dir: Path, made_with: str | None, given: str | None, failure_key: str
) -> None:
    ensure_authority(_open(fleets_dir, passphrase=made_with))
    before = _image(fleets_dir)
    fleet = _open(fleets_dir, passphrase=given)
    with pytest.raises(Failure) as failure:
        _all(fleet)
    assert failure.value.key == failure_key
    assert {name: entry for name, entry in _image(fleets_dir).items() if "clients" not in name} == before
    assert not (fleet.client_folder("ci") / "cert.pem").exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_wrong_passphrase_shows_before_anything_else_is_done(fleets_dir: Path, check_mode: bool) -> None:
    ensure_authority(_open(fleets_dir, passphrase=PASSPHRASE))
    with pytest.raises(Failure) as failure:
        ensure_authority(_open(fleets_dir, passphrase="wrong", check_mode=check_mode))
    assert failure.value.key == "passphrase_wrong"


@pytest.mark.parametrize("name", ["ca.pem", "ca-key.pem"])
def test_an_authority_without_certificate_or_key_signs_nothing(fleet: Fleet, fleets_dir: Path, name: str) -> None:
    (fleet.authority_folder / name).unlink()
    with pytest.raises(Failure) as failure:
        ensure_client(_open(fleets_dir), "new")
    assert failure.value.key == "authority_missing"


def test_a_controller_without_the_authoritys_key_can_still_use_what_is_there(fleet: Fleet, fleets_dir: Path) -> None:
    (fleet.authority_folder / "ca-key.pem").unlink()
    assert not any(outcome.changed for outcome in _all(_open(fleets_dir)))


def test_a_key_of_another_authority_signs_nothing(fleet: Fleet, fleets_dir: Path) -> None:
    (fleet.authority_folder / "ca-key.pem").write_bytes(private_key_pem(generate_key("ecdsa_p256")))
    with pytest.raises(Failure) as failure:
        ensure_client(_open(fleets_dir), "new")
    assert failure.value.key == "authority_mismatch"


def test_an_unreadable_authority_is_not_taken_for_a_missing_one(fleet: Fleet, fleets_dir: Path) -> None:
    (fleet.authority_folder / "ca.pem").write_bytes(b"garbage")
    with pytest.raises(Failure) as failure:
        ensure_authority(_open(fleets_dir))
    assert failure.value.key == "certificate_unreadable"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".hidden", "-x", "a b", "a\n", "é", "x" * 65, "a\\b"])
def test_names_that_are_no_folder_of_ours_are_refused(fleets_dir: Path, name: str) -> None:
    fleet = _open(fleets_dir)
    for use in (
        lambda: Fleet(str(fleets_dir), name),
        lambda: fleet.client_folder(name),
        lambda: fleet.server_folder(name),
    ):
        with pytest.raises(Failure) as failure:
            use()
        assert failure.value.key == "invalid_name"
    assert not fleets_dir.exists()


@pytest.mark.parametrize("name", ["ci", "alice@example.com", "web1.example.com", "a_b+c-d", "0", "x" * 64, "a:b"])
def test_names_that_people_have_are_taken(fleets_dir: Path, name: str) -> None:
    fleet = _open(fleets_dir, check_mode=True)
    assert ensure_client(fleet, name).folder == str(fleets_dir / "default" / "clients" / name)


def test_a_server_without_names_is_refused(fleet: Fleet) -> None:
    with pytest.raises(Failure) as failure:
        ensure_server(fleet, "web2", [])
    assert failure.value.key == "names_missing"


def test_home_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Fleet("~/gangway", "lab").folder == tmp_path / "gangway" / "lab"


def _request(subject: str = "whatever the host says") -> tuple[bytes, object]:
    key = generate_key("ecdsa_p256")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), key.public_key()


def test_only_the_public_key_is_taken_from_a_hosts_request(fleet: Fleet) -> None:
    request, public_key = _request()
    (certificate,) = fleet.sign_server_csr(request, ["web1", "10.0.0.1"])
    assert certificate.public_key() == public_key
    assert names_in(certificate) == ["web1", "10.0.0.1"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert "whatever" not in certificate.subject.rfc4514_string()


def test_a_request_that_its_key_did_not_sign_is_refused(fleet: Fleet) -> None:
    der = bytearray(x509.load_pem_x509_csr(_request()[0]).public_bytes(serialization.Encoding.DER))
    place = der.index(b"whatever")
    der[place : place + 8] = b"WHATEVER"
    forged = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)
    with pytest.raises(Failure) as failure:
        fleet.sign_server_csr(forged, ["web1"])
    assert failure.value.key == "request_invalid"


def test_settings_are_immutable_and_silent() -> None:
    settings = Settings(passphrase=PASSPHRASE)
    assert PASSPHRASE not in repr(settings)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.validity = 1  # type: ignore[misc]


def _make_at_once(fleets_dir: str, number: int, barrier: t.Any, results: t.Any) -> None:
    barrier.wait()
    fleet = Fleet(fleets_dir, "default")
    with fleet.lock():
        authority = ensure_authority(fleet)
        own, shared = (ensure_client(fleet, name) for name in (f"client-{number}", "shared"))
        server = ensure_server(fleet, f"server-{number}", [f"server-{number}"])
    results.put((authority.changed, shared.changed, own.changed, server.changed))


def test_fifty_processes_at_once_make_one_authority(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    context, count = multiprocessing.get_context("fork"), 50
    barrier, results = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=_make_at_once, args=(str(fleets_dir), n, barrier, results)) for n in range(count)
    ]
    for process in processes:
        process.start()
    outcomes = [results.get(timeout=60) for _unused in processes]
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    made = [sum(changed) for changed in zip(*outcomes)]
    assert made == [1, 1, count, count], "authority, shared client, own clients, servers"
    authority = _open(fleets_dir).required_authority()
    signer = authority.signer(None, clock.now())
    assert signer.key.public_key() == authority.certificate.public_key()
    members = [path for folder in ("clients", "servers") for path in (fleets_dir / "default" / folder).iterdir()]
    assert sorted(path.name for path in members) == sorted(
        ["shared", *(f"{kind}-{number}" for kind in ("client", "server") for number in range(count))]
    )
    for folder in members:
        chain = x509.load_pem_x509_certificates((folder / "cert.pem").read_bytes())
        key = load_private_key((folder / "key.pem").read_bytes(), path="")
        assert len(chain) == 1
        assert is_issued_by(chain[0], authority.certificate)
        assert key.public_key() == chain[0].public_key()
        assert (folder / "ca.pem").read_bytes() == (fleets_dir / "default" / "authority" / "ca.pem").read_bytes()
    noted = [
        x509.load_pem_x509_certificate(path.read_bytes()) for path in (fleets_dir / "default" / "issued").iterdir()
    ]
    assert len({certificate.subject for certificate in noted}) == len(noted) == count + 1
