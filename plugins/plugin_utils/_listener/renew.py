# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renewing: like exposing, but only for a host that is exposed and needs a visit. Its record says so."""

from __future__ import annotations

__all__ = ("renew",)

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.enforcement import accepts_revoked
from .._endpoint.host_context import HostContext
from .._endpoint.record import EndpointRecord
from .._fleet.fleet import Fleet
from .._identity.facts import warnings_about_identity
from .._identity.other_hosts import OtherHosts
from .._identity.server_identity import ServerIdentity
from .execution import failure_in
from .expose import about_plain_tcp
from .listening import addresses_in
from .recorded import about_expiry, lacks_proof

#: A result that changes nothing.
_UNCHANGED: dict[str, t.Any] = {
    "changed": False,
    "actions": [],
    "restarted": False,
    "reason": "",
    "identity_changed": False,
}


def without_record(stat: t.Callable[[str], dict[str, t.Any]], fleet: Fleet, host: str) -> dict[str, t.Any]:
    """Nothing is renewed on a host that is not exposed. Failure: C(record_missing)."""
    found = stat(layout.CERTIFICATE)
    if "stat" not in found:
        raise failure_in(found)
    if found["stat"]["exists"]:
        raise Failure(
            "record_missing",
            thing=host,
            reason=f"its daemon is exposed, but no record in {fleet.endpoints_folder} says how",
            cure="Run expose_docker for it with the variables that it was exposed with, or copy the record here",
        )
    return dict(_UNCHANGED)


def renew(
    record: EndpointRecord,
    identity: ServerIdentity,
    fleet: Fleet,
    others: OtherHosts,
    context: HostContext,
    client: str,
    expose: t.Callable[[], dict[str, t.Any]],
) -> dict[str, t.Any]:
    """Visit the host if its record says that it needs a visit. C(client): for the docker context.

    Failure: C(endpoint_unhealthy).
    """
    if not record.tls:
        # Nothing of it expires, and nobody can be locked out.
        about = about_plain_tcp(record.name, record.url, record.allow)
        result = {**_UNCHANGED, "endpoint": record.as_facts(), "warnings": [about]}
        context.keep(result, url=record.url, client=None)
        return result
    # The user renews certificates of his own that are not named here.
    ours = record.key_origin != "brought" or identity.provided is not None
    if ours:
        identity.prepare()
        identity.listen_names = tuple(name for name in identity.listen_names if name in record.server_names)
        identity.addresses = tuple(others.without(addresses_in(record.listen)))
    # A host from a snapshot is not as its record says.
    if not ours or not (identity.is_due(record) or lacks_proof(record, fleet) or accepts_revoked(record, fleet)):
        warnings = warnings_about_identity(identity) if ours else about_expiry(record)
        result = {**_UNCHANGED, "endpoint": record.as_facts(), "warnings": warnings}
        # The client's bundle may have been renewed.
        context.keep(result, url=record.url, client=client)
        return result
    result = expose()
    if record.verified and result.get("endpoint", {}).get("verified") is False:
        raise Failure(
            "endpoint_unhealthy",
            thing=record.url,
            reason="it worked before it was renewed, and now it does not: " + " ".join(result["warnings"]),
            cure="Fix it before you renew others",
        )
    return result
