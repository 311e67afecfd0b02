# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a host goes back whose port HAProxy serves, or was to serve: without dockerd."""

from __future__ import annotations

__all__ = ("way_back_of_gateway",)

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack

from ..host.observed import Observed


def way_back_of_gateway(
    observed: Observed,
    *,
    was_there: bool,
    reload: bool,
    load_rules: t.Sequence[Command] = (),
    unload_rules: t.Sequence[Command] = (),
) -> WayBack:
    """Return how the host goes back, without dockerd. C(reload): HAProxy serves the port throughout."""
    active = [unit for unit in (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE) if observed.observation.is_active(unit)]
    return WayBack(
        was_running=observed.is_running,
        close_units=(layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE),
        open_units=tuple(active) if was_there and not reload else (),
        touches_dockerd=False,
        reload_gateway=was_there and reload,
        load_rules=tuple(load_rules),
        unload_rules=tuple(unload_rules),
        last_resort=(layout.SOCKET_UNIT, layout.GATEWAY_UNIT, layout.GATEWAY_BOOT),
    )
