# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Withdrawing a daemon."""

from __future__ import annotations

__all__ = ("withdraw",)

import typing as t

from .._endpoint.host_context import HostContext
from .._endpoint.ownership import remove_records
from .._fleet.fleet import Fleet
from .._plan.files.shared_files import read_originals
from .._plan.host.observed import understand
from .._plan.plan import Plan
from .._plan.refusals.withdrawal import check_withdrawal
from .._plan.withdrawal import plan_withdrawal
from .run import Run


def withdraw(run: Run, fleet: Fleet, address: str, context: HostContext, *, allow_downtime: bool) -> dict[str, t.Any]:
    """Take the listener away, its docker context, and its record, also one in another fleet. Return the task's result.

    C(address): what Ansible connects to.
    """

    def attempt() -> tuple[Plan, str] | None:
        observation = run.observe({})
        observed = understand(observation)
        originals = read_originals(observed)
        plan = plan_withdrawal(observed, originals)
        check_withdrawal(observed, originals, plan, allow_downtime=allow_downtime)
        if not run.carry_out(plan, observation, {}):
            return None
        if originals.adopted:
            run.warnings.append(
                f"The listener that {', '.join(originals.adopted)} had set up before the exposure is back."
            )
        return plan, originals.method

    plan, method = run.until_settled(attempt)
    if not run.check_mode:
        remove_records(fleet, run.host, address)
    result = {**run.result(plan), "method": method or None}
    context.remove(result)
    return result
