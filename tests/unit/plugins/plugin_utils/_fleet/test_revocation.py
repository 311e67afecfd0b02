# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shutting out one client: it alone, everywhere, for good, and nobody else hears of it."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet import revocation
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.issued import note_removed
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import (
    LIST_LIMIT,
    revoke,
    revoked_bundles,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.authority import Authority
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, is_issued_by, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import load_private_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import signing_request
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import RenewBefore

LetsIn = t.Callable[[bytes, bytes], bool]

#: Settings by which each certificate of a year is due.
DUE: dict[str, t.Any] = {
    "validity": datetime.timedelta(days=700),
    "renew_before": RenewBefore(datetime.timedelta(days=400)),
}
CLIENTS = ["alice", "bob", "ci"]
PASSPHRASE = "correct-horse"


def _fleet(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings), check_mode=check_mode)


def _authority(fleets_dir: Path) -> Authority:
    return _fleet(fleets_dir).required_authority()


def _sent(fleets_dir: Path, name: str) -> bytes:
    return (fleets_dir / "default" / "clients" / name / "cert.pem").read_bytes()


def _revoked(fleets_dir: Path, name: str) -> bytes:
    return (fleets_dir / "default" / "revoked" / name / "cert.pem").read_bytes()


def _image(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def _sign_far(fleets_dir: Path, name: str = "far") -> bytes:
    """Return what a client on another machine gets."""
    request = signing_request(generate_key("ecdsa_p256"), common_name=name)
    return as_pem(_fleet(fleets_dir).sign_client_csr(request.public_bytes(serialization.Encoding.PEM), name))


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    """A fleet with three clients and a server."""
    ensure_bundles(_fleet(tmp_path / "fleets"), CLIENTS, [{"name": "web1", "tls_sans": []}])
    return tmp_path / "fleets"


def test_one_is_turned_away_and_the_others_are_let_in_as_they_are(fleets_dir: Path, lets_in: LetsIn) -> None:
    trust, before = _authority(fleets_dir).client_trust, _image(fleets_dir)
    sent = {name: _sent(fleets_dir, name) for name in CLIENTS}
    assert all(lets_in(trust, sent[name]) for name in CLIENTS)
    assert revoke(_fleet(fleets_dir), ["bob"]) == ["bob"]
    trust = _authority(fleets_dir).client_trust
    assert {name: lets_in(trust, sent[name]) for name in CLIENTS} == {"alice": True, "bob": False, "ci": True}
    after = _image(fleets_dir)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {
        *(f"default/authority/{name}" for name in ("issuer.pem", "issuer-key.pem", "clients-ca.pem", "generations")),
        *(
            f"default/{folder}/bob/{name}"
            for folder in ("clients", "revoked")
            for name in ("ca.pem", "cert.pem", "key.pem")
        ),
    }, "the others' bundles are what they were, to the byte and the second"


def test_nothing_is_due_for_the_others_afterwards(fleets_dir: Path) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    result = ensure_bundles(_fleet(fleets_dir), ["alice", "ci"], [{"name": "web1", "tls_sans": []}])
    assert result["changed"] is False


def test_who_comes_or_renews_later_comes_from_the_new_issuer_and_no_daemon_hears_of_it(
    fleets_dir: Path, lets_in: LetsIn
) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    authority = _authority(fleets_dir)
    ensure_bundles(_fleet(fleets_dir, **DUE), ["ci", "late"], [])
    far = _sign_far(fleets_dir)
    assert authority.issuer is not None
    for sent in (_sent(fleets_dir, "ci"), _sent(fleets_dir, "late"), far):
        assert is_issued_by(try_chain(sent)[0], authority.issuer)
        assert lets_in(authority.client_trust, sent)
    assert _authority(fleets_dir).client_trust == authority.client_trust
    assert not ensure_bundles(_fleet(fleets_dir), ["ci", "late"], [])["changed"]


def test_servers_are_signed_by_the_authority_still(fleets_dir: Path) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    ensure_bundles(_fleet(fleets_dir), [], [{"name": "web2", "tls_sans": []}])
    server = try_chain((fleets_dir / "default/servers/web2/cert.pem").read_bytes())[0]
    assert is_issued_by(server, _authority(fleets_dir).certificate)
    assert (fleets_dir / "default/servers/web2/ca.pem").read_bytes() == (
        fleets_dir / "default/authority/ca.pem"
    ).read_bytes()


def test_a_second_revocation_reaches_old_and_new_clients(fleets_dir: Path, lets_in: LetsIn) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    ensure_bundles(_fleet(fleets_dir), ["late", "later"], [])
    sent = {name: _sent(fleets_dir, name) for name in ("alice", "ci", "late", "later")}
    first = _authority(fleets_dir)
    assert revoke(_fleet(fleets_dir), ["late", "alice"]) == ["alice", "late"]
    second = _authority(fleets_dir)
    assert second.issuer != first.issuer
    assert {name: lets_in(second.client_trust, pem) for name, pem in sent.items()} == {
        "alice": False,
        "ci": True,
        "late": False,
        "later": True,
    }
    assert not lets_in(second.client_trust, _revoked(fleets_dir, "bob"))
    assert first.issuer not in second.listed, "daemons would accept every client that it signed"
    assert first.certificate not in second.listed


def test_all_certificates_that_a_client_has_had_are_shut_out_together(fleets_dir: Path, lets_in: LetsIn) -> None:
    old = _sent(fleets_dir, "bob")
    ensure_bundles(_fleet(fleets_dir, **DUE), ["bob"], [])
    renewed = _sent(fleets_dir, "bob")
    far = _sign_far(fleets_dir, "bob")
    assert len({old, renewed, far}) == 3
    revoke(_fleet(fleets_dir), ["bob"])
    trust = _authority(fleets_dir).client_trust
    assert [lets_in(trust, sent) for sent in (old, renewed, far)] == [False] * 3


def test_all_certificates_that_another_has_go_on(fleets_dir: Path, lets_in: LetsIn) -> None:
    old = _sent(fleets_dir, "ci")
    ensure_bundles(_fleet(fleets_dir, **DUE), ["ci"], [])
    far = _sign_far(fleets_dir, "ci")
    revoke(_fleet(fleets_dir), ["bob"])
    trust = _authority(fleets_dir).client_trust
    assert [lets_in(trust, sent) for sent in (old, _sent(fleets_dir, "ci"), far)] == [True] * 3


def test_a_client_that_was_taken_off_its_machine_is_left_out_by_the_next_revocation(
    fleets_dir: Path, lets_in: LetsIn
) -> None:
    far = _sign_far(fleets_dir)
    note_removed(_fleet(fleets_dir).issued_folder, try_chain(far)[0])
    assert lets_in(_authority(fleets_dir).client_trust, far), "nobody was told"
    revoke(_fleet(fleets_dir), ["bob"])
    assert not lets_in(_authority(fleets_dir).client_trust, far)
    assert lets_in(_authority(fleets_dir).client_trust, _sent(fleets_dir, "ci"))


def test_a_client_that_was_taken_off_its_machine_can_be_revoked(fleets_dir: Path, lets_in: LetsIn) -> None:
    far = _sign_far(fleets_dir)
    note_removed(_fleet(fleets_dir).issued_folder, try_chain(far)[0])
    assert revoke(_fleet(fleets_dir), ["far"]) == ["far"]
    assert not lets_in(_authority(fleets_dir).client_trust, far)


@pytest.mark.parametrize("check_mode", [True, False])
def test_revoking_again_changes_nothing(fleets_dir: Path, check_mode: bool) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    before = _image(fleets_dir)
    assert revoke(_fleet(fleets_dir, check_mode=check_mode), ["bob"]) == []
    assert _image(fleets_dir) == before


def test_check_mode_predicts_and_touches_nothing(fleets_dir: Path) -> None:
    before = _image(fleets_dir)
    fleet = _fleet(fleets_dir, check_mode=True)
    assert revoke(fleet, ["bob"]) == ["bob"]
    assert fleet.required_authority().issuer is not None, "it goes on as if it were done"
    assert _image(fleets_dir) == before
    assert not (fleets_dir / "default" / "revoked").exists()
    assert revoke(_fleet(fleets_dir), ["bob"]) == ["bob"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("names", "failure_key"), [(["bob", "nobody"], "client_missing"), (["../ci"], "invalid_name")])
def test_who_is_not_known_is_refused_and_nobody_revoked(
    fleets_dir: Path, names: list[str], failure_key: str, check_mode: bool
) -> None:
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        revoke(_fleet(fleets_dir, check_mode=check_mode), names)
    assert failure.value.key == failure_key
    assert _image(fleets_dir) == before


@pytest.mark.parametrize("check_mode", [True, False])
def test_who_was_revoked_is_not_made_again_unasked(fleets_dir: Path, check_mode: bool) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    before = _image(fleets_dir)
    fleet = _fleet(fleets_dir, check_mode=check_mode)
    for use in (lambda: ensure_bundles(fleet, ["bob"], []), lambda: fleet.sign_client_csr(b"", "bob")):
        with pytest.raises(Failure) as failure:
            use()
        assert failure.value.key == "client_revoked"
    assert _image(fleets_dir) == before


def test_who_is_let_in_again_has_a_new_certificate_and_the_old_one_stays_shut_out(
    fleets_dir: Path, lets_in: LetsIn
) -> None:
    old = _sent(fleets_dir, "bob")
    revoke(_fleet(fleets_dir), ["bob"])
    for path in (fleets_dir / "default/revoked/bob").iterdir():
        path.unlink()
    (fleets_dir / "default/revoked/bob").rmdir()
    ensure_bundles(_fleet(fleets_dir), ["bob"], [])
    trust = _authority(fleets_dir).client_trust
    assert lets_in(trust, _sent(fleets_dir, "bob"))
    assert not lets_in(trust, old)
    revoke(_fleet(fleets_dir), ["bob"])
    assert not lets_in(_authority(fleets_dir).client_trust, _revoked(fleets_dir, "bob"))


def test_a_client_on_another_machine_gets_a_stand_in_that_proves_as_much(fleets_dir: Path, lets_in: LetsIn) -> None:
    far = _sign_far(fleets_dir)
    before = _authority(fleets_dir).client_trust
    assert revoke(_fleet(fleets_dir), ["far"]) == ["far"]
    trust, stand_in = _authority(fleets_dir).client_trust, _revoked(fleets_dir, "far")
    assert not lets_in(trust, far)
    assert not lets_in(trust, stand_in)
    assert lets_in(before, stand_in), "a daemon that has not heard of it would let it in, so it proves something"
    assert try_chain(stand_in)[0].subject == try_chain(far)[0].subject
    key = load_private_key((fleets_dir / "default/revoked/far/key.pem").read_bytes(), path="")
    assert key.public_key() == try_chain(stand_in)[0].public_key() != try_chain(far)[0].public_key()
    assert list(revoked_bundles(_fleet(fleets_dir))) == ["far"]
    assert revoke(_fleet(fleets_dir), ["far"]) == []


def test_bundles_for_the_proof_are_those_that_would_else_be_let_in(
    fleets_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke(_fleet(fleets_dir), ["alice", "bob"])
    (fleets_dir / "default/revoked/alice/key.pem").unlink()
    assert revoked_bundles(_fleet(fleets_dir)) == {"bob": fleets_dir / "default/revoked/bob"}
    later = clock.now() + datetime.timedelta(days=366)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert revoked_bundles(_fleet(fleets_dir)) == {}, "an expired certificate is turned away in any case"


def test_expired_certificates_are_not_listed(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + datetime.timedelta(days=366)
    monkeypatch.setattr(clock, "now", lambda: later)
    ensure_bundles(_fleet(fleets_dir), ["bob"], [])
    revoke(_fleet(fleets_dir), ["bob"])
    authority = _authority(fleets_dir)
    assert authority.listed == (authority.issuer,)


def test_a_list_that_no_handshake_could_carry_is_refused(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LIST_LIMIT < 65_458, "measured: from there on, nobody gets in"
    listed = [try_chain(_sent(fleets_dir, name))[0] for name in ("alice", "ci")]
    size = sum(len(certificate.subject.public_bytes()) + 2 for certificate in listed)
    before = _image(fleets_dir)
    monkeypatch.setattr(revocation, "LIST_LIMIT", size - 1)
    for check_mode in (True, False):
        with pytest.raises(Failure) as failure:
            revoke(_fleet(fleets_dir, check_mode=check_mode), ["bob"])
        assert failure.value.key == "too_many_clients"
        assert _image(fleets_dir) == before
    monkeypatch.setattr(revocation, "LIST_LIMIT", size)
    assert revoke(_fleet(fleets_dir), ["bob"]) == ["bob"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("given", "failure_key"), [(None, "passphrase_missing"), ("wrong", "passphrase_wrong")])
def test_a_passphrase_that_does_not_fit_shows_before_anything_is_moved(
    tmp_path: Path, given: str | None, failure_key: str, check_mode: bool
) -> None:
    fleets_dir = tmp_path / "fleets"
    ensure_bundles(_fleet(fleets_dir, passphrase=PASSPHRASE), CLIENTS, [])
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        revoke(_fleet(fleets_dir, passphrase=given, check_mode=check_mode), ["bob"])
    assert failure.value.key == failure_key
    assert _image(fleets_dir) == before


def test_the_new_issuers_key_has_the_passphrase_too(tmp_path: Path) -> None:
    fleets_dir = tmp_path / "fleets"
    ensure_bundles(_fleet(fleets_dir, passphrase=PASSPHRASE), CLIENTS, [])
    revoke(_fleet(fleets_dir, passphrase=PASSPHRASE), ["bob"])
    assert b"ENCRYPTED" in (fleets_dir / "default/authority/issuer-key.pem").read_bytes()
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(fleets_dir), ["late"], [])
    assert failure.value.key == "passphrase_missing"
    ensure_bundles(_fleet(fleets_dir, passphrase=PASSPHRASE), ["late"], [])


@pytest.mark.parametrize("check_mode", [True, False])
def test_there_is_no_revoking_while_daemons_lose_the_old_authority_or_without_the_authoritys_key(
    fleets_dir: Path, check_mode: bool
) -> None:
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [], [])
    before = _image(fleets_dir)
    with pytest.raises(Failure) as failure:
        revoke(_fleet(fleets_dir, check_mode=check_mode), ["bob"])
    assert failure.value.key == "rotation_unfinished"
    (fleets_dir / "default/authority/ca-key.pem").unlink()
    with pytest.raises(Failure) as failure:
        revoke(_fleet(fleets_dir, check_mode=check_mode), ["bob"])
    assert failure.value.key == "revocation_unsupported"
    before.pop("default/authority/ca-key.pem")
    assert _image(fleets_dir) == before


def test_a_revocation_that_was_cut_off_goes_on(fleets_dir: Path, lets_in: LetsIn) -> None:
    """The bundle was moved, the list not yet written."""
    (fleets_dir / "default/revoked").mkdir()
    (fleets_dir / "default/clients/bob").rename(fleets_dir / "default/revoked/bob")
    assert lets_in(_authority(fleets_dir).client_trust, _revoked(fleets_dir, "bob"))
    assert revoke(_fleet(fleets_dir), ["bob"]) == ["bob"]
    assert not lets_in(_authority(fleets_dir).client_trust, _revoked(fleets_dir, "bob"))


def test_a_stand_in_comes_from_the_same_issuer_as_what_it_stands_for(fleets_dir: Path, lets_in: LetsIn) -> None:
    revoke(_fleet(fleets_dir), ["bob"])
    _sign_far(fleets_dir)
    before = _authority(fleets_dir).client_trust
    revoke(_fleet(fleets_dir), ["far"])
    assert lets_in(before, _revoked(fleets_dir, "far"))
    assert not lets_in(_authority(fleets_dir).client_trust, _revoked(fleets_dir, "far"))


def test_clients_from_before_certificates_were_noted_are_known_by_their_bundles(
    fleets_dir: Path, lets_in: LetsIn
) -> None:
    for path in (fleets_dir / "default/issued").iterdir():
        path.unlink()
    assert revoke(_fleet(fleets_dir), ["bob"]) == ["bob"]
    trust = _authority(fleets_dir).client_trust
    assert [lets_in(trust, _sent(fleets_dir, name)) for name in ("alice", "ci")] == [True, True]
    assert not lets_in(trust, _revoked(fleets_dir, "bob"))
