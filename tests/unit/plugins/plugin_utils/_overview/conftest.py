# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overviews of any size, made without keys."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.findings import sort_noted
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.model import (
    Authority,
    Client,
    Endpoint,
    Noted,
    Overview,
)

NOW = datetime.datetime(2026, 11, 20, 22, 0, tzinfo=datetime.timezone.utc)
MakeFacts = t.Callable[..., CertificateFacts]
MakeOverview = t.Callable[..., Overview]


def facts(days: float, *, role: str = "server", name: str = "web1", life: float = 365) -> CertificateFacts:
    """A certificate that expires in so many days."""
    end = NOW + datetime.timedelta(days=days)
    return CertificateFacts(
        role=role,
        subject=f"CN={name}",
        issuer="CN=gangway default authority",
        names=(name,),
        not_before=end - datetime.timedelta(days=life),
        not_after=end,
        key="secp256r1",
        key_bits=256,
        digest="sha256",
        fingerprint="ab" * 32,
        for_clients=role == "client",
    )


@pytest.fixture(scope="session")
def now() -> datetime.datetime:
    return NOW


@pytest.fixture(scope="session")
def make_facts() -> MakeFacts:
    return facts


@pytest.fixture(scope="session")
def make_overview() -> MakeOverview:
    return overview


def overview(number: int, *, live: bool = False, clients: int = 3) -> Overview:
    """So many endpoints: most of them fine, every seventh due, every thirty-first expired, one without TLS."""
    fleets = ("default", "build") if number > 50 else ("default",)
    authority = {fleet: facts(3640 - 900 * i, role="authority", life=3650) for i, fleet in enumerate(fleets)}
    endpoints, findings = [], []
    for i in range(number):
        fleet, name = fleets[i % len(fleets)], f"web{i + 1}"
        left = -2.5 if i % 31 == 2 else 6 + i % 20 if i % 7 == 1 else 130 + i % 230
        endpoint = Endpoint(
            fleet=fleet,
            name=name,
            url=f"tcp://10.20.{i // 250}.{i % 250 + 1}:2376",
            active=i == 0,
            engine_version=("28.5.2", "26.1.5", "20.10.24")[i % 3],
            tls=i != 5,
            method="socket",
            listen=(f"10.20.{i // 250}.{i % 250 + 1}:2376",),
            allow=("10.20.0.0/16", "192.0.2.7") if i % 2 else ("10.20.0.0/16",),
            client="ci",
            server=None if i == 5 else facts(left, name=name),
            clients=None if i == 5 else facts(95, role="client", name="ci"),
            authority=None if i == 5 else authority[fleet],
            verified=(True, True, None, False)[i % 4] if i % 31 != 2 else False,
            state="expired" if left < 0 else "answers" if live else "recorded",
            reason="the records show nothing that keeps it from working",
        )
        endpoints.append(endpoint)
        findings += _findings(endpoint, left)
    people = []
    for i in range(clients * len(fleets)):
        fleet, name = fleets[i % len(fleets)], f"{('ci', 'alice', 'bob', 'deploy')[i // len(fleets) % 4]}{i or ''}"
        revoked = i // len(fleets) % 4 == 2
        rights = {e.name: _right(e, revoked=revoked, number=j) for j, e in enumerate(endpoints) if e.fleet == fleet}
        certificate = facts((95, 280, 12, 300)[i % 4], role="client", name=name)
        people.append(Client(fleet, name, ("controller", "runner1")[: 1 + i % 2], revoked, certificate, rights))
    text = "The authority's key is not encrypted. Anyone who can read it can make clients of their own."
    findings.append(
        Noted("default", "authority", "default", "key_not_encrypted", "low", None, text, "Set a passphrase")
    )
    authorities = tuple(Authority(fleet, each) for fleet, each in authority.items())
    return Overview(NOW, live, authorities, tuple(endpoints), tuple(people), sort_noted(findings))


def _right(endpoint: Endpoint, *, revoked: bool, number: int) -> str:
    if not endpoint.tls:
        return "anyone"
    if revoked:
        return "still_accepted" if number % 40 == 2 else "revoked"
    return "full"


def _findings(endpoint: Endpoint, left: float) -> t.Iterator[Noted]:
    def noted(key: str, severity: str, text: str, fix: str, cis: str | None = None) -> Noted:
        return Noted(endpoint.fleet, "endpoint", endpoint.name, key, severity, cis, text, fix)

    renew, who = "Renew it (playbook gangway.docker.renew)", f"The certificate of the server (CN={endpoint.name})"
    if not endpoint.tls:
        text = "The API answers without TLS. Anyone who can reach the port has root on the host."
        yield noted("plain", "critical", text, "Expose the daemon with TLS and client certificates", "2.7")
    elif left < 0:
        yield noted("expired", "critical", f"{who} expired 2026-11-18 10:00 UTC.", renew)
    elif left < 30:
        severity = "high" if left < 7 else "medium"
        yield noted("expires_soon", severity, f"{who} expires in {left:.1f} d.", renew)
    text = "Containers have no user namespace: root in a container is root on the host."
    yield noted("no_userns", "low", text, 'Set "userns-remap" in daemon.json', "2.9")
