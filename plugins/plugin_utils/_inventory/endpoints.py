# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint records as they are found on the controller, in the form that Ansible's inventory cache keeps."""

from __future__ import annotations

__all__ = ("Endpoint", "fleet_names", "read_endpoints")

import typing as t
import urllib.parse
from dataclasses import asdict, dataclass
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

from .._endpoint.record import EndpointRecord, read_record
from .._fleet.fleet import Fleet


@dataclass(frozen=True)
class Endpoint:
    """One exposed daemon, and the client that connects to it. Nothing in it is secret."""

    #: As M(EndpointRecord.as_facts).
    facts: dict[str, t.Any]
    #: In PEM: the server's, and the client's; empty where there is none.
    certificate: str
    client_certificate: str
    #: The client's bundle; None: the endpoint has no TLS, or the client is not here.
    cert_path: t.Optional[str]

    @property
    def name(self) -> str:
        return str(self.facts["name"])

    @property
    def connection(self) -> Connection | None:
        """Return how to connect; None: there is TLS, and no client to connect as."""
        usable = self.cert_path is not None or not self.facts["tls"]
        return Connection(self.facts["url"], self.cert_path) if usable else None

    def as_data(self) -> dict[str, t.Any]:
        return asdict(self)


def fleet_names(fleets_dir: Path) -> list[str]:
    """Return the fleets that have endpoints."""
    return sorted(path.parent.name for path in fleets_dir.glob("[!.]*/endpoints"))


def read_endpoints(
    fleets_dir: Path, fleets: t.Sequence[str], client: str | None, warn: t.Callable[[str], object]
) -> list[Endpoint]:
    """Return all endpoints of these fleets; one that can't be read only causes a warning.

    Failure: C(invalid_name) for a fleet or client.
    """
    found: dict[str, Endpoint] = {}
    for name in fleets:
        fleet = Fleet(str(fleets_dir), name)
        for path in sorted(fleet.endpoints_folder.glob("[!.]*.json")):
            try:
                record = read_record(fleet.endpoints_folder, urllib.parse.unquote(path.stem))
                endpoint = None if record is None else _endpoint(fleet, record, client)
            except Failure as exc:
                warn(f"{path} is left out of the inventory: {exc} [{exc.key}]")
                continue
            if endpoint is None:
                continue
            if endpoint.name in found:
                other = found[endpoint.name].facts["fleet"]
                warn(f"{endpoint.name} is in fleets {other} and {name}; the inventory has the one of {other}.")
                continue
            if endpoint.connection is None:
                who = endpoint.facts["client"]
                missing = f"client {who!r} in {fleet.folder}" if who else f"bundle in {endpoint.facts['bundle']}"
                warn(f"{endpoint.name} has no connection variables: there is no {missing}.")
            found[endpoint.name] = endpoint
    return list(found.values())


def _endpoint(fleet: Fleet, record: EndpointRecord, client: str | None) -> Endpoint:
    # A daemon of others takes its own bundle only.
    name = (client or record.client) if record.tls and not record.foreign else None
    facts = {**record.as_facts(), "client": name}
    folder = record.bundle if name is None else str(fleet.client_folder(name))
    if folder is None:
        return Endpoint(facts, record.certificate, "", None)
    try:
        certificate = Path(folder, "cert.pem").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Endpoint(facts, record.certificate, "", None)
    return Endpoint(facts, record.certificate, certificate, folder)
