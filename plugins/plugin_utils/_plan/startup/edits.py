# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing words and lines from a file, leaving every other byte as it is."""

from __future__ import annotations

__all__ = ("Edit", "edited", "without_lines")

import re
import typing as t

#: From, up to, and the words that take the place of those between; none takes them out, with the blanks beside them.
Edit = t.Tuple[int, int, str]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_JOINS_WORDS = re.compile(r"[^ \t]\\\r?\n\Z")
_CONTINUES = re.compile(r"[ \t]*(?<!\\)\\(\r?\n)\Z")


def edited(text: str, edits: t.Collection[Edit]) -> str:
    """Return the text with these edits, none of which goes beyond its line.

    A line that has nothing left is taken out, and where it was the last of several that backslashes join, the one
    before it becomes the last.
    """
    lines: list[str] = []
    for match in _LINE.finditer(text):
        of_line = sorted(edit for edit in set(edits) if match.start() <= edit[0] and edit[1] <= match.end())
        line = match.group()
        for start, end, words in reversed(_joined(text, of_line)):
            line = _replaced(line, start - match.start(), end - match.start(), words)
        left = line.strip() if of_line else line
        if left == "":
            _end_before(lines)
        # Where a shell would put the words of the lines around it together, its indentation stays.
        elif left != "\\" or _JOINS_WORDS.search(lines[-1]):
            lines.append(line)
    return "".join(lines)


def without_lines(text: str, spans: t.Collection[tuple[int, int]]) -> str:
    """Return the text without these spans of whole lines."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def _joined(text: str, edits: t.Sequence[Edit]) -> list[Edit]:
    """Make one of neighbours that go, so that the blanks between them go once."""
    joined: list[Edit] = []
    for start, end, words in edits:
        if joined and not words and not joined[-1][2] and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], end, "")
        else:
            joined.append((start, end, words))
    return joined


def _replaced(line: str, start: int, end: int, words: str) -> str:
    before, behind = line[:start], line[end:]
    if not words:
        if before.strip() and before[-1:] in (" ", "\t"):
            before = before.rstrip(" \t")
        else:
            # The first of its line or of its quotes. A comment remains one by the blank before it.
            behind = behind if behind.lstrip(" \t").startswith("#") else behind.lstrip(" \t")
    return before + words + behind


def _end_before(lines: list[str]) -> None:
    """Take the backslash off the last line that is no comment."""
    for index in range(len(lines) - 1, -1, -1):
        if not lines[index].lstrip().startswith(("#", ";")):
            lines[index] = _CONTINUES.sub(r"\1", lines[index])
            return
