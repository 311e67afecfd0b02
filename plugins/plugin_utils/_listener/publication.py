# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a daemon was exposed: looking at it from the controller, its record, and the fact."""

from __future__ import annotations

__all__ = ("publish", "publish_plain")

import ipaddress
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

from .._endpoint.probe import probe_endpoint
from .._endpoint.record import EndpointRecord, read_records, write_record
from .._endpoint.verification import verify_endpoint
from .._fleet.fleet import Fleet
from .._fleet.grace import close_if_done
from .._fleet.revocation import revoked_bundles
from .._foreign.recording import discard_copy
from .._identity.facts import facts_of_identity
from .._identity.server_identity import ServerIdentity


def publish(
    fleet: Fleet,
    identity: ServerIdentity,
    result: dict[str, t.Any],
    *,
    url: str,
    client: str,
    options: t.Mapping[str, t.Any],
    before: EndpointRecord | None,
) -> None:
    """Verify the endpoint, write its record, and add it to the task's result, as a fact too.

    Failure: C(revoked_client_let_in).
    """
    bundle = fleet.client_folder(client)
    verified = None
    # Those that were seen turned away stay so while nothing changes.
    is_same = before is not None and before.trust == identity.trust and not result["changed"]
    refused = before.refused if before is not None and is_same else []
    if _includes(result["allow"], result["connection"]) and bundle.is_dir():
        revoked = revoked_bundles(fleet) if identity.trust is not None else {}
        to_try = {name: path for name, path in revoked.items() if name not in refused}
        seen = verify_endpoint(identity.host, url, bundle, to_try)
        verified, refused = seen.verified, sorted({*refused, *seen.refused})
        if seen.problem is not None:
            _warn(result, identity.host, url, seen.problem)
    record = EndpointRecord(
        name=identity.host,
        url=url,
        fleet=fleet.name,
        client=client,
        key_origin=identity.origin,
        verified=verified,
        refused=refused,
        options=dict(options),
        **facts_of_identity(identity),
        **_told(result),
    )
    _publish(fleet, record, result)


def publish_plain(
    fleet: Fleet, host: str, result: dict[str, t.Any], *, url: str, options: t.Mapping[str, t.Any]
) -> None:
    """The same for a daemon without TLS, of which no certificate tells anything."""
    verified = None
    if _includes(result["allow"], result["connection"]):
        problem = probe_endpoint(Connection(url, None))
        verified = problem is None
        if problem is not None:
            _warn(result, host, url, problem)
    record = EndpointRecord(
        name=host,
        url=url,
        fleet=fleet.name,
        client="",
        server_names=[],
        not_after="",
        fingerprint="",
        certificate="",
        issuer=None,
        trust=None,
        key_origin="",
        verified=verified,
        refused=[],
        tls=False,
        options=dict(options),
        **_told(result),
    )
    _publish(fleet, record, result)


def _told(result: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the record has from the host as it is."""
    told = ("listen", "allow", "interfaces", "method", "engine", "engine_version")
    return {name: result[name] for name in told}


def _warn(result: dict[str, t.Any], host: str, url: str, problem: str) -> None:
    result["warnings"].append(f"{host} is exposed, but {url} does not work from the controller: {problem}.")


def _publish(fleet: Fleet, record: EndpointRecord, result: dict[str, t.Any]) -> None:
    with fleet.lock():
        write_record(fleet.endpoints_folder, record)
        discard_copy(fleet, record.name)
        # The last daemon that lets go of the old authority ends the rotation.
        close_if_done(fleet, lambda: read_records(fleet.endpoints_folder))
    result["endpoint"] = record.as_facts()
    result["ansible_facts"] = {"gangway_endpoint": record.as_facts()}
    result["_ansible_facts_cacheable"] = True


def _includes(allow: t.Iterable[str], connection: t.Mapping[str, str] | None) -> bool:
    """Whether the controller, as the host sees it, is in the access list."""
    if connection is None:
        return True
    address = ipaddress.ip_address(connection["client"])
    return any(address in ipaddress.ip_network(network) for network in allow)
