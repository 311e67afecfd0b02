# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins share that do all their work on the controller, in this process.

The authority's key is nowhere else, and no round trip is due.
"""

from __future__ import annotations

__all__ = ("FleetAction",)

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._options.completion import complete_options
from .command import run_command
from .fleet import Fleet
from .settings import Settings


class FleetAction(ActionBase):
    """Opens the fleet, has the subclass do its work, and turns a failure into a result."""

    _requires_connection = False
    _supports_check_mode = True

    #: The argument spec.
    arguments: t.ClassVar[dict[str, t.Any]]
    #: More of it: C(mutually_exclusive) and the like.
    constraints: t.ClassVar[dict[str, t.Any]] = {}

    def carry_out(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the task's result."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            complete_options(self, self.arguments, task_vars or {})
            _validation, args = self.validate_argument_spec(argument_spec=self.arguments, **self.constraints)
            settings, check_mode = Settings.of(args), self._task.check_mode
            fleet = Fleet(args["fleets_dir"], args["fleet"], settings, check_mode=check_mode, run=run_command)
            result.update(self.carry_out(fleet, args))
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        return result
