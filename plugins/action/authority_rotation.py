# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""authority_rotation: see DOCUMENTATION of the module."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.options import FLEET_ARGUMENTS, IDENTITY_ARGUMENTS
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import read_records
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.action import FleetAction
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import AUTHORITY_ARGUMENTS
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.grace import warn_of_grace
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.rotation_state import parse_grace
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.outcome import Outcome
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint, not_after_of


class ActionModule(FleetAction):
    """Takes one step of a rotation."""

    arguments: t.ClassVar[dict[str, t.Any]] = {
        **FLEET_ARGUMENTS,
        **IDENTITY_ARGUMENTS,
        **AUTHORITY_ARGUMENTS,
        "step": {"type": "str", "choices": ["begin", "drop", "end"], "required": True},
        "without_cross": {"type": "bool", "default": False},
        "leave_behind": {"type": "list", "elements": "str", "default": []},
        "grace": {"type": "str"},
    }

    def carry_out(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        grace = None if args["grace"] is None else parse_grace(args["grace"])
        with fleet.lock():
            before = fleet.required_authority().rotation
            outcomes = self._step(fleet, args, grace)
            authority = fleet.required_authority()
        rotation = authority.rotation
        opened = before is None and rotation is not None
        until = None if rotation is None else rotation.trusted_until
        return {
            "changed": before != rotation or any(outcome.changed for outcome in outcomes),
            "phase": authority.phase or "",
            **({} if until is None else {"trusted_until": f"{until:%Y-%m-%dT%H:%M:%SZ}"}),
            # In check mode, nobody knows yet.
            **({} if opened and fleet.check_mode else {"fingerprint": fingerprint(authority.certificate)}),
            "not_after": not_after_of(authority.certificate),
            "identities": [outcome.as_result() for outcome in outcomes],
            "diff": [outcome.as_diff() for outcome in outcomes if outcome.changed],
            "warnings": list(fleet.warnings),
        }

    def _step(self, fleet: Fleet, args: t.Mapping[str, t.Any], grace: datetime.timedelta | None) -> list[Outcome]:
        if args["step"] == "begin":
            return begin(fleet, without_cross=args["without_cross"], grace=grace)
        records = read_records(fleet.endpoints_folder)
        if args["step"] == "drop":
            outcomes = drop(fleet, records, args["leave_behind"])
            warn_of_grace(fleet, records)
            return outcomes
        end(fleet, records, args["leave_behind"])
        return []
