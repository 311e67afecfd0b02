# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_bundle: see DOCUMENTATION of the module."""

from __future__ import annotations

import typing as t

from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.ownership import check_new_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import has_own_tls, read_records
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.action import FleetAction
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import BUNDLE_ARGUMENTS, ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.grace import go_on
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import parse_clients


class ActionModule(FleetAction):
    """Makes and renews bundles."""

    arguments = BUNDLE_ARGUMENTS

    def carry_out(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        if args["make_authority"] and fleet.authority() is None:
            check_new_authority(fleet, {})
        return ensure_bundles(
            fleet,
            parse_clients(args["clients"]),
            args["servers"],
            new=args["new"],
            existing=args["existing"],
            make_authority=args["make_authority"],
            go_on=_go_on if args["finish_rotation"] else None,
            limited=lambda: has_own_tls(read_records(fleet.endpoints_folder)),
        )


def _go_on(fleet: Fleet) -> bool:
    return go_on(fleet, lambda: read_records(fleet.endpoints_folder))
