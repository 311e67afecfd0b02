# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing the authority: no step goes ahead of what was seen, each can be repeated, and nobody is locked out."""

from __future__ import annotations

import datetime
import hashlib
import shutil
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
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.issued import note_removed, read_issued
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.authority import Authority
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, leads_to, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import key_type_of
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import names_in
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import signing_request

LetsIn = t.Callable[[bytes, bytes], bool]
MakeRecord = t.Callable[..., EndpointRecord]

NAMES = ["10.0.0.1", "web1"]
PASSPHRASE = "correct-horse"


def _fleet(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings), check_mode=check_mode)


def _authority(fleets_dir: Path) -> Authority:
    return _fleet(fleets_dir).required_authority()


def _image(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def _sent(fleets_dir: Path, member: str = "clients/ci") -> bytes:
    return (fleets_dir / "default" / member / "cert.pem").read_bytes()


def _trust(fleets_dir: Path) -> str:
    return hashlib.sha256(_authority(fleets_dir).client_trust).hexdigest()


def _sign_far(fleets_dir: Path, **settings: t.Any) -> bytes:
    """Return what a client on another machine gets."""
    request = signing_request(generate_key("ecdsa_p256"), common_name="far")
    fleet = _fleet(fleets_dir, **settings)
    return as_pem(fleet.sign_client_csr(request.public_bytes(serialization.Encoding.PEM), "far"))


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    """A fleet with the client ci and the server web1."""
    ensure_bundles(_fleet(tmp_path / "fleets"), ["ci"], [{"name": "web1", "tls_sans": NAMES}])
    return tmp_path / "fleets"


@pytest.fixture
def make_seen(fleets_dir: Path, make_record: MakeRecord) -> MakeRecord:
    """The record of a daemon that was visited and seen working."""

    def make(**changes: t.Any) -> EndpointRecord:
        facts = {
            "issuer": fingerprint(_authority(fleets_dir).certificate),
            "trust": _trust(fleets_dir),
            "verified": True,
        }
        return make_record(**{**facts, **changes})

    return make


def test_a_new_authority_signs_all_that_lies_here_with_the_keys_that_they_have(fleets_dir: Path) -> None:
    old, key = _authority(fleets_dir), (fleets_dir / "default" / "clients" / "ci" / "key.pem").read_bytes()
    fleet = _fleet(fleets_dir, key_type="ed25519")
    identities = begin(fleet)
    new = fleet.required_authority()
    assert [(i.kind, i.name, i.reasons) for i in identities] == [
        ("client", "ci", ("another authority",)),
        ("server", "web1", ("another authority",)),
    ]
    assert (new.phase, new.former, fleet.warnings) == ("overlap", old.chain, [])
    assert new.certificate.subject.rfc4514_string() == "CN=gangway default authority 2"
    assert (fleets_dir / "default" / "clients" / "ci" / "key.pem").read_bytes() == key
    for member in ("clients/ci", "servers/web1"):
        chain = try_chain(_sent(fleets_dir, member))
        assert leads_to(chain[:1], [new.certificate])
        assert leads_to(chain, [old.certificate]), "whoever knows the old one only takes it, too"
        assert (fleets_dir / "default" / member / "ca.pem").read_bytes() == as_pem([new.certificate, old.certificate])
    assert names_in(try_chain(_sent(fleets_dir, "servers/web1"))[0]) == ["web1", "10.0.0.1"]


def test_daemons_let_in_old_and_new_clients_before_and_after_their_visit(fleets_dir: Path, lets_in: LetsIn) -> None:
    old_trust, old_ci = _authority(fleets_dir).client_trust, _sent(fleets_dir)
    begin(_fleet(fleets_dir))
    both = _authority(fleets_dir).client_trust
    assert all(lets_in(trust, sent) for trust in (old_trust, both) for sent in (old_ci, _sent(fleets_dir)))
    drop(_fleet(fleets_dir), [], [])
    new_trust = _authority(fleets_dir).client_trust
    assert lets_in(both, _sent(fleets_dir))
    assert lets_in(new_trust, _sent(fleets_dir))
    assert not lets_in(new_trust, old_ci)


def test_daemons_that_know_the_issuer_of_a_revocation_let_the_new_clients_in(fleets_dir: Path, lets_in: LetsIn) -> None:
    ensure_bundles(_fleet(fleets_dir), ["bob"], [])
    revoked = _sent(fleets_dir, "clients/bob")
    unaware = _authority(fleets_dir).client_trust
    revoke(_fleet(fleets_dir), ["bob"])
    ensure_bundles(_fleet(fleets_dir), ["late"], [])
    aware = _authority(fleets_dir).client_trust
    before = {name: _sent(fleets_dir, f"clients/{name}") for name in ("ci", "late")}
    begin(_fleet(fleets_dir))
    both = _authority(fleets_dir).client_trust
    for name in ("ci", "late"):
        assert all(lets_in(trust, _sent(fleets_dir, f"clients/{name}")) for trust in (unaware, aware, both)), name
        assert lets_in(both, before[name]), name
    assert not lets_in(aware, revoked)
    assert not lets_in(both, revoked)


@pytest.mark.parametrize("check_mode", [True, False])
def test_begin_again_goes_on_with_the_same_authority(fleets_dir: Path, check_mode: bool) -> None:
    begin(_fleet(fleets_dir))
    before = _image(fleets_dir)
    identities = begin(_fleet(fleets_dir, check_mode=check_mode))
    assert not any(identity.changed for identity in identities)
    assert _image(fleets_dir) == before


def test_begin_signs_what_an_earlier_one_did_not_come_to(fleets_dir: Path) -> None:
    left = {path: path.read_bytes() for path in (fleets_dir / "default" / "servers" / "web1").iterdir()}
    begin(_fleet(fleets_dir))
    for path, content in left.items():
        path.write_bytes(content)
    assert [(i.name, i.changed) for i in begin(_fleet(fleets_dir))] == [("ci", False), ("web1", True)]


def _steps(fleets_dir: Path) -> dict[str, t.Callable[[bool], tuple[bool, list[str]]]]:
    def told(fleet: Fleet, identities: t.Sequence[t.Any]) -> tuple[bool, list[str]]:
        return any(i.changed for i in identities), [i.describe_after() for i in identities] + fleet.warnings

    def take(step: t.Callable[..., t.Any], *arguments: t.Any) -> t.Callable[[bool], tuple[bool, list[str]]]:
        def run(check_mode: bool) -> tuple[bool, list[str]]:
            fleet = _fleet(fleets_dir, check_mode=check_mode)
            with fleet.lock():
                found = step(fleet, *arguments)
                phase = [str(fleet.required_authority().phase)]
                return (
                    (found, phase)
                    if isinstance(found, bool)
                    else (told(fleet, found)[0], told(fleet, found)[1] + phase)
                )

        return run

    return {"begin": take(begin), "drop": take(drop, [], []), "end": take(end, [], [])}


def test_check_mode_predicts_each_step_and_touches_nothing(fleets_dir: Path) -> None:
    for name, step in _steps(fleets_dir).items():
        before = _image(fleets_dir)
        predicted = step(True)
        assert _image(fleets_dir) == before, name
        assert predicted[0] is True, name
        assert step(False) == predicted, name
        done = _image(fleets_dir)
        assert step(False)[0] is False, f"{name} once more"
        assert _image(fleets_dir) == done, name


def test_steps_out_of_turn_change_nothing(fleets_dir: Path) -> None:
    before = _image(fleets_dir)
    assert not any(identity.changed for identity in drop(_fleet(fleets_dir), [], []))
    assert end(_fleet(fleets_dir), [], []) is False
    assert _image(fleets_dir) == before
    begin(_fleet(fleets_dir))
    before = _image(fleets_dir)
    assert end(_fleet(fleets_dir), [], []) is False, "the old one is trusted still"
    assert _image(fleets_dir) == before


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuer": "ab" * 32}, "has a certificate of the old authority still"),
        ({"verified": False}, "does not work from the controller"),
    ],
)
def test_drop_waits_for_each_daemon(
    fleets_dir: Path, make_seen: MakeRecord, changes: dict[str, t.Any], why: str
) -> None:
    begin(_fleet(fleets_dir))
    seen = [make_seen(), make_seen(name="web2", **changes)]
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        drop(_fleet(fleets_dir), seen, [])
    assert failure.value.key == "rotation_unfinished"
    assert f"web2 {why}" in str(failure.value)
    assert failure.value.as_result()["waiting"] == ["web2"]
    assert _image(fleets_dir) == before
    drop(_fleet(fleets_dir), seen, ["web2"])
    assert _authority(fleets_dir).phase == "dropping"


def test_drop_takes_the_hosts_word_where_the_access_list_leaves_the_controller_out(
    fleets_dir: Path, make_seen: MakeRecord
) -> None:
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [make_seen(verified=None)], [])
    assert _authority(fleets_dir).phase == "dropping"


def test_drop_waits_for_no_client_that_was_taken_off_its_machine(fleets_dir: Path) -> None:
    note_removed(_fleet(fleets_dir).issued_folder, x509.load_pem_x509_certificate(_sign_far(fleets_dir)))
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [], [])
    assert _authority(fleets_dir).phase == "dropping"


def test_drop_does_not_wait_for_daemons_with_a_certificate_of_the_users_own(
    fleets_dir: Path, make_seen: MakeRecord
) -> None:
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [make_seen(), make_seen(name="web2", issuer=None, verified=False)], [])
    assert _authority(fleets_dir).phase == "dropping"


def test_drop_waits_for_clients_on_other_machines(fleets_dir: Path) -> None:
    _sign_far(fleets_dir)
    begin(_fleet(fleets_dir))
    with pytest.raises(Failure) as failure:
        drop(_fleet(fleets_dir), [], ["web1"])
    assert failure.value.as_result()["waiting"] == ["far"]
    assert _authority(fleets_dir).phase == "overlap"
    _sign_far(fleets_dir)
    drop(_fleet(fleets_dir), [], [])
    assert _authority(fleets_dir).phase == "dropping"


def test_a_client_that_is_left_behind_is_locked_out_and_forgotten(fleets_dir: Path, lets_in: LetsIn) -> None:
    far = _sign_far(fleets_dir)
    begin(_fleet(fleets_dir))
    assert lets_in(_authority(fleets_dir).client_trust, far)
    drop(_fleet(fleets_dir), [], ["far"])
    assert not lets_in(_authority(fleets_dir).client_trust, far)
    end(_fleet(fleets_dir), [], [])
    issued = read_issued(fleets_dir / "default" / "issued", clock.now())
    assert [c.subject.rfc4514_string() for c in issued] == ["CN=ci"]


def test_drop_does_not_wait_for_revoked_clients(fleets_dir: Path) -> None:
    _sign_far(fleets_dir)
    revoke(_fleet(fleets_dir), ["far"])
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [], [])
    assert _authority(fleets_dir).phase == "dropping"


def test_end_waits_until_each_daemon_trusts_the_new_one_alone(fleets_dir: Path, make_seen: MakeRecord) -> None:
    begin(_fleet(fleets_dir))
    both = _trust(fleets_dir)
    drop(_fleet(fleets_dir), [], [])
    seen = [make_seen(), make_seen(name="web2", trust=both), make_seen(name="web3", trust=None)]
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        end(_fleet(fleets_dir), seen, [])
    assert failure.value.key == "rotation_unfinished"
    assert failure.value.as_result()["waiting"] == ["web2"], "the user decides whose clients web3 accepts"
    assert _image(fleets_dir) == before
    assert end(_fleet(fleets_dir), seen, ["web2"]) is True
    assert _authority(fleets_dir).phase is None


def test_afterwards_nothing_of_the_old_authority_is_left(fleets_dir: Path) -> None:
    old = _authority(fleets_dir).certificate
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [], [])
    end(_fleet(fleets_dir), [], [])
    assert sorted(path.name for path in (fleets_dir / "default" / "authority").iterdir()) == [
        "ca-key.pem",
        "ca.pem",
        # Digests.
        "generations",
    ]
    pem = as_pem([old])
    assert [name for name, (_mode, _time, content) in _image(fleets_dir).items() if pem in content] == []
    for member in ("clients/ci", "servers/web1"):
        assert len(try_chain(_sent(fleets_dir, member))) == 1
    begin(_fleet(fleets_dir))
    assert _authority(fleets_dir).certificate.subject.rfc4514_string() == "CN=gangway default authority 3"


def test_the_new_authority_may_have_another_key_type(fleets_dir: Path) -> None:
    begin(_fleet(fleets_dir, authority_key_type="ed25519"))
    assert key_type_of(_authority(fleets_dir).certificate.public_key()) == "ed25519"
    assert leads_to(try_chain(_sent(fleets_dir)), _authority(fleets_dir).former)


def test_a_passphrase_goes_on_to_the_new_authority(tmp_path: Path) -> None:
    fleets_dir = tmp_path / "fleets"
    ensure_bundles(_fleet(fleets_dir, passphrase=PASSPHRASE), ["ci"], [])
    old, before = _authority(fleets_dir), _image(fleets_dir)
    for check_mode in (True, False):
        with pytest.raises(Failure) as failure:
            begin(_fleet(fleets_dir, check_mode=check_mode))
        assert failure.value.key == "passphrase_missing"
        assert _image(fleets_dir) == before
    begin(_fleet(fleets_dir, passphrase=PASSPHRASE))
    assert _authority(fleets_dir).key_pem != old.key_pem
    assert b"ENCRYPTED" in (_authority(fleets_dir).key_pem or b"")


def _ca(
    name: str,
    above: tuple[x509.Certificate, t.Any] | None = None,
    *,
    path_length: int | None = None,
    key_id: bytes | None = None,
) -> tuple[x509.Certificate, t.Any]:
    """A CA as others make it."""
    key, now = generate_key("ecdsa_p256"), clock.now()
    subject = x509.Name([x509.NameAttribute(x509_oid.NameOID.COMMON_NAME, name)])
    issuer, signing_key = (subject, key) if above is None else (above[0].subject, above[1])
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
        now + datetime.timedelta(days=900)
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    )
    usage.update(key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    identifier = (
        x509.SubjectKeyIdentifier(key_id) if key_id else x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    )
    builder = builder.add_extension(identifier, critical=False)
    return builder.sign(signing_key, hashes.SHA256()), key


def _brought(folder: Path, *chain: tuple[x509.Certificate, t.Any]) -> dict[str, str]:
    """Return the settings for a CA, followed by the chain up to the root."""
    folder.mkdir(exist_ok=True)
    (folder / "ca.pem").write_bytes(as_pem(certificate for certificate, _key in chain))
    (folder / "ca-key.pem").write_bytes(private_key_pem(chain[0][1]))
    return {"authority_certificate": str(folder / "ca.pem"), "authority_key": str(folder / "ca-key.pem")}


def test_a_brought_authority_can_be_the_new_one(fleets_dir: Path, tmp_path: Path, lets_in: LetsIn) -> None:
    """An intermediate, with a key identifier that is not what SHA-1 over the key gives."""
    old = _authority(fleets_dir)
    root = _ca("company root")
    docker = _ca("docker", root, key_id=b"\x01\x02\x03\x04")
    begin(_fleet(fleets_dir, **_brought(tmp_path / "pki", docker, root)))
    new = _authority(fleets_dir)
    assert new.certificate == docker[0]
    assert new.server_trust == as_pem([root[0], old.certificate]), "clients know the root"
    assert new.client_trust == as_pem([docker[0], old.certificate]), "daemons accept no other clients"
    chain = try_chain(_sent(fleets_dir))
    assert chain[1:] == (docker[0], new.cross)
    assert lets_in(old.client_trust, _sent(fleets_dir))
    assert lets_in(new.client_trust, _sent(fleets_dir))
    ids = [c.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value for c in (docker[0], chain[2])]
    assert ids[0] == ids[1], "OpenSSL finds the issuer by it"
    drop(_fleet(fleets_dir), [], [])
    end(_fleet(fleets_dir), [], [])
    assert try_chain(_sent(fleets_dir))[1:] == (docker[0],)


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_authority_that_is_there_is_no_new_one(fleets_dir: Path, check_mode: bool) -> None:
    ours = {"authority_certificate": str(fleets_dir / "default/authority/ca.pem")}
    ours["authority_key"] = str(fleets_dir / "default/authority/ca-key.pem")
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        begin(_fleet(fleets_dir, check_mode=check_mode, **ours))
    assert failure.value.key == "rotation_impossible"
    assert _image(fleets_dir) == before


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_authority_whose_key_is_elsewhere_is_not_ours_to_replace(fleets_dir: Path, check_mode: bool) -> None:
    (fleets_dir / "default/authority/ca-key.pem").unlink()
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        begin(_fleet(fleets_dir, check_mode=check_mode))
    assert failure.value.key == "rotation_impossible"
    assert _image(fleets_dir) == before


@pytest.mark.parametrize("step", [begin, lambda fleet: drop(fleet, [], []), lambda fleet: end(fleet, [], [])])
def test_there_is_nothing_to_rotate_without_an_authority(tmp_path: Path, step: t.Callable[[Fleet], t.Any]) -> None:
    with pytest.raises(Failure) as failure:
        step(_fleet(tmp_path / "fleets"))
    assert failure.value.key == "authority_missing"
    assert not (tmp_path / "fleets").exists()


@pytest.mark.parametrize("lengths", [[0], [None, 1], [1, 0]])
def test_an_authority_that_may_not_sign_others_is_replaced_only_when_told_so_and_with_a_warning(
    tmp_path: Path, lengths: list[int | None]
) -> None:
    """C(lengths): pathlen of the authority, then of the certificates above it."""
    fleets_dir, chain = tmp_path / "fleets", []
    for number, length in reversed(list(enumerate(lengths))):
        chain.insert(0, _ca(f"CA {number}", chain[0] if chain else None, path_length=length))
    ensure_bundles(_fleet(fleets_dir, **_brought(tmp_path / "pki", *chain)), ["ci"], [])
    old, before = _authority(fleets_dir), _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        begin(_fleet(fleets_dir))
    assert failure.value.key == "cross_impossible"
    assert _image(fleets_dir) == before
    fleet = _fleet(fleets_dir)
    begin(fleet, without_cross=True)
    assert len(fleet.warnings) == 1
    assert "pathlen" in fleet.warnings[0]
    new = _authority(fleets_dir)
    assert new.cross is None
    assert len(try_chain(_sent(fleets_dir))) == 1
    assert new.client_trust == as_pem([new.certificate, old.certificate])


def test_a_ca_whose_key_is_elsewhere_can_not_be_changed_over_to(fleets_dir: Path, tmp_path: Path) -> None:
    before = _image(fleets_dir)
    brought = _brought(tmp_path / "pki", _ca("Elsewhere"))
    with pytest.raises(Failure) as failure:
        begin(_fleet(fleets_dir, authority_certificate=brought["authority_certificate"], sign_command="sign"))
    assert failure.value.key == "rotation_impossible"
    assert _image(fleets_dir) == before


def test_a_rotation_may_bring_a_passphrase_in(fleets_dir: Path) -> None:
    begin(_fleet(fleets_dir, passphrase="open sesame"))
    assert b"ENCRYPTED" in (_authority(fleets_dir).key_pem or b"")
    assert _authority(fleets_dir).cross is not None


def test_a_revoked_client_whose_folder_came_back_is_not_signed_again(fleets_dir: Path) -> None:
    shutil.copytree(fleets_dir / "default" / "clients" / "ci", fleets_dir / "default" / "revoked" / "ci")
    before = _sent(fleets_dir)
    begin(_fleet(fleets_dir))
    assert _sent(fleets_dir) == before


def test_an_issuer_of_another_authority_is_refused(fleets_dir: Path, tmp_path: Path) -> None:
    """Two folders that were copied into one: daemons would let nobody in."""
    ensure_bundles(_fleet(tmp_path / "other"), ["ci", "bob"], [])
    revoke(_fleet(tmp_path / "other"), ["bob"])
    begin(_fleet(fleets_dir))
    for name in ("issuer.pem", "issuer-key.pem", "clients-ca.pem"):
        shutil.copy(tmp_path / "other" / "default" / "authority" / name, fleets_dir / "default" / "authority" / name)
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(fleets_dir), ["ci"], [])
    assert failure.value.key == "authority_mismatch"


def test_drop_waits_for_each_machine_of_a_client(fleets_dir: Path) -> None:
    old = _sign_far(fleets_dir)
    begin(_fleet(fleets_dir))
    for machine, sent in (("one", _sign_far(fleets_dir)), ("two", old)):
        record = fleets_dir / "default" / "machines" / machine / "far.pem"
        record.parent.mkdir(parents=True)
        record.write_bytes(sent)
    with pytest.raises(Failure, match="far has a certificate of the old authority on two") as failure:
        drop(_fleet(fleets_dir), [], [])
    assert failure.value.key == "rotation_unfinished"
    drop(_fleet(fleets_dir), [], ["far"])


def test_an_expired_authority_is_replaced_with_a_warning(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = _authority(fleets_dir).certificate.not_valid_after_utc + datetime.timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    fleet = _fleet(fleets_dir)
    begin(fleet)
    assert "it has expired" in fleet.warnings[0]
    assert _authority(fleets_dir).cross is None
    assert try_chain(_sent(fleets_dir))[0].not_valid_after_utc > later


def test_what_is_no_identity_does_not_stand_in_the_way(fleets_dir: Path) -> None:
    (fleets_dir / "default/clients/empty").mkdir()
    (fleets_dir / "default/clients/note.txt").write_text("mine")
    (fleets_dir / "default/clients/.hidden").mkdir()
    assert [identity.name for identity in begin(_fleet(fleets_dir))] == ["ci", "web1"]
