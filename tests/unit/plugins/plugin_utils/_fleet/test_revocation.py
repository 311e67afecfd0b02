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
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.issued import note_removed
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import (
    LIST_LIMIT,
    revoke,
    revoked_bundles,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.authority import Authority
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, is_issued_by, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import load_private_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import signing_request
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import RenewBefore

LetsIn = t.Callable[[bytes, bytes], bool]

CLIENTS = ["alice", "bob", "ci"]
PASSPHRASE = "correct-horse"


def _fleet(home: Path, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    return Fleet(str(home), "default", Settings(**settings), check_mode=check_mode)


def _authority(home: Path) -> Authority:
    return _fleet(home).required_authority()


def _sent(home: Path, name: str) -> bytes:
    return (home / "default" / "clients" / name / "cert.pem").read_bytes()


def _revoked(home: Path, name: str) -> bytes:
    return (home / "default" / "revoked" / name / "cert.pem").read_bytes()


def _image(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def _sign_far(home: Path, name: str = "far") -> bytes:
    """Return what a client on another machine gets."""
    request = signing_request(generate_key("ecdsa_p256"), common_name=name)
    return as_pem(_fleet(home).sign_client_request(request.public_bytes(serialization.Encoding.PEM), name))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fleet with three clients and a server."""
    ensure_bundles(_fleet(tmp_path / "home"), CLIENTS, [{"name": "web1", "names": []}])
    return tmp_path / "home"


def test_one_is_turned_away_and_the_others_are_let_in_as_they_are(home: Path, lets_in: LetsIn) -> None:
    trust, before = _authority(home).client_trust, _image(home)
    sent = {name: _sent(home, name) for name in CLIENTS}
    assert all(lets_in(trust, sent[name]) for name in CLIENTS)
    assert revoke(_fleet(home), ["bob"]) == ["bob"]
    trust = _authority(home).client_trust
    assert {name: lets_in(trust, sent[name]) for name in CLIENTS} == {"alice": True, "bob": False, "ci": True}
    after = _image(home)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {
        *(f"default/authority/{name}" for name in ("issuer.pem", "issuer-key.pem", "clients-ca.pem")),
        *(
            f"default/{folder}/bob/{name}"
            for folder in ("clients", "revoked")
            for name in ("ca.pem", "cert.pem", "key.pem")
        ),
    }, "the others' bundles are what they were, to the byte and the second"


def test_nothing_is_due_for_the_others_afterwards(home: Path) -> None:
    revoke(_fleet(home), ["bob"])
    result = ensure_bundles(_fleet(home), ["alice", "ci"], [{"name": "web1", "names": []}])
    assert result["changed"] is False


def test_who_comes_or_renews_later_comes_from_the_new_issuer_and_no_daemon_hears_of_it(
    home: Path, lets_in: LetsIn
) -> None:
    revoke(_fleet(home), ["bob"])
    authority = _authority(home)
    ensure_bundles(_fleet(home, validity=700, renew_before=RenewBefore(days=400)), ["ci", "late"], [])
    far = _sign_far(home)
    assert authority.issuer is not None
    for sent in (_sent(home, "ci"), _sent(home, "late"), far):
        assert is_issued_by(try_chain(sent)[0], authority.issuer)
        assert lets_in(authority.client_trust, sent)
    assert _authority(home).client_trust == authority.client_trust
    assert not ensure_bundles(_fleet(home), ["ci", "late"], [])["changed"]


def test_servers_are_signed_by_the_authority_still(home: Path) -> None:
    revoke(_fleet(home), ["bob"])
    ensure_bundles(_fleet(home), [], [{"name": "web2", "names": []}])
    server = try_chain((home / "default/servers/web2/cert.pem").read_bytes())[0]
    assert is_issued_by(server, _authority(home).certificate)
    assert (home / "default/servers/web2/ca.pem").read_bytes() == (home / "default/authority/ca.pem").read_bytes()


def test_a_second_revocation_reaches_old_and_new_clients(home: Path, lets_in: LetsIn) -> None:
    revoke(_fleet(home), ["bob"])
    ensure_bundles(_fleet(home), ["late", "later"], [])
    sent = {name: _sent(home, name) for name in ("alice", "ci", "late", "later")}
    first = _authority(home)
    assert revoke(_fleet(home), ["late", "alice"]) == ["alice", "late"]
    second = _authority(home)
    assert second.issuer != first.issuer
    assert {name: lets_in(second.client_trust, pem) for name, pem in sent.items()} == {
        "alice": False,
        "ci": True,
        "late": False,
        "later": True,
    }
    assert not lets_in(second.client_trust, _revoked(home, "bob"))
    assert first.issuer not in second.listed, "it would let in all that it has signed"
    assert first.certificate not in second.listed


def test_all_certificates_that_a_client_has_had_are_shut_out_together(home: Path, lets_in: LetsIn) -> None:
    old = _sent(home, "bob")
    ensure_bundles(_fleet(home, validity=700, renew_before=RenewBefore(days=400)), ["bob"], [])
    renewed = _sent(home, "bob")
    far = _sign_far(home, "bob")
    assert len({old, renewed, far}) == 3
    revoke(_fleet(home), ["bob"])
    trust = _authority(home).client_trust
    assert [lets_in(trust, sent) for sent in (old, renewed, far)] == [False] * 3


def test_all_certificates_that_another_has_go_on(home: Path, lets_in: LetsIn) -> None:
    old = _sent(home, "ci")
    ensure_bundles(_fleet(home, validity=700, renew_before=RenewBefore(days=400)), ["ci"], [])
    far = _sign_far(home, "ci")
    revoke(_fleet(home), ["bob"])
    trust = _authority(home).client_trust
    assert [lets_in(trust, sent) for sent in (old, _sent(home, "ci"), far)] == [True] * 3


def test_a_client_that_was_taken_off_its_machine_is_left_out_by_the_next_revocation(
    home: Path, lets_in: LetsIn
) -> None:
    far = _sign_far(home)
    note_removed(_fleet(home).issued_folder, try_chain(far)[0])
    assert lets_in(_authority(home).client_trust, far), "nobody was told"
    revoke(_fleet(home), ["bob"])
    assert not lets_in(_authority(home).client_trust, far)
    assert lets_in(_authority(home).client_trust, _sent(home, "ci"))


def test_a_client_that_was_taken_off_its_machine_can_be_revoked(home: Path, lets_in: LetsIn) -> None:
    far = _sign_far(home)
    note_removed(_fleet(home).issued_folder, try_chain(far)[0])
    assert revoke(_fleet(home), ["far"]) == ["far"]
    assert not lets_in(_authority(home).client_trust, far)


@pytest.mark.parametrize("check_mode", [True, False])
def test_revoking_again_changes_nothing(home: Path, check_mode: bool) -> None:
    revoke(_fleet(home), ["bob"])
    before = _image(home)
    assert revoke(_fleet(home, check_mode=check_mode), ["bob"]) == []
    assert _image(home) == before


def test_check_mode_predicts_and_touches_nothing(home: Path) -> None:
    before = _image(home)
    fleet = _fleet(home, check_mode=True)
    assert revoke(fleet, ["bob"]) == ["bob"]
    assert fleet.required_authority().issuer is not None, "it goes on as if it were done"
    assert _image(home) == before
    assert not (home / "default" / "revoked").exists()
    assert revoke(_fleet(home), ["bob"]) == ["bob"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("names", "failure_key"), [(["bob", "nobody"], "client_missing"), (["../ci"], "invalid_name")])
def test_who_is_not_known_is_refused_and_nobody_revoked(
    home: Path, names: list[str], failure_key: str, check_mode: bool
) -> None:
    before = _image(home)
    with pytest.raises(Failure) as failure:
        revoke(_fleet(home, check_mode=check_mode), names)
    assert failure.value.key == failure_key
    assert _image(home) == before


@pytest.mark.parametrize("check_mode", [True, False])
def test_who_was_revoked_is_not_made_again_unasked(home: Path, check_mode: bool) -> None:
    revoke(_fleet(home), ["bob"])
    before = _image(home)
    fleet = _fleet(home, check_mode=check_mode)
    for use in (lambda: ensure_bundles(fleet, ["bob"], []), lambda: fleet.sign_client_request(b"", "bob")):
        with pytest.raises(Failure) as failure:
            use()
        assert failure.value.key == "client_revoked"
    assert _image(home) == before


def test_who_is_let_in_again_has_a_new_certificate_and_the_old_one_stays_shut_out(home: Path, lets_in: LetsIn) -> None:
    old = _sent(home, "bob")
    revoke(_fleet(home), ["bob"])
    for path in (home / "default/revoked/bob").iterdir():
        path.unlink()
    (home / "default/revoked/bob").rmdir()
    ensure_bundles(_fleet(home), ["bob"], [])
    trust = _authority(home).client_trust
    assert lets_in(trust, _sent(home, "bob"))
    assert not lets_in(trust, old)
    revoke(_fleet(home), ["bob"])
    assert not lets_in(_authority(home).client_trust, _revoked(home, "bob"))


def test_a_client_on_another_machine_gets_a_stand_in_that_proves_as_much(home: Path, lets_in: LetsIn) -> None:
    far = _sign_far(home)
    before = _authority(home).client_trust
    assert revoke(_fleet(home), ["far"]) == ["far"]
    trust, stand_in = _authority(home).client_trust, _revoked(home, "far")
    assert not lets_in(trust, far)
    assert not lets_in(trust, stand_in)
    assert lets_in(before, stand_in), "a daemon that has not heard of it would let it in, so it proves something"
    assert try_chain(stand_in)[0].subject == try_chain(far)[0].subject
    key = load_private_key((home / "default/revoked/far/key.pem").read_bytes(), path="")
    assert key.public_key() == try_chain(stand_in)[0].public_key() != try_chain(far)[0].public_key()
    assert list(revoked_bundles(_fleet(home))) == ["far"]
    assert revoke(_fleet(home), ["far"]) == []


def test_bundles_for_the_proof_are_those_that_would_else_be_let_in(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revoke(_fleet(home), ["alice", "bob"])
    (home / "default/revoked/alice/key.pem").unlink()
    assert revoked_bundles(_fleet(home)) == {"bob": home / "default/revoked/bob"}
    later = clock.now() + datetime.timedelta(days=366)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert revoked_bundles(_fleet(home)) == {}, "an expired certificate is turned away in any case"


def test_expired_certificates_are_not_listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + datetime.timedelta(days=366)
    monkeypatch.setattr(clock, "now", lambda: later)
    ensure_bundles(_fleet(home), ["bob"], [])
    revoke(_fleet(home), ["bob"])
    authority = _authority(home)
    assert authority.listed == (authority.issuer,)


def test_a_list_that_no_handshake_could_carry_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LIST_LIMIT < 65_458, "measured: from there on, nobody gets in"
    listed = [try_chain(_sent(home, name))[0] for name in ("alice", "ci")]
    size = sum(len(certificate.subject.public_bytes()) + 2 for certificate in listed)
    before = _image(home)
    monkeypatch.setattr(revocation, "LIST_LIMIT", size - 1)
    for check_mode in (True, False):
        with pytest.raises(Failure) as failure:
            revoke(_fleet(home, check_mode=check_mode), ["bob"])
        assert failure.value.key == "too_many_clients"
        assert _image(home) == before
    monkeypatch.setattr(revocation, "LIST_LIMIT", size)
    assert revoke(_fleet(home), ["bob"]) == ["bob"]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("given", "failure_key"), [(None, "passphrase_missing"), ("wrong", "passphrase_wrong")])
def test_a_passphrase_that_does_not_fit_shows_before_anything_is_moved(
    tmp_path: Path, given: str | None, failure_key: str, check_mode: bool
) -> None:
    home = tmp_path / "home"
    ensure_bundles(_fleet(home, passphrase=PASSPHRASE), CLIENTS, [])
    before = _image(home)
    with pytest.raises(Failure) as failure:
        revoke(_fleet(home, passphrase=given, check_mode=check_mode), ["bob"])
    assert failure.value.key == failure_key
    assert _image(home) == before


def test_the_new_issuers_key_has_the_passphrase_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ensure_bundles(_fleet(home, passphrase=PASSPHRASE), CLIENTS, [])
    revoke(_fleet(home, passphrase=PASSPHRASE), ["bob"])
    assert b"ENCRYPTED" in (home / "default/authority/issuer-key.pem").read_bytes()
    with pytest.raises(Failure) as failure:
        ensure_bundles(_fleet(home), ["late"], [])
    assert failure.value.key == "passphrase_missing"
    ensure_bundles(_fleet(home, passphrase=PASSPHRASE), ["late"], [])


@pytest.mark.parametrize("check_mode", [True, False])
def test_there_is_no_revoking_in_the_midst_of_a_rotation_or_without_the_authoritys_key(
    home: Path, check_mode: bool
) -> None:
    begin(_fleet(home))
    before = _image(home)
    with pytest.raises(Failure) as failure:
        revoke(_fleet(home, check_mode=check_mode), ["bob"])
    assert failure.value.key == "rotation_unfinished"
    (home / "default/authority/ca-key.pem").unlink()
    with pytest.raises(Failure) as failure:
        revoke(_fleet(home, check_mode=check_mode), ["bob"])
    assert failure.value.key == "revocation_unsupported"
    before.pop("default/authority/ca-key.pem")
    assert _image(home) == before


def test_a_revocation_that_was_cut_off_goes_on(home: Path, lets_in: LetsIn) -> None:
    """The bundle was moved, the list not yet written."""
    (home / "default/revoked").mkdir()
    (home / "default/clients/bob").rename(home / "default/revoked/bob")
    assert lets_in(_authority(home).client_trust, _revoked(home, "bob"))
    assert revoke(_fleet(home), ["bob"]) == ["bob"]
    assert not lets_in(_authority(home).client_trust, _revoked(home, "bob"))


def test_a_stand_in_comes_from_the_same_issuer_as_what_it_stands_for(home: Path, lets_in: LetsIn) -> None:
    revoke(_fleet(home), ["bob"])
    _sign_far(home)
    before = _authority(home).client_trust
    revoke(_fleet(home), ["far"])
    assert lets_in(before, _revoked(home, "far"))
    assert not lets_in(_authority(home).client_trust, _revoked(home, "far"))


def test_clients_from_before_certificates_were_noted_are_known_by_their_bundles(home: Path, lets_in: LetsIn) -> None:
    for path in (home / "default/issued").iterdir():
        path.unlink()
    assert revoke(_fleet(home), ["bob"]) == ["bob"]
    trust = _authority(home).client_trust
    assert [lets_in(trust, _sent(home, name)) for name in ("alice", "ci")] == [True, True]
    assert not lets_in(trust, _revoked(home, "bob"))
