# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom HAProxy lets in: at each moment of a fleet those whom dockerd does, by OpenSSL's own verification."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.gateway_trust import (
    client_authorities,
    revocation_lists,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.issued import note_removed
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import signing_request

LetsIn = t.Callable[[bytes, bytes], bool]
CLIENTS = ["alice", "bob", "ci", "dan", "eve"]
PASSPHRASE = "correct-horse"

NEEDS_OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not there")
pytestmark = NEEDS_OPENSSL


class Site:
    """A fleet, and a host that HAProxy guards: each certificate that anyone was ever given, by its client."""

    def __init__(self, folder: Path, lets_in: LetsIn, key_type: str = "ecdsa_p256", **settings: t.Any) -> None:
        self.folder = folder
        self.settings = {"key_type": key_type, "authority_key_type": key_type, **settings}
        self._lets_in = lets_in
        self.given: dict[bytes, str] = {}
        #: The lists that the host has.
        self.lists: bytes | None = None

    def fleet(self, *, check_mode: bool = False, **settings: t.Any) -> Fleet:
        options = Settings(**{**self.settings, **settings})
        return Fleet(str(self.folder), "default", options, check_mode=check_mode)

    def make(self, *names: str) -> None:
        ensure_bundles(self.fleet(), list(names), [{"name": "web1", "tls_sans": []}])

    def make_far(self, name: str) -> x509.Certificate:
        """Sign for a client on another machine."""
        request = signing_request(generate_key("ecdsa_p256"), common_name=name)
        chain = self.fleet().sign_client_csr(request.public_bytes(serialization.Encoding.PEM), name)
        self.given[as_pem(chain)] = name
        return chain[0]

    @property
    def server(self) -> x509.Certificate:
        return try_chain((self.folder / "default/servers/web1/cert.pem").read_bytes())[0]

    def update(self) -> None:
        """What a run does on the host."""
        self.lists = revocation_lists(self.fleet(), self.lists, certificate=self.server, again=False)

    def verifies(self, sent: bytes) -> bool:
        """As HAProxy has OpenSSL do it, which is sent the chain."""
        paths = {name: str(self.folder / name) for name in ("ca", "crl", "sent")}
        assert self.lists is not None
        for name, pem in (("ca", client_authorities(self.fleet().required_authority())), ("crl", self.lists)):
            Path(paths[name]).write_bytes(pem)
        Path(paths["sent"]).write_bytes(sent)
        words = ["openssl", "verify", "-crl_check_all", "-purpose", "sslclient", "-no-CApath", "-no-CAstore"]
        words += ["-CAfile", paths["ca"], "-CRLfile", paths["crl"], "-untrusted", paths["sent"], paths["sent"]]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    def check(self, **access: bool) -> None:
        """HAProxy and dockerd agree on all who were ever given a certificate; C(access): on today's of these."""
        for path in (self.folder / "default").glob("[cr]*/*/cert.pem"):
            if path.parents[1].name in ("clients", "revoked"):
                self.given[path.read_bytes()] = path.parent.name
        self.update()
        trust = self.fleet().required_authority().client_trust
        found = {sent: self.verifies(sent) for sent in self.given}
        assert {(self.given[s], v) for s, v in found.items() if v is not self._lets_in(trust, s)} == set()
        for name, expected in access.items():
            last = [verified for sent, verified in found.items() if self.given[sent] == name][-1]
            assert last is expected, name


@pytest.fixture
def site(tmp_path: Path, lets_in: LetsIn) -> Site:
    site = Site(tmp_path / "fleets", lets_in)
    site.make(*CLIENTS)
    return site


@pytest.mark.parametrize("key_type", ["ecdsa_p256", "rsa_2048", "ed25519"])
def test_revocations_one_after_the_other(tmp_path: Path, lets_in: LetsIn, key_type: str) -> None:
    site = Site(tmp_path / "fleets", lets_in, key_type)
    site.make(*CLIENTS)
    site.check(alice=True, bob=True, ci=True)
    revoke(site.fleet(), ["bob"])
    site.check(alice=True, bob=False, ci=True)
    site.make("late")
    site.make_far("far")
    site.check(alice=True, bob=False, late=True, far=True)
    revoke(site.fleet(), ["alice", "late"])
    site.check(alice=False, bob=False, ci=True, late=False, far=True)
    site.make("later")
    revoke(site.fleet(), ["far"])
    site.check(ci=True, dan=True, far=False, later=True, late=False)
    revoke(site.fleet(), ["later", "dan"])
    site.check(ci=True, dan=False, later=False, eve=True)


def test_who_is_let_in_again_has_access_with_the_new_certificate_alone(site: Site) -> None:
    revoke(site.fleet(), ["bob"])
    site.check(bob=False)
    shutil.rmtree(site.folder / "default/revoked/bob")
    site.make("bob")
    site.check(bob=True)
    assert sorted(map(site.verifies, [s for s, name in site.given.items() if name == "bob"])) == [False, True]
    revoke(site.fleet(), ["bob"])
    site.check(bob=False, ci=True)


def test_who_was_taken_off_its_machine_has_no_access(site: Site) -> None:
    certificate = site.make_far("far")
    site.check(far=True)
    note_removed(site.fleet().issued_folder, certificate)
    site.update()
    assert not site.verifies(as_pem([certificate])), "dockerd lets it in until the next revocation"


@pytest.mark.parametrize("before", [(), ("bob",), ("bob", "alice")])
@pytest.mark.parametrize("meanwhile", [(), ("dan", "eve")])
def test_a_rotation_after_and_with_revocations(site: Site, before: tuple[str, ...], meanwhile: tuple[str, ...]) -> None:
    for number, name in enumerate(before):
        revoke(site.fleet(), [name])
        site.make(f"late{number}")
    gone = dict.fromkeys(before, False)
    site.check(ci=True, dan=True, **gone)
    begin(site.fleet())
    site.check(ci=True, dan=True, **gone)
    for name in meanwhile:
        revoke(site.fleet(), [name])
        site.make(f"after-{name}")
        gone[name] = False
        site.check(ci=True, **{f"after-{name}": True}, **gone)
    drop(site.fleet(), [], [])
    site.check(ci=True, **gone)
    end(site.fleet(), [], [])
    site.check(ci=True, **gone)
    revoke(site.fleet(), ["ci"])
    site.make("last")
    site.check(ci=False, last=True, **gone)


def test_a_second_rotation(site: Site) -> None:
    revoke(site.fleet(), ["bob"])
    for _number in range(2):
        begin(site.fleet())
        revoke(site.fleet(), ["alice"])
        drop(site.fleet(), [], [])
        end(site.fleet(), [], [])
        site.check(ci=True, bob=False, alice=False)
    assert len(client_authorities(site.fleet().required_authority())) < 10_000, "those of the past are gone"


def test_lists_that_are_good_stay_as_they_are_and_no_key_is_opened(tmp_path: Path, lets_in: LetsIn) -> None:
    site = Site(tmp_path / "fleets", lets_in, passphrase=PASSPHRASE)
    site.make(*CLIENTS)
    for name in ("", "bob", "alice"):
        if name:
            revoke(site.fleet(), [name])
        with pytest.raises(Failure) as caught:
            revocation_lists(site.fleet(passphrase="wrong"), site.lists, certificate=site.server, again=False)
        assert caught.value.key == "passphrase_wrong"
        site.update()
        for check_mode in (True, False):
            closed = site.fleet(passphrase="wrong", check_mode=check_mode)
            assert revocation_lists(closed, site.lists, certificate=site.server, again=False) == site.lists
        site.check(ci=True)


def test_check_mode_signs_nothing(site: Site) -> None:
    def predicted(*, again: bool = False) -> bytes | None:
        return revocation_lists(site.fleet(check_mode=True), site.lists, certificate=site.server, again=again)

    assert predicted() is None
    site.update()
    assert predicted() == site.lists
    assert predicted(again=True) is None
    revoke(site.fleet(), ["bob"])
    assert predicted() is None


def _ends(lists: bytes | None) -> list[datetime.datetime | None]:
    end = b"-----END X509 CRL-----\n"
    return [x509.load_pem_x509_crl(part + end).next_update_utc for part in (lists or b"").split(end)[:-1]]


@pytest.mark.parametrize("days", [30, 365, 3000])
def test_no_list_ends_before_the_servers_certificate_unless_its_ca_does(
    site: Site, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HAProxy lets nobody in once a list has expired; the certificate is renewed before."""
    revoke(site.fleet(), ["bob"])
    for lists_valid in (7, 400, 5000):
        settings = {"validity": datetime.timedelta(days=lists_valid)}
        monkeypatch.setattr(clock, "now", lambda: datetime.datetime.now(datetime.timezone.utc))
        server = Site(site.folder, site._lets_in, validity=datetime.timedelta(days=days))
        ensure_bundles(server.fleet(), [], [{"name": f"web{days}", "tls_sans": []}])
        certificate = try_chain((site.folder / f"default/servers/web{days}/cert.pem").read_bytes())[0]
        lists = revocation_lists(site.fleet(**settings), None, certificate=certificate, again=False)
        ends = [ca.not_valid_after_utc for ca, _key in site.fleet().required_authority().list_signers]
        assert len(_ends(lists)) == len(ends) == 2
        for last, ca_end in zip(_ends(lists), ends):
            assert last is not None
            assert min(certificate.not_valid_after_utc, ca_end) <= last <= ca_end
        assert revocation_lists(site.fleet(**settings), lists, certificate=certificate, again=False) == lists


def test_lists_that_end_before_a_renewed_certificate_are_made_anew(site: Site) -> None:
    site.update()
    days = {"validity": datetime.timedelta(days=900)}
    ensure_bundles(site.fleet(**days), [], [{"name": "web2", "tls_sans": []}])
    renewed = try_chain((site.folder / "default/servers/web2/cert.pem").read_bytes())[0]
    lists = revocation_lists(site.fleet(), site.lists, certificate=renewed, again=False)
    assert lists != site.lists
    assert _ends(lists)[0] >= renewed.not_valid_after_utc  # type: ignore[operator]


@pytest.mark.parametrize("present", [b"", b"no list", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"])
def test_lists_that_can_not_be_read_or_are_of_others_are_replaced(
    site: Site, present: bytes, tmp_path: Path, lets_in: LetsIn
) -> None:
    other = Site(tmp_path / "other", lets_in)
    other.make("bob")
    other.update()
    for lists in (present, other.lists):
        site.lists = lists
        site.check(ci=True)
        assert site.lists != lists


def test_a_list_may_have_more_than_is_known_of(site: Site) -> None:
    """Certificates that have expired, or folders that are lost: neither is a reason to let anybody in again."""
    revoke(site.fleet(), ["bob"])
    site.update()
    before = site.lists
    shutil.rmtree(site.folder / "default/revoked")
    shutil.rmtree(site.folder / "default/issued")
    site.update()
    assert site.lists == before


def test_an_authority_whose_key_is_elsewhere_can_sign_no_lists(tmp_path: Path, site: Site) -> None:
    (site.folder / "default/authority/ca-key.pem").unlink()
    fleet = site.fleet(sign_command="sign")
    with pytest.raises(Failure) as caught:
        client_authorities(fleet.required_authority())
    assert caught.value.key == "gateway_authority"
    assert "its key is elsewhere" in str(caught.value)
