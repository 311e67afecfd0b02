# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong or unsafe at an endpoint, with what to do. Pure."""

from __future__ import annotations

__all__ = ("SEVERITIES", "Finding", "sort_findings")

import typing as t
from dataclasses import dataclass

#: From the least to the worst.
SEVERITIES = ("low", "medium", "high", "critical")


@dataclass(frozen=True)
class Finding:
    """C(key) is stable. C(cis): the item of the CIS Docker Benchmark 1.6, where there is one."""

    key: str
    severity: str
    cis: t.Optional[str]
    text: str
    fix: str


def sort_findings(findings: t.Iterable[Finding]) -> t.Tuple[Finding, ...]:
    """Return each finding once, the worst first."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda finding: -SEVERITIES.index(finding.severity)))
