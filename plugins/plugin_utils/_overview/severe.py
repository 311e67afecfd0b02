# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failing a task by the severity of its findings. Pure."""

from __future__ import annotations

__all__ = ("check_severity",)

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .model import SEVERITIES, Overview

#: Findings that the error names.
_NAMED = 3


def check_severity(overview: Overview, limit: str) -> dict[str, t.Any]:
    """Return what makes the task fail if a finding has this severity or a worse one; C(never): it does not fail.

    Failure, as a result: C(findings_severe).
    """
    if limit == "never":
        return {}
    bad = [each for each in overview.findings if SEVERITIES.index(each.severity) >= SEVERITIES.index(limit)]
    if not bad:
        return {}
    named = [f"{each.fleet}/{each.name}: {each.text}" for each in bad[:_NAMED]]
    more = [f"and {len(bad) - _NAMED} more"] if len(bad) > _NAMED else []
    failure = Failure(
        "findings_severe",
        thing=f"fail_severity {limit}",
        reason=f"{len(bad)} finding{'' if len(bad) == 1 else 's'} of this severity or worse: "
        + " ".join([*named, *more]).rstrip("."),
        cure="Each finding says what to do (fix); or set fail_severity higher",
    )
    return {**failure.as_result(), "failed": True}
