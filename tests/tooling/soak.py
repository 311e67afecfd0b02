# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of C(./dev soak): each test on each flavour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .results import read_ended


@dataclass(frozen=True)
class Result:
    """One test on one flavour."""

    test: str
    flavour: str
    outcome: str
    seconds: float


def summary(reports: Mapping[str, Path], flavours: Sequence[str]) -> str:
    """Return the table of these files of results, each by the name of its lane."""
    missing = [lane for lane, report in reports.items() if not report.exists()]
    columns = [*flavours, *(lane for lane in reports if lane not in flavours)]
    commits = dict.fromkeys(ended.commit for report in reports.values() for ended in read_ended(report))
    return f"{table(read_results(reports, flavours), columns, missing)}Commits: {', '.join(commits)}\n"


def read_results(reports: Mapping[str, Path], flavours: Sequence[str]) -> list[Result]:
    """Read the files of results, each by the name of its lane.

    A test is on the flavour that its parameters name, else on that of its lane.
    """
    results = []
    for lane, report in reports.items():
        for ended in read_ended(report):
            path, _colons, name = ended.test.partition("::")
            test, flavour = _split(name, flavours)
            module = path.removeprefix("tests/integration/").removesuffix(".py").replace("/", ".")
            results.append(Result(f"{module}::{test}", flavour or lane, ended.outcome, ended.seconds))
    return results


def table(results: Sequence[Result], flavours: Sequence[str], missing: Sequence[str] = ()) -> str:
    """Return a Markdown table of tests by flavour, with the sums, and a list of what did not pass.

    C(missing) names lanes without results.
    """
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for result in results:
        cells[result.test][result.flavour] = f"{result.outcome} {result.seconds:.0f} s"
    columns = [flavour for flavour in flavours if any(result.flavour == flavour for result in results)]
    rows = [[test, *(cells[test].get(flavour, "") for flavour in columns)] for test in sorted(cells)]
    rows.append(["**all**", *(_sum([r for r in results if r.flavour == flavour]) for flavour in columns)])
    lines = [["test", *columns], ["---"] * (len(columns) + 1), *rows]
    text = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    bad = [f"- {r.test} on {r.flavour}: {r.outcome}" for r in results if r.outcome not in ("passed", "skipped")]
    bad += [f"- no results of {lane}" for lane in missing]
    return "\n".join([text, "", *(bad or ["None of these tests failed."]), ""])


def _sum(results: Sequence[Result]) -> str:
    passed = sum(result.outcome == "passed" for result in results)
    return f"{passed} of {len(results)} passed, {sum(result.seconds for result in results):.0f} s"


def _split(name: str, flavours: Sequence[str]) -> tuple[str, str]:
    """Take the flavour out of the parameters in a test's name: C(test_x[sid-socket]) is C(test_x[socket])."""
    function, bracket, parameters = name.removesuffix("]").partition("[")
    # The longest first: a flavour's name may begin like another's.
    for flavour in sorted(flavours, key=len, reverse=True):
        if f"-{parameters}-".find(f"-{flavour}-") >= 0:
            left = f"-{parameters}-".replace(f"-{flavour}-", "-", 1).strip("-")
            return (f"{function}[{left}]" if left else function), flavour
    return function + (f"[{parameters}]" if bracket else ""), ""
