# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a client connects to a recorded endpoint: which bundle it uses."""

from __future__ import annotations

__all__ = ("bundle_of", "client_of", "not_exposed")

from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.on_disk.folders import Folders
from .record import EndpointRecord


def client_of(record: EndpointRecord, client: str | None) -> str | None:
    """Return the client identity of the fleet to connect with; None: the daemon is foreign, or has no TLS.

    C(client): the one that was asked for. Failure: C(endpoint_foreign).
    """
    if not record.tls:
        return None
    if not record.foreign:
        return client or record.client
    if client:
        raise Failure(
            "endpoint_foreign",
            thing=f"client {client!r}",
            reason=f"others expose the daemon of {record.name!r}, which does not know the clients of fleet "
            f"{record.fleet!r}",
            cure=f"Leave the client out: the bundle that was recorded for it is used ({record.bundle})",
        )
    return None


def bundle_of(fleet: Folders, record: EndpointRecord, client: str | None = None) -> Path | None:
    """Return the folder with the client's ca.pem, cert.pem and key.pem; None: the daemon has no TLS.

    Failures: C(client_missing), C(endpoint_foreign).
    """
    name = client_of(record, client)
    if name is not None:
        folder = fleet.client_folder(name)
        if not (folder / "cert.pem").is_file():
            raise Failure(
                "client_missing",
                thing=f"client {name!r}",
                reason=f"fleet {fleet.name!r} has no such identity ({folder})",
                cure="Add it to expose_clients and run the playbook again; with certificates of your own, put "
                "the client's ca.pem, cert.pem and key.pem there",
            )
        return folder
    if record.bundle is None:
        return None
    folder = Path(record.bundle)
    if not (folder / "cert.pem").is_file():
        raise Failure(
            "client_missing",
            thing=f"the bundle of {record.name!r}",
            reason=f"{folder} does not have it any more",
            cure="Record the endpoint again, with gangway.docker.endpoint",
        )
    return folder


def not_exposed(fleet: Folders, name: str) -> Failure:
    """Return the failure for a host without a record."""
    return Failure(
        "not_exposed",
        thing=f"host {name!r}",
        reason=f"its Docker daemon is not exposed in fleet {fleet.name!r} (no record in {fleet.endpoints_folder})",
        cure=f"Expose it: ansible-playbook gangway.docker.expose_docker --limit {name}",
    )
