# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of real fleets' folders: rows, rights and findings."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.finding import Finding
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.folders import read_fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.live import Seen
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import Overview
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.overview import make_overview, visits_of
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import as_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint

MakeRecord = t.Callable[..., EndpointRecord]


class Site:
    """A fleet with an authority, the clients ci and bob, and whatever hosts a test exposes."""

    def __init__(self, folder: Path, make_record: MakeRecord) -> None:
        self.folder = folder
        self._make_record = make_record
        ensure_bundles(self.fleet, ["ci", "bob"], [{"name": "web1", "tls_sans": ["web1"]}])

    @property
    def fleet(self) -> Fleet:
        # With a passphrase, so that the key that lies open is what one test is about.
        return Fleet(str(self.folder), "default", Settings(passphrase="correct-horse"))

    def expose(self, **changes: t.Any) -> EndpointRecord:
        authority = self.fleet.required_authority()
        pem = (self.fleet.server_folder("web1") / "cert.pem").read_text()
        values: dict[str, t.Any] = {
            "certificate": pem,
            "issuer": fingerprint(authority.certificate),
            "trust": authority.client_trust_digest,
            "verified": True,
            "engine_version": "28.5.2",
        }
        record = self._make_record(**{**values, **changes})
        write_record(self.fleet.endpoints_folder, record)
        return record

    def look(
        self, *, docker_host: str | None = None, seen: dict[tuple[str, str], Seen] | None = None, days: float = 0
    ) -> Overview:
        now = clock.now() + datetime.timedelta(days=days)
        return make_overview([read_fleet(self.fleet, now)], docker_host=docker_host, seen=seen, now=now)


@pytest.fixture
def site(tmp_path: Path, make_record: MakeRecord) -> Site:
    return Site(tmp_path, make_record)


def _keys(overview: Overview) -> list[tuple[str, str, str]]:
    return [(each.key, each.severity, each.name) for each in overview.findings]


def _rights(overview: Overview) -> dict[str, t.Mapping[str, str]]:
    return {client.name: client.rights for client in overview.clients}


def test_a_fleet_as_it_should_be_has_no_findings(site: Site) -> None:
    site.expose()
    overview = site.look()
    assert _keys(overview) == []
    (endpoint,) = overview.endpoints
    assert (endpoint.state, endpoint.verified, endpoint.engine_version) == ("recorded", True, "28.5.2")
    assert endpoint.server is not None
    assert endpoint.clients is not None
    assert endpoint.authority is not None
    assert endpoint.authority.days_left(overview.now) > endpoint.server.days_left(overview.now)
    assert _rights(overview) == {"bob": {"web1": "full"}, "ci": {"web1": "full"}}


RECORDS: dict[str, tuple[dict[str, t.Any], tuple[str, str]]] = {
    "no TLS": ({"tls": False, "certificate": "", "issuer": None, "trust": None}, ("plain", "critical")),
    "every address": ({"listen": ["0.0.0.0:2376"]}, ("wildcard_address", "medium")),
    "every IPv6 address": ({"listen": ["[::]:2376"]}, ("wildcard_address", "medium")),
    "everyone": ({"allow": ["10.0.0.0/8", "any"]}, ("open_access", "medium")),
    "HTTP/2": ({"engine_version": "29.4.0"}, ("http2", "medium")),
    "not verified": ({"verified": False}, ("unverified", "medium")),
    "an older list": ({"trust": "ab" * 32}, ("older_list", "high")),
    "another authority": ({"issuer": "ab" * 32}, ("other_authority", "medium")),
    "a client CA of its own": ({"trust": None}, ("own_client_ca", "info")),
    "no certificate": ({"certificate": "gr\ud800\u00fcn"}, ("certificate_unknown", "medium")),
}


@pytest.mark.parametrize(("changes", "expected"), RECORDS.values(), ids=RECORDS)
def test_what_a_record_shows_is_a_finding(site: Site, changes: dict[str, t.Any], expected: tuple[str, str]) -> None:
    # A surrogate, as a JSON file can hold it.
    site.expose(**changes)
    assert _keys(site.look()) == [(*expected, "web1")]


DATES = {340.0: ("expires_soon", "medium"), 362.0: ("expires_soon", "high"), 366.0: ("expired", "critical")}


@pytest.mark.parametrize(("days", "expected"), DATES.items(), ids=["due", "urgent", "expired"])
def test_a_certificate_that_ends_is_a_finding_in_time(site: Site, days: float, expected: tuple[str, str]) -> None:
    site.expose()
    overview = site.look(days=days)
    assert (*expected, "web1") in _keys(overview)
    # A client that has expired keeps itself out, and nobody else.
    of_client = ("expired", "high") if expected[0] == "expired" else expected
    assert (*of_client, "ci") in _keys(overview)
    if expected[0] == "expired":
        assert overview.endpoints[0].state == "expired"
        assert _rights(overview)["ci"] == {"web1": "expired"}


def test_a_key_that_is_not_encrypted_is_a_finding(tmp_path: Path) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])
    overview = make_overview(
        [read_fleet(Fleet(str(tmp_path), "default"), clock.now())], docker_host=None, seen=None, now=clock.now()
    )
    assert _keys(overview) == [("key_not_encrypted", "low", "default")]


def test_a_folder_that_others_can_write_to_is_a_finding(site: Site) -> None:
    site.expose()
    site.fleet.folder.chmod(0o777)
    assert ("fleets_dir_unsafe", "critical", "default") in _keys(site.look())


def test_a_revoked_client_is_still_accepted_until_the_daemon_has_the_list(site: Site) -> None:
    before = site.expose()
    site.expose(name="web2", url="tcp://10.0.0.6:2376")
    with site.fleet.lock():
        revoke(site.fleet, ["bob"])
    site.expose(name="web2", url="tcp://10.0.0.6:2376")
    overview = site.look()
    assert before.trust is not None
    assert _rights(overview) == {
        "bob": {"web1": "still_accepted", "web2": "revoked"},
        "ci": {"web1": "full", "web2": "full"},
    }
    assert _keys(overview) == [("older_list", "high", "web1"), ("still_accepted", "high", "bob")]


def test_a_client_made_after_a_revocation_is_unknown_to_an_older_list(site: Site) -> None:
    site.expose()
    with site.fleet.lock():
        revoke(site.fleet, ["bob"])
    ensure_bundles(site.fleet, ["carol"], [])
    assert _rights(site.look())["carol"] == {"web1": "unknown"}
    site.expose()
    assert _rights(site.look())["carol"] == {"web1": "full"}


def test_no_tls_is_rights_for_anyone(site: Site) -> None:
    site.expose(tls=False, certificate="", issuer=None, trust=None)
    assert _rights(site.look())["ci"] == {"web1": "anyone"}


def test_a_client_elsewhere_is_known_by_its_certificate(site: Site) -> None:
    site.expose()
    pem = (site.fleet.client_folder("bob") / "cert.pem").read_bytes()
    folder = site.fleet.machines_folder / "runner1"
    folder.mkdir(parents=True)
    (folder / "bob.pem").write_bytes(pem)
    assert {client.name: client.places for client in site.look().clients}["bob"] == ("controller", "runner1")


@pytest.mark.parametrize("docker_host", ["tcp://10.0.0.5:2376", "10.0.0.5:2376", "https://10.0.0.5:2376/"])
def test_docker_host_makes_an_endpoint_active(site: Site, docker_host: str) -> None:
    site.expose()
    site.expose(name="web2", url="tcp://10.0.0.6:2376")
    assert [each.active for each in site.look(docker_host=docker_host).endpoints] == [True, False]


@pytest.mark.parametrize("docker_host", [None, "", "unix:///run/docker.sock", "tcp://10.0.0.5:2375", "tcp://[::"])
def test_another_docker_host_makes_none_active(site: Site, docker_host: str | None) -> None:
    site.expose()
    assert [each.active for each in site.look(docker_host=docker_host).endpoints] == [False]


def test_endpoints_are_in_the_order_of_people(site: Site) -> None:
    for name in ("web10", "web2", "db", "web1"):
        site.expose(name=name)
    (site.fleet.endpoints_folder / "web3.json").write_text("{")
    assert [each.name for each in site.look().endpoints] == ["db", "web1", "web2", "web3", "web10"]


def test_what_a_probe_saw_counts(site: Site) -> None:
    site.expose(engine_version="29.4.0", listen=["0.0.0.0:2376"])
    wildcard = Finding("wildcard_address", "high", "2.7", "dockerd says so", "Listen elsewhere")
    seen = Seen("answers", "dockerd answers", engine_version="29.9.1", findings=(wildcard,))
    overview = site.look(seen={("default", "web1"): seen})
    assert overview.live
    assert (overview.endpoints[0].state, overview.endpoints[0].engine_version) == ("answers", "29.9.1")
    assert _keys(overview) == [("wildcard_address", "high", "web1")]


def test_an_endpoint_that_does_not_answer_is_a_finding(site: Site) -> None:
    site.expose()
    seen = Seen("silent", "the port accepts connections, and nothing comes", cure="Look at dockerd's journal")
    overview = site.look(seen={("default", "web1"): seen})
    assert _keys(overview) == [("silent", "high", "web1")]
    assert overview.findings[0].fix == "Look at dockerd's journal"


def test_a_port_that_is_closed_to_the_controller_on_purpose_is_no_alarm(site: Site) -> None:
    site.expose(verified=None)
    overview = site.look(seen={("default", "web1"): Seen("filtered", "packets are dropped")})
    assert _keys(overview) == [("filtered", "info", "web1")]


def test_the_certificate_that_the_port_shows_counts(site: Site, make_facts: t.Callable[..., t.Any]) -> None:
    site.expose()
    shown = dataclasses.replace(make_facts(0), not_after=clock.now() + datetime.timedelta(days=3))
    overview = site.look(seen={("default", "web1"): Seen("answers", "dockerd answers", server=shown)})
    assert _keys(overview) == [("expires_soon", "high", "web1")]


def test_each_endpoint_is_visited_as_its_client_or_as_the_one_asked_for(site: Site) -> None:
    site.expose(client="ci")
    site.expose(name="web2", tls=False)
    files = [read_fleet(site.fleet, clock.now())]
    clients = site.fleet.folder / "clients"
    assert [visit.bundle for visit in visits_of(site.folder, files, None)] == [clients / "ci", None]
    assert [visit.bundle for visit in visits_of(site.folder, files, "bob")] == [clients / "bob", None]


def test_a_record_leads_out_of_the_fleet_to_no_other_bundle(site: Site) -> None:
    site.expose(client="../../../etc")
    (visit,) = visits_of(site.folder, [read_fleet(site.fleet, clock.now())], None)
    assert visit.bundle == site.fleet.folder / "clients" / "etc"


def test_the_server_certificate_in_a_record_may_have_its_chain(site: Site) -> None:
    pem = (site.fleet.server_folder("web1") / "cert.pem").read_text()
    site.expose(certificate=pem + as_pem([site.fleet.required_authority().certificate]).decode())
    server = site.look().endpoints[0].server
    assert server is not None
    assert server.names == ("web1",)


def _expose_elsewhere(site: Site, folder: Path) -> Path:
    """Another fleet, whose daemon is recorded here with the bundle of its client."""
    others = Fleet(str(folder), "others", Settings(passphrase="correct-horse"))
    ensure_bundles(others, ["guest"], [])
    bundle = others.client_folder("guest")
    values: dict[str, t.Any] = {"foreign": True, "bundle": str(bundle), "client": "", "certificate": "", "issuer": None}
    site.expose(name="build1", trust=None, verified=None, listen=[], allow=[], method="", **values)
    return bundle


def test_a_daemon_of_others_has_the_dates_of_its_own_bundle(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site.expose()
    bundle = _expose_elsewhere(site, tmp_path_factory.mktemp("others"))
    overview = site.look()
    (endpoint,) = (each for each in overview.endpoints if each.foreign)
    assert endpoint.server is None
    assert endpoint.clients is not None
    assert endpoint.clients.subject == "CN=guest"
    assert endpoint.authority is not None
    assert "others" in endpoint.authority.subject
    # The fleet's clients have no business there, and nothing of it is a fault of the fleet.
    assert _rights(overview)["ci"] == {"build1": "refused", "web1": "full"}
    assert _keys(overview) == []
    assert ("expired", "critical", "build1") in _keys(site.look(days=366))
    visits = {
        visit.name: visit.bundle for visit in visits_of(site.folder, [read_fleet(site.fleet, clock.now())], "bob")
    }
    assert visits == {"build1": bundle, "web1": site.fleet.folder / "clients" / "bob"}


def test_a_daemon_of_others_that_does_not_answer_is_an_alarm(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _expose_elsewhere(site, tmp_path_factory.mktemp("others"))
    overview = site.look(seen={("default", "build1"): Seen("filtered", "packets are dropped")})
    assert _keys(overview) == [("filtered", "high", "build1")]


def test_a_bundle_of_others_that_is_gone_is_no_error(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = _expose_elsewhere(site, tmp_path_factory.mktemp("others"))
    for path in bundle.iterdir():
        path.unlink()
    (endpoint,) = site.look().endpoints
    assert (endpoint.clients, endpoint.authority) == (None, None)
