# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting together what is known of the fleets. Pure, but for reading the bundles of endpoints that others expose."""

from __future__ import annotations

__all__ = ("make_overview", "visits_of")

import datetime
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.certificates import find_certificates
from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.finding import Finding
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

from .._endpoint.record import EndpointRecord
from .._fleet.on_disk.bundle import read_bundle
from .certificates import facts_in, facts_of
from .endpoints import as_seen, make_endpoint
from .findings import find_for_client, find_for_endpoint, find_for_fleet, find_unreadable, sort_noted
from .folders import FleetFiles
from .live import Seen, Visit
from .model import Authority, Endpoint, Noted, Overview
from .rights import accepted_clients, make_clients
from .text import natural

#: What the probes saw, by fleet and name.
SeenBy = t.Mapping[t.Tuple[str, str], Seen]


def visits_of(fleets_dir: Path, fleets: t.Iterable[FleetFiles], client: str | None) -> list[Visit]:
    """Return what to probe, each endpoint as C(client), or as the client that lookups take."""
    return [
        Visit(files.name, record.name, record.url, _bundle(fleets_dir / files.name, record, client))
        for files in fleets
        for record in files.records
    ]


def _bundle(fleet: Path, record: EndpointRecord, client: str | None) -> Path | None:
    if not record.tls:
        return None
    if record.foreign:
        return Path(record.bundle) if record.bundle is not None else None
    # Path.name: a record is a file that others may have written.
    return fleet / "clients" / Path(client or record.client).name


def make_overview(
    fleets: t.Sequence[FleetFiles], *, docker_host: str | None, seen: SeenBy | None, now: datetime.datetime
) -> Overview:
    """Return everything; C(seen) None: nobody has asked the endpoints."""
    parts = [_Part(files, docker_host, seen or {}, now) for files in fleets]
    return Overview(
        now=now,
        live=seen is not None,
        authorities=tuple(part.authority for part in parts),
        endpoints=tuple(endpoint for part in parts for endpoint in part.endpoints),
        clients=tuple(client for part in parts for client in part.clients),
        findings=sort_noted(noted for part in parts for noted in part.findings()),
    )


class _Part:
    """One fleet's share."""

    def __init__(self, files: FleetFiles, docker_host: str | None, seen: SeenBy, now: datetime.datetime) -> None:
        self._files, self._seen, self._now = files, seen, now
        certificate = None if files.authority is None else facts_of(files.authority.certificate, "authority")
        self.authority = Authority(files.name, certificate, files.authority.phase if files.authority else None)
        self.clients = make_clients(files, now)
        self._by_record = [(record, self._endpoint(record, docker_host)) for record in files.records]
        unreadable = [Endpoint(files.name, each.name) for each in files.unreadable if each.kind == "endpoint"]
        endpoints = [*(endpoint for _record, endpoint in self._by_record), *unreadable]
        self.endpoints = sorted(endpoints, key=lambda endpoint: natural(endpoint.name))

    def _endpoint(self, record: EndpointRecord, docker_host: str | None) -> Endpoint:
        clients, authority = self._client_certificates(record), self.authority.certificate
        if record.foreign:
            clients, authority = _of_others(record.bundle)
        endpoint = make_endpoint(
            record,
            fleet=self._files.name,
            docker_host=docker_host,
            server=facts_in(record.certificate, "server"),
            clients=clients,
            authority=authority,
            now=self._now,
        )
        seen = self._seen.get((self._files.name, record.name))
        return endpoint if seen is None else as_seen(endpoint, seen)

    def _client_certificates(self, record: EndpointRecord) -> list[CertificateFacts]:
        accepted = accepted_clients(self.clients, record.name)
        return [client.certificate for client in accepted if client.certificate is not None]

    def findings(self) -> t.Iterator[Noted]:
        for record, endpoint in self._by_record:
            seen = self._seen.get((self._files.name, record.name))
            for finding in find_for_endpoint(record, endpoint, self._files.authority, seen, self._now):
                yield self._noted("endpoint", record.name, finding)
        for client in self.clients:
            yield from (self._noted("client", client.name, each) for each in find_for_client(client, self._now))
        certificate = self.authority.certificate
        for finding in find_certificates([certificate] if certificate is not None else [], self._now):
            yield self._noted("authority", self._files.name, finding)
        yield from (self._noted("authority", self._files.name, each) for each in find_for_fleet(self._files))
        for unreadable in self._files.unreadable:
            yield self._noted(unreadable.kind, unreadable.name, find_unreadable(unreadable))

    def _noted(self, kind: str, name: str, finding: Finding) -> Noted:
        text, fix = finding.text, finding.fix
        return Noted(self._files.name, kind, name, finding.key, finding.severity, finding.cis, text, fix)


def _of_others(bundle: str | None) -> tuple[list[CertificateFacts], CertificateFacts | None]:
    """Return the facts of the client and of the authority in a bundle, as far as it can be read."""
    if bundle is None:
        return [], None
    try:
        present = read_bundle(Path(bundle), ("ca.pem", "cert.pem"))
    except OSError:
        return [], None
    client = facts_in(present.get("cert.pem", b""), "client")
    return [client] if client is not None else [], facts_in(present.get("ca.pem", b""), "authority")
