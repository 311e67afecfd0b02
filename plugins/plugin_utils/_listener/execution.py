# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executing a module on a host without showing what it sends and returns."""

from __future__ import annotations

__all__ = ("HostFailure", "execute", "failure_in", "observe")

import typing as t

from ansible.plugins.action import ActionBase

from .._plan.host.observation import Observation
from .._plan.host.parsing import parse_observation

_INFO = "gangway.docker.dockerd_info"
#: Of a failed execution. Not what it printed: that may be half an observation.
_SHOWN = ("msg", "failure", "rolled_back", "unreachable", "rc", "exception", "module_stderr")


class HostFailure(Exception):
    """The module failed on the host, or did not run; C(result) says why."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


def execute(
    action: ActionBase, module: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]
) -> dict[str, t.Any]:
    """Execute a module on the host and return what it returned. Raises M(HostFailure)."""
    # With -vvv, connection plugins print all that a module returns: here, files of the host with passwords in them.
    context = action._connection._play_context
    before, context.no_log = context.no_log, True
    try:
        outcome: dict[str, t.Any] = action._execute_module(
            module_name=module, module_args=module_args, task_vars=task_vars
        )
    finally:
        context.no_log = before
    if outcome.get("failed") or outcome.get("unreachable"):
        raise failure_in(outcome)
    return outcome


def failure_in(outcome: t.Mapping[str, t.Any]) -> HostFailure:
    """Return the failure of an execution, from an allow-list."""
    return HostFailure({"failed": True, **{key: outcome[key] for key in _SHOWN if key in outcome}})


def observe(action: ActionBase, task_vars: dict[str, t.Any], **params: t.Any) -> Observation:
    """Observe the host once. C(params): the module's. Raises M(HostFailure); failure: C(host_answer_invalid)."""
    return parse_observation(execute(action, _INFO, params, task_vars).get("observation"))
