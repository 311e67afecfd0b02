# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of Markdown files that are generated: what stands between two markers."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).parents[1]


def with_table(text: str, new: str, marker: str, name: str = "README.md") -> str:
    """Return the text of the file of this name with what stands between the markers replaced."""
    begin_line, end_line = f"<!-- begin {marker} -->", f"<!-- end {marker} -->"
    before, begin, rest = text.partition(begin_line)
    _old, end, after = rest.partition(end_line)
    if not begin or not end:
        sys.exit(f"{name}: the lines {begin_line} and {end_line} are missing, so there is no place for the table")
    return f"{before}{begin_line}\n{new}\n{end_line}{after}"


def rows(lines: t.Iterable[t.Sequence[str]]) -> str:
    """Return the lines of a Markdown table, the header first."""
    header, *body = lines
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in body]
    cells = [f"| {' | '.join(line)} |" for line in (header, *escaped)]
    return "\n".join([cells[0], "|" + "---|" * len(header), *cells[1:]])
