# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our units are ours: what others add to them, or run after the guard, is refused by its name."""

from __future__ import annotations

__all__ = ("check_guard_is_last", "check_own_units")

import os
import re

from ansible_collections.gangway.docker.plugins.module_utils._guard.socket_filter import FOR_ALL_UNITS
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..host.observed import Observed

_OURS = (
    layout.GANGWAY_SOCKET,
    layout.GANGWAY_SERVICE,
    layout.GATEWAY_SERVICE,
    layout.FIREWALL_SERVICE,
    layout.FIREWALL_WATCH_SERVICE,
)
#: Commands that systemd runs before dockerd listens.
_RUNS = re.compile(r"^\s*ExecStartPre\s*=\s*\S", re.MULTILINE)


def check_own_units(observed: Observed) -> None:
    """Refuse drop-ins of our units: the access list may not be in force. Failure: C(unit_changed_by_others).

    Those for all units of a type (C(socket.d)) are none of these.
    """
    for unit in _OURS:
        for path in observed.observation.unit_files.get(unit, ()):
            folder = os.path.basename(os.path.dirname(path))
            if folder.endswith(".d") and folder not in FOR_ALL_UNITS and path not in layout.RUNTIME_DROP_INS:
                raise Failure(
                    "unit_changed_by_others",
                    thing=path,
                    reason=f"it changes {unit}, which guards the port, so the access list counts as not in force",
                    cure=f"The port was closed. Remove the file ('systemctl revert {unit}' removes all of its kind), "
                    "then run again",
                )


def check_guard_is_last(observed: Observed) -> None:
    """Refuse what would run between the guard and dockerd. Failure: C(guard_not_last)."""
    paths = observed.observation.unit_files.get(layout.DOCKER_SERVICE, ())
    names = [os.path.basename(path) for path in (layout.DROP_IN, layout.EXEC_DROP_IN) if path in paths]
    for path in paths[1:] if names else ():
        if os.path.basename(path) > max(names) and _RUNS.search(observed.observation.text(path)):
            raise Failure(
                "guard_not_last",
                thing=path,
                reason="its ExecStartPre= runs after the guard, which must have the last word on what dockerd starts "
                "with",
                cure="Give that drop-in a name that sorts before zz-gangway-port.conf",
            )
