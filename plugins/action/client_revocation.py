# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""client_revocation: see DOCUMENTATION of the module."""

from __future__ import annotations

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.options import FLEET_ARGUMENTS
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.enforcement import check_enforced
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import has_own_tls, read_records
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.action import FleetAction
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke


class ActionModule(FleetAction):
    """Revokes clients, or proves that every daemon refuses them."""

    arguments: t.ClassVar[dict[str, t.Any]] = {
        **FLEET_ARGUMENTS,
        "clients": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["revoked", "enforced"], "default": "revoked"},
    }

    def carry_out(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        known = read_records(fleet.endpoints_folder, foreign=True)
        records = [record for record in known if not record.foreign]
        foreign = [record.name for record in known if record.foreign]
        if args["state"] == "enforced":
            check_enforced(fleet, records, args["clients"])
            return {"changed": False, "revoked": [], "endpoints": [r.name for r in records], "foreign": foreign}
        with fleet.lock():
            shut_out = revoke(fleet, args["clients"], limited=has_own_tls(records))
        return {
            "changed": bool(shut_out),
            "revoked": shut_out,
            "endpoints": [record.name for record in records],
            "foreign": foreign,
            "warnings": list(fleet.warnings),
        }
