# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as the action plugin sees it: each method is one execution of a module there."""

from __future__ import annotations

__all__ = ("Outcome", "RemoteHost", "Report", "parse_report")

import json
import time
import typing as t
from dataclasses import dataclass

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._plan.host.answer import Answer
from .._plan.host.observation import Observation
from .._plan.host.parsing import parse_observation
from .._plan.plan import Plan
from .host_clock import HostClock

#: Executes a module with these arguments on the host. Raises M(HostFailure).
Execute = t.Callable[[str, t.Dict[str, t.Any]], t.Dict[str, t.Any]]


@dataclass(frozen=True)
class Outcome:
    """What became of a plan. C(stale): what the host has otherwise than observed; then nothing was touched."""

    stale: tuple[str, ...]
    #: Containers that did not live through the restart of dockerd.
    stopped: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What was rolled back after an interrupted run, or completed because it had only to clear up."""

    files: tuple[str, ...]
    restarted: bool
    failed: str | None
    completed: bool = False


class RemoteHost:
    """Parameters called C(params) are those of dockerd_info."""

    def __init__(self, execute: Execute, clock: HostClock) -> None:
        self._execute = execute
        self._clock = clock

    def observe(self, params: t.Mapping[str, t.Any]) -> Observation:
        """Read the host. Failure: C(host_answer_invalid)."""
        asked = time.time()
        answer = self._execute("gangway.docker.dockerd_info", dict(params))
        return self._parse(asked, answer.get("observation"))

    def carry_out(
        self, plan: Plan, secrets: t.Mapping[str, str] | None = None, pending_key: str | None = None
    ) -> Outcome:
        """Have the plan executed, and the pending key dropped. Failures: C(host_lost), and those of the steps."""
        pending = () if pending_key is None else (pending_key,)
        answer = Answer(self._run(plan.order(secrets or {}, pending)), "result")
        return Outcome(answer["stale"].names(), answer["stopped"].names(), answer["notes"].names())

    def recover(self, params: t.Mapping[str, t.Any]) -> tuple[Report | None, Observation]:
        """Have an interrupted run rolled back; return what was restored, and the host as it is then."""
        asked = time.time()
        answer = self._run(json.dumps({"recover": True, "observe": dict(params)}))
        return parse_report(Answer(answer, "result")["recovered"]), self._parse(asked, answer.get("observation"))

    def _run(self, order: str) -> dict[str, t.Any]:
        try:
            return self._execute("gangway.docker.dockerd_listener", {"carry_out": order})
        except AnsibleConnectionFailure as exc:
            raise Failure(
                "host_lost",
                thing=f"the connection to {self._clock.host}",
                reason=f"it broke while the host was being changed ({exc})",
                cure="The host completes or rolls back the run without the controller. Run again once it is reachable",
            ) from exc

    def _parse(self, asked: float, raw: t.Any) -> Observation:
        observation = parse_observation(raw)
        self._clock.note(asked, observation.time)
        return observation


def parse_report(report: Answer) -> Report | None:
    """Read what a recovery left. Failure: C(host_answer_invalid)."""
    if report.is_none:
        return None
    files = () if report["files"].is_none else tuple(map(Answer.path, report["files"].items()))
    restarted = not report["restarted"].is_none and report["restarted"].flag()
    completed = not report["completed"].is_none and report["completed"].flag()
    return Report(files, restarted, report["failed"].optional(Answer.text), completed)
