# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundary to machines with clients: what the module client_bundle answered, every type checked."""

from __future__ import annotations

__all__ = ("MachineAnswer", "MachinePlan", "parse_answer", "parse_plan")

import re
import typing as t
from dataclasses import dataclass

from .._plan.host.answer import Answer, invalid_answer

_DIFF = ("before_header", "after_header", "before", "after")


@dataclass(frozen=True)
class MachineAnswer:
    """What every phase returns."""

    changed: bool
    actions: tuple[str, ...]
    diff: tuple[t.Mapping[str, str], ...]
    warnings: tuple[str, ...]
    #: The account, or its home folder, does not exist any more.
    gone: bool

    def as_result(self) -> dict[str, t.Any]:
        """Return what a task's result has of it."""
        result = {"changed": self.changed, "actions": list(self.actions), "diff": list(map(dict, self.diff))}
        return {**result, "warnings": list(self.warnings)} if self.warnings else result


@dataclass(frozen=True)
class MachinePlan(MachineAnswer):
    """What the phase C(plan) returns."""

    user: str
    #: The bundle's folder, and that of the docker CLI.
    path: str
    config: str
    #: Why what is there is no identity; empty: it is one.
    problem: str
    identity_is_due: bool
    certificate: str | None
    csr: str | None
    #: Names the key that waits for its certificate.
    pending: str | None


def parse_answer(raw: t.Any) -> MachineAnswer:
    """Check and type an answer. Failure: C(host_answer_invalid)."""
    return MachineAnswer(**_common(Answer(raw, "result")))


def parse_plan(raw: t.Any) -> MachinePlan:
    """Check and type a plan. Failure: C(host_answer_invalid)."""
    answer = Answer(raw, "result")
    return MachinePlan(
        **_common(answer),
        user=answer["user"].name(),
        path=answer["path"].path(),
        config=answer["config"].path(),
        problem=answer["problem"].name(),
        identity_is_due=answer["identity_is_due"].flag(),
        certificate=answer["certificate"].optional(Answer.text),
        csr=answer["csr"].optional(Answer.text),
        pending=answer["pending"].optional(_pending),
    )


def _common(answer: Answer) -> dict[str, t.Any]:
    return {
        "changed": answer["changed"].flag(),
        "actions": answer["actions"].names(),
        "diff": tuple({key: entry[key].text() for key in _DIFF} for entry in answer["diff"].items()),
        "warnings": answer["notes"].names() if not answer["notes"].is_none else (),
        "gone": not answer["gone"].is_none and answer["gone"].flag(),
    }


def _pending(name: Answer) -> str:
    if not re.fullmatch("[0-9a-f]{16}", name.name()):
        raise invalid_answer(name.place, "it is not the name of a pending key")
    return name.name()
