# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""client_revocation: see DOCUMENTATION of the module."""

from __future__ import annotations

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options import FLEET_ARGUMENTS
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, read_records
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.action import FleetAction
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke


class ActionModule(FleetAction):
    """Revokes clients, or tells which daemons have not heard of it."""

    arguments: t.ClassVar[dict[str, t.Any]] = {
        **FLEET_ARGUMENTS,
        "clients": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["revoked", "enforced"], "default": "revoked"},
    }

    def carry_out(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        records = read_records(fleet.endpoints_folder)
        if args["state"] == "enforced":
            _check_enforced(fleet, records, args["clients"])
            return {"changed": False, "revoked": [], "endpoints": [record.name for record in records]}
        with fleet.lock():
            shut_out = revoke(fleet, args["clients"])
        return {
            "changed": bool(shut_out),
            "revoked": shut_out,
            "endpoints": [record.name for record in records],
            "warnings": list(fleet.warnings),
        }


def _check_enforced(fleet: Fleet, records: t.Sequence[EndpointRecord], clients: t.Sequence[str]) -> None:
    """Refuse unless each endpoint was seen refusing them. Failure: C(revocation_incomplete)."""
    trust = fleet.required_authority().client_trust_digest
    waiting = {}
    for record in records:
        if record.trust is None:
            waiting[record.name] = "accepts the clients of its own client_ca"
        elif record.trust != trust:
            waiting[record.name] = "still accepts them"
        elif not set(clients) <= set(record.refused):
            waiting[record.name] = "has the new list, but the controller has not seen it refuse them"
    if waiting:
        raise Failure(
            "revocation_incomplete",
            thing=", ".join(waiting),
            reason="; ".join(f"{name} {why}" for name, why in waiting.items()),
            cure="Bring them up and run this playbook again, or any other that exposes them; if the controller is not "
            "in the access list, check from a machine that is",
            waiting=list(waiting),
        )
