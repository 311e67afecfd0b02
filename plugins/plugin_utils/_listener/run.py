# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The flow of a run: observe, plan, run, verify. One remote execution if nothing changes, two if something does."""

from __future__ import annotations

__all__ = ("Run",)

import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._plan.decision import must_close
from .._plan.files.shared_files import read_originals
from .._plan.host.observation import Observation
from .._plan.host.observed import understand
from .._plan.plan import Plan
from .remote import RemoteHost, Report, parse_report

#: How often a host is observed again because it changed under a plan.
_ATTEMPTS = 3

_Planned = t.TypeVar("_Planned")


@dataclass
class Run:
    """One task on one host."""

    host: str
    remote: RemoteHost
    check_mode: bool
    warnings: list[str] = field(default_factory=list)
    #: An interrupted run was rolled back.
    recovered: Report | None = None

    def observe(self, params: t.Mapping[str, t.Any]) -> Observation:
        """Observe the host; an interrupted run is rolled back first."""
        observation = self.remote.observe(params)
        if not observation.interrupted:
            return observation
        if self.check_mode:
            self.warnings.append(
                f"A previous run on {self.host} was interrupted. It will be rolled back first; this plan starts from "
                "what it left."
            )
            return observation
        report, observation = self.remote.recover(params)
        self._note(report)
        return observation

    def carry_out(self, plan: Plan, observation: Observation, secrets: t.Mapping[str, str]) -> bool:
        """Have the plan executed; return whether it was, or the host had changed meanwhile."""
        if self.check_mode:
            self._note(parse_report(observation.recovered))
            return True
        if not plan.changed:
            self.drop_key(observation)
            if not observation.recovered.is_none:
                # The host rolled back on its own, and remembers until somebody has heard of it.
                self._note(self.remote.recover({})[0])
            return True
        outcome = self.remote.carry_out(plan, secrets, observation.pending_key)
        if outcome.stale:
            return False
        self._note(parse_report(observation.recovered))
        self.warnings += outcome.warnings
        if outcome.stopped:
            self.warnings.append(
                f"These containers did not live through dockerd's restart: {', '.join(outcome.stopped)}."
            )
        return True

    def drop_key(self, observation: Observation) -> None:
        """Remove a key that the host made for a certificate that will not come."""
        if observation.pending_key is not None:
            self.remote.carry_out(Plan(pid=observation.pid), pending_key=observation.pending_key)

    def until_settled(self, attempt: t.Callable[[], _Planned | None]) -> _Planned:
        """Return what C(attempt) returns; None: the host changed under the plan. Failure: C(host_changed)."""
        for _number in range(_ATTEMPTS):
            done = attempt()
            if done is not None:
                return done
        raise Failure(
            "host_changed",
            thing=self.host,
            reason=f"its files changed between observing and running, {_ATTEMPTS} times in a row",
            cure="Find out what else changes dockerd's configuration there, then run again",
        )

    def close_if_needed(self, failure: Failure, observation: Observation) -> None:
        """Close a port that is open while what protects it is not in force."""
        if self.check_mode or not must_close(failure, observation):
            return
        # Only now: importing what most runs do not use takes as long as planning for many hosts.
        from .._plan.withdrawal import plan_closing

        observed = understand(observation)
        originals = read_originals(observed)
        if originals.method:
            plan = plan_closing(observed, originals)
            if plan.changed:
                self.remote.carry_out(plan)

    def result(self, plan: Plan) -> dict[str, t.Any]:
        """Return what the task's result has of the plan."""
        return {
            "changed": plan.changed or self.recovered is not None,
            "actions": plan.actions(),
            "diff": list(plan.diff),
            "restarted": plan.restarted,
            "warnings": list(self.warnings),
        }

    def _note(self, report: Report | None) -> None:
        if report is None:
            return
        self.recovered = report
        if report.failed is not None:
            self.warnings.append(
                f"A previous run on {self.host} was interrupted; rolling it back failed: {report.failed}"
            )
            return
        if report.completed:
            self.warnings.append(f"A previous run on {self.host} was interrupted at its end; it has been completed.")
            return
        restored = f" Restored: {', '.join(report.files)}." if report.files else ""
        self.warnings.append(f"A previous run on {self.host} was interrupted; it has been rolled back.{restored}")
