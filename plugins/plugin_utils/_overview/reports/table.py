# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overview as a table for a terminal. Pure."""

from __future__ import annotations

__all__ = ("Line", "make_table")

import typing as t

from ..model import SEVERITIES, Endpoint, Noted, Overview
from ..text import as_printable, describe_left, width_of

#: Findings of this severity or worse are listed, and so many of them.
_LISTED = ("medium", 20)


class Line(t.NamedTuple):
    """C(severity): what the line's colour says; None: nothing."""

    text: str
    severity: str | None = None


def make_table(overview: Overview) -> list[Line]:
    """Return the endpoints, one a line, then the worst findings, then a summary."""
    return [*_endpoints(overview), *_findings(overview), Line(""), Line(_summary(overview))]


def _endpoints(overview: Overview) -> list[Line]:
    several = len(overview.authorities) > 1
    heads = ["NAME", "ACTIVE", "URL", "ENGINE", "ALLOWED", "SERVER", "CLIENTS", "AUTHORITY", "VERIFIED", "STATE"]
    rows = [_row(endpoint, overview) for endpoint in overview.endpoints]
    if several:
        heads = ["FLEET", *heads]
        rows = [[endpoint.fleet, *row] for endpoint, row in zip(overview.endpoints, rows)]
    cells = [heads, *([as_printable(cell) for cell in row] for row in rows)]
    widths = [max(map(width_of, column)) for column in zip(*cells)]
    severities = overview.severities()
    marks = [None, *(severities.get((each.fleet, each.name)) for each in overview.endpoints)]
    return [Line(_aligned(row, widths), mark) for row, mark in zip(cells, marks)]


def _row(endpoint: Endpoint, overview: Overview) -> list[str]:
    def left(facts: t.Any) -> str:
        return describe_left(facts, overview.now)

    return [
        endpoint.name,
        "*" if endpoint.active else "-",
        endpoint.url or "-",
        endpoint.engine_version or "-",
        _shortened(endpoint.allow),
        left(endpoint.server),
        left(endpoint.clients),
        left(endpoint.authority),
        {True: "yes", False: "no", None: "-"}[endpoint.verified],
        endpoint.state if endpoint.tls else f"{endpoint.state}, no TLS",
    ]


def _shortened(networks: t.Sequence[str]) -> str:
    """Return the first one and how many others there are."""
    if not networks:
        return "-"
    return networks[0] if len(networks) == 1 else f"{networks[0]} +{len(networks) - 1}"


def _aligned(cells: t.Sequence[str], widths: t.Sequence[int]) -> str:
    return "   ".join(cell + " " * (width - width_of(cell)) for cell, width in zip(cells, widths)).rstrip()


def _findings(overview: Overview) -> t.Iterator[Line]:
    least, limit = _LISTED
    listed = [each for each in overview.findings if SEVERITIES.index(each.severity) >= SEVERITIES.index(least)]
    for finding in listed[:limit]:
        yield Line("")
        yield Line(as_printable(f"{finding.severity}: {_whose(finding, overview)}: {finding.text}"), finding.severity)
        yield Line(as_printable(f"    Fix: {finding.fix}"))
    if len(listed) > limit:
        yield Line("")
        yield Line(f"{len(listed) - limit} more findings of this kind are in the reports.")


def _whose(finding: Noted, overview: Overview) -> str:
    name = finding.name if finding.kind == "endpoint" else f"{finding.kind} {finding.name}"
    several = len(overview.authorities) > 1 and finding.kind != "authority"
    return f"{finding.fleet}/{name}" if several else name


def _summary(overview: Overview) -> str:
    counted = [f"{number} {severity}" for severity, number in overview.counts().items() if number]
    findings = f"findings: {', '.join(counted)}" if counted else "no findings"
    number = len(overview.endpoints)
    how = "probed" if overview.live else "from the records"
    return f"{number} endpoint{'' if number == 1 else 's'} ({how}), {findings}"
