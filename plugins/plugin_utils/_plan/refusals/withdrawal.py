# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a withdrawal would break is refused before anything is touched."""

from __future__ import annotations

__all__ = ("check_withdrawal",)

from ..files.originals import Originals
from ..host.observed import Observed
from ..plan import Plan
from .exposure import check_other_listeners
from .host import check_answers, check_swarm, check_writable


def check_withdrawal(observed: Observed, originals: Originals, plan: Plan, *, allow_downtime: bool) -> None:
    """Refuse a withdrawal that leaves another port open, or dockerd down.

    Failures: C(dockerd_silent), C(swarm_mode), C(other_listener), C(not_writable).
    """
    if plan.restarted:
        check_answers(observed)
        check_swarm(observed, allow_downtime=allow_downtime)
    if plan.changed:
        if not originals.adopted and originals.method != "gateway":
            # Our TLS settings protect whatever else dockerd listens on; with a gateway, it has none of ours.
            check_other_listeners(observed)
        check_writable(observed)
