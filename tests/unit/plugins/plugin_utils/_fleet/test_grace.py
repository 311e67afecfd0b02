# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation that waits: the old authority stays trusted until its time, whoever was revoked meanwhile stays out."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.grace import go_on
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.rotation_state import (
    RotationState,
    parse_grace,
    parse_rotation,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.authority import Authority
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import authority_certificate, signing_request

LetsIn = t.Callable[[bytes, bytes], bool]
MakeRecord = t.Callable[..., EndpointRecord]

CLIENTS = ["alice", "bob", "ci"]
WEEK = datetime.timedelta(days=7)


def _fleet(fleets_dir: Path, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings), check_mode=check_mode)


def _authority(fleets_dir: Path) -> Authority:
    return _fleet(fleets_dir).required_authority()


def _sent(fleets_dir: Path, name: str, folder: str = "clients") -> bytes:
    return (fleets_dir / "default" / folder / name / "cert.pem").read_bytes()


def _sign_far(fleets_dir: Path) -> bytes:
    """Return what a client on another machine gets."""
    request = signing_request(generate_key("ecdsa_p256"), common_name="far")
    return as_pem(_fleet(fleets_dir).sign_client_csr(request.public_bytes(serialization.Encoding.PEM), "far"))


def _image(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def _renew(
    fleets_dir: Path, seen: t.Sequence[EndpointRecord] = (), *, check_mode: bool = False
) -> tuple[bool, list[str]]:
    """What the role does in a renewal; return whether it changed anything, and its warnings."""
    fleet = _fleet(fleets_dir, check_mode=check_mode)
    result = ensure_bundles(fleet, [], [], existing=True, go_on=lambda fleet: go_on(fleet, lambda: seen))
    return result["changed"], result["warnings"]


def _go_would_send(trust: bytes, sent: bytes) -> bool:
    """crypto/tls: a client sends its certificate only where the server's list of names has the issuer of one of it."""
    names = [certificate.subject for certificate in try_chain(trust)]
    return any(certificate.issuer in names for certificate in try_chain(sent))


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    """A fleet with three clients and a server."""
    ensure_bundles(_fleet(tmp_path / "fleets"), CLIENTS, [{"name": "web1", "tls_sans": []}])
    return tmp_path / "fleets"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., None]:
    """Sets the clock on."""
    real = clock.now

    def set_on(**duration: int) -> None:
        monkeypatch.setattr(clock, "now", lambda: real() + datetime.timedelta(**duration))

    return set_on


@pytest.fixture
def make_seen(fleets_dir: Path, make_record: MakeRecord) -> MakeRecord:
    """The record of a daemon that was visited and seen working."""

    def make(**changes: t.Any) -> EndpointRecord:
        authority = _authority(fleets_dir)
        facts = {"issuer": fingerprint(authority.certificate), "trust": authority.client_trust_digest, "verified": True}
        return make_record(**{**facts, **changes})

    return make


def test_the_old_authority_stays_until_the_first_renewal_after_its_time(
    fleets_dir: Path, later: t.Callable[..., None], lets_in: LetsIn, make_seen: MakeRecord
) -> None:
    old_ci, old = _sent(fleets_dir, "ci"), _authority(fleets_dir).certificate
    begin(_fleet(fleets_dir), grace=WEEK)
    drop(_fleet(fleets_dir), [make_seen()], [])
    until = _authority(fleets_dir).rotation
    assert until is not None
    assert until.trusted_until is not None
    for days in (0, 6):
        later(days=days)
        before = _image(fleets_dir)
        changed, warnings = _renew(fleets_dir, [make_seen()])
        assert (changed, len(warnings)) == (False, 1)
        assert f"stays trusted until {until.trusted_until:%Y-%m-%d %H:%M} UTC" in warnings[0]
        assert _image(fleets_dir) == before
    authority = _authority(fleets_dir)
    assert lets_in(authority.client_trust, old_ci)
    assert as_pem([old]) in (fleets_dir / "default/clients/ci/ca.pem").read_bytes()

    later(days=7, minutes=1)
    seen = [make_seen()]
    predicted = _renew(fleets_dir, seen, check_mode=True)
    assert _authority(fleets_dir).phase == "overlap"
    assert _renew(fleets_dir, seen) == predicted == (True, [])
    assert _authority(fleets_dir).phase == "dropping"
    assert not lets_in(_authority(fleets_dir).client_trust, old_ci)
    assert as_pem([old]) not in (fleets_dir / "default/clients/ci/ca.pem").read_bytes()
    # The daemon was not visited yet; then it was, or it is gone.
    assert _renew(fleets_dir, seen) == (False, [])
    assert _renew(fleets_dir, [make_seen()], check_mode=True) == _renew(fleets_dir, [make_seen()]) == (True, [])
    assert _authority(fleets_dir).rotation is None
    assert _renew(fleets_dir, [make_seen()]) == (False, [])


def test_a_renewal_after_the_time_does_not_fail_for_who_waits_and_names_them(
    fleets_dir: Path, later: t.Callable[..., None], make_seen: MakeRecord
) -> None:
    begin(_fleet(fleets_dir), grace=WEEK)
    seen = [make_seen(), make_seen(name="web2", issuer="ab" * 32)]
    assert "web2 has a certificate of the old authority still" in _renew(fleets_dir, seen)[1][0]
    later(days=8)
    changed, (warning,) = _renew(fleets_dir, seen)
    assert changed is False
    assert "was to be dropped on" in warning
    assert "web2 has a certificate of the old authority still" in warning
    assert _authority(fleets_dir).phase == "overlap"
    with pytest.raises(Failure) as failure:
        drop(_fleet(fleets_dir), seen, [])
    assert failure.value.key == "rotation_unfinished"


def test_a_rotation_without_grace_is_not_finished_by_a_renewal(
    fleets_dir: Path, later: t.Callable[..., None], make_seen: MakeRecord
) -> None:
    """rotate_finish=false is there to give clients on other machines their certificates first."""
    begin(_fleet(fleets_dir))
    later(days=30)
    assert _renew(fleets_dir, [make_seen()]) == (False, [])
    assert _authority(fleets_dir).phase == "overlap"


@pytest.mark.parametrize(("grace", "days"), [(None, 7), (WEEK, 7), (2 * WEEK, 14), (datetime.timedelta(0), 0)])
def test_running_it_again_goes_on_and_another_grace_counts_from_the_beginning(
    fleets_dir: Path, later: t.Callable[..., None], grace: datetime.timedelta | None, days: int
) -> None:
    begin(_fleet(fleets_dir), grace=WEEK)
    first = _authority(fleets_dir)
    assert first.rotation is not None
    later(days=1)
    before = _image(fleets_dir)
    begin(_fleet(fleets_dir, check_mode=True), grace=grace)
    assert _image(fleets_dir) == before
    begin(_fleet(fleets_dir), grace=grace)
    again = _authority(fleets_dir)
    assert again.certificate == first.certificate
    assert again.rotation is not None
    assert (again.rotation.begun, again.rotation.grace) == (first.rotation.begun, datetime.timedelta(days=days))
    assert again.generations == first.generations, "daemons trust whom they trusted"
    assert (_image(fleets_dir) == before) == (days == 7)
    drop(_fleet(fleets_dir), [], [])
    assert _authority(fleets_dir).phase == ("overlap" if days else "dropping")


@pytest.mark.parametrize("check_mode", [True, False])
def test_another_authority_is_refused_until_this_one_is_in(fleets_dir: Path, tmp_path: Path, check_mode: bool) -> None:
    begin(_fleet(fleets_dir), grace=WEEK)
    key = generate_key("ecdsa_p256")
    mine = authority_certificate(key, common_name="mine", validity=WEEK * 100, now=clock.now())
    (tmp_path / "ca.pem").write_bytes(as_pem([mine]))
    (tmp_path / "ca-key.pem").write_bytes(private_key_pem(key))
    before = _image(fleets_dir)
    brought = {"authority_certificate": str(tmp_path / "ca.pem"), "authority_key": str(tmp_path / "ca-key.pem")}
    with pytest.raises(Failure, match="rotate_grace=0") as failure:
        begin(_fleet(fleets_dir, check_mode=check_mode, **brought))
    assert failure.value.key == "rotation_unfinished"
    assert _image(fleets_dir) == before


def test_a_client_that_is_revoked_in_the_grace_is_locked_out_by_both_authorities_and_nobody_else(
    fleets_dir: Path, later: t.Callable[..., None], lets_in: LetsIn, make_seen: MakeRecord
) -> None:
    old = {**{name: _sent(fleets_dir, name) for name in CLIENTS}, "far": _sign_far(fleets_dir)}
    begin(_fleet(fleets_dir), grace=WEEK)
    new = {name: _sent(fleets_dir, name) for name in CLIENTS}
    generations = _authority(fleets_dir).generations
    before = _image(fleets_dir)
    assert revoke(_fleet(fleets_dir, check_mode=True), ["bob"]) == ["bob"]
    assert _image(fleets_dir) == before
    assert revoke(_fleet(fleets_dir), ["bob"]) == ["bob"]
    assert revoke(_fleet(fleets_dir), ["bob"]) == []
    trust = _authority(fleets_dir).client_trust
    assert _authority(fleets_dir).generations[:-1] == generations, "older controllers are refused from then on"
    for sent in (old, new):
        for name, chain in sent.items():
            assert lets_in(trust, chain) == (name != "bob"), name
            assert _go_would_send(trust, chain), name
    # Nothing is due for the others, and who comes later needs no visit to any daemon.
    assert not ensure_bundles(_fleet(fleets_dir), ["alice", "ci"], [{"name": "web1", "tls_sans": []}])["changed"]
    assert not any(outcome.changed for outcome in begin(_fleet(fleets_dir)))
    ensure_bundles(_fleet(fleets_dir), ["dave"], [])
    far = _sign_far(fleets_dir)
    assert _authority(fleets_dir).client_trust == trust
    assert lets_in(trust, _sent(fleets_dir, "dave"))
    assert lets_in(trust, far)
    # A second one, which came from the first one's issuer.
    assert revoke(_fleet(fleets_dir), ["dave"]) == ["dave"]

    later(days=8)
    assert _renew(fleets_dir, [make_seen()])[0] is True
    for phase in ("dropping", None):
        authority = _authority(fleets_dir)
        assert authority.phase == phase
        trust = authority.client_trust
        for name in ("alice", "ci"):
            assert lets_in(trust, new[name])
            assert not lets_in(trust, old[name])
        assert lets_in(trust, far)
        for shut_out in (old["bob"], new["bob"], old["far"], _sent(fleets_dir, "dave", "revoked")):
            assert not lets_in(trust, shut_out)
        assert not ensure_bundles(_fleet(fleets_dir), ["alice", "ci"], [])["changed"]
        end(_fleet(fleets_dir), [], [])
    # The next revocation still knows everybody.
    revoke(_fleet(fleets_dir), ["ci"])
    trust = _authority(fleets_dir).client_trust
    assert [lets_in(trust, sent) for sent in (new["alice"], far, new["ci"])] == [True, True, False]


def test_nobody_waits_for_a_revoked_client_on_a_machine(fleets_dir: Path) -> None:
    sent = _sign_far(fleets_dir)
    record = fleets_dir / "default" / "machines" / "one" / "far.pem"
    record.parent.mkdir(parents=True)
    record.write_bytes(sent)
    begin(_fleet(fleets_dir))
    revoke(_fleet(fleets_dir), ["far"])
    drop(_fleet(fleets_dir), [], [])
    assert _authority(fleets_dir).phase == "dropping"


@pytest.mark.parametrize("grace", ["soon", "-1", "0.5", "1m", "30%"])
def test_a_grace_is_a_duration(grace: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_grace(grace)
    assert failure.value.key == "invalid_grace"


@pytest.mark.parametrize(
    ("grace", "expected"), [("7d", WEEK), (7, WEEK), ("12h", WEEK / 14), (0, 0 * WEEK), ("", 0 * WEEK)]
)
def test_what_a_grace_may_be(grace: str | int, expected: datetime.timedelta) -> None:
    assert parse_grace(grace) == expected


def test_the_file_says_how_far_it_is() -> None:
    begun = datetime.datetime(2026, 11, 21, 22, tzinfo=datetime.timezone.utc)
    for state in (RotationState("overlap"), RotationState("overlap", begun), RotationState("overlap", begun, WEEK)):
        assert parse_rotation(state.as_bytes(), "rotation") == state
    assert parse_rotation(None, "rotation") is None


@pytest.mark.parametrize("line", ["begun yesterday", "grace long"])
def test_a_damaged_file_is_refused(fleets_dir: Path, line: str) -> None:
    """Whether the old authority is trusted is not to be guessed."""
    begin(_fleet(fleets_dir), grace=WEEK)
    (fleets_dir / "default/authority/rotation").write_text(f"overlap\n{line}\n")
    with pytest.raises(Failure) as failure:
        _authority(fleets_dir)
    assert failure.value.key == "authority_mismatch"
