# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proving at each endpoint that revoked clients are refused. What a record says of that is no proof."""

from __future__ import annotations

__all__ = ("accepts_revoked", "check_enforced")

import functools
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

from .._fleet.fleet import Fleet
from .._fleet.revocation import has_expired, revoked_bundles
from .probe import is_turned_away
from .record import EndpointRecord
from .verification import verify_endpoint

#: Endpoints that are tried at the same time; those that are down take seconds.
_AT_ONCE = 16


def check_enforced(fleet: Fleet, records: t.Sequence[EndpointRecord], clients: t.Sequence[str]) -> None:
    """Refuse unless each endpoint refuses these clients now. Failure: C(revocation_incomplete)."""
    fleet.required_authority()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reasons = list(pool.map(functools.partial(_lacks_proof, fleet, clients=clients), records))
    waiting = {record.name: reason for record, reason in zip(records, reasons) if reason}
    if waiting:
        raise Failure(
            "revocation_incomplete",
            thing=", ".join(waiting),
            reason="; ".join(f"{name} {why}" for name, why in waiting.items()),
            cure="Bring them up and run this playbook again, or any other that exposes them; if the controller is not "
            "in the access list, check from a machine that is",
            waiting=list(waiting),
        )


def accepts_revoked(record: EndpointRecord, fleet: Fleet) -> bool:
    """Whether the daemon accepts a revoked client, as one from a snapshot does. One that can't be reached does not."""
    client = _client_to_try_with(fleet, record)
    if client is None or not record.verified or record.trust is None:
        return False
    for folder in revoked_bundles(fleet).values():
        turned_away = is_turned_away(Connection(record.url, str(folder)), f"{client}/ca.pem")
        if turned_away is not True:
            return turned_away is False
    return False


def _lacks_proof(fleet: Fleet, record: EndpointRecord, *, clients: t.Sequence[str]) -> str | None:
    """Return why the endpoint is not known to refuse them; None: it was seen doing so just now."""
    if record.trust is None:
        return "accepts the clients of its own client_ca"
    bundles = revoked_bundles(fleet)
    unknown = [name for name in clients if name not in bundles and not has_expired(fleet, name)]
    if unknown:
        return f"can't be tried: there is no bundle of {', '.join(unknown)} among the revoked ones"
    to_try = {name: bundles[name] for name in clients if name in bundles}
    client = _client_to_try_with(fleet, record)
    if client is None:
        return "can't be tried: a port that refuses everybody proves nothing, and no other client is here"
    try:
        seen = verify_endpoint(record.name, record.url, client, to_try)
    except Failure:
        return "still accepts them"
    if seen.problem is not None:
        return f"was not seen refusing them: {seen.problem}"
    missing = sorted(to_try.keys() - set(seen.refused))
    return f"did not refuse {', '.join(missing)} by a TLS alert" if missing else None


def _client_to_try_with(fleet: Fleet, record: EndpointRecord) -> Path | None:
    """Return the bundle of a client that is to be accepted."""
    folders = sorted((fleet.folder / "clients").glob("[!.]*"), key=lambda folder: folder.name != record.client)
    return next((folder for folder in folders if (folder / "key.pem").is_file()), None)
