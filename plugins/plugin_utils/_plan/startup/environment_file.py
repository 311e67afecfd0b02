# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files that systemd reads, see systemd.exec(5), EnvironmentFile=."""

from __future__ import annotations

__all__ = ("environment_assignments", "is_name")

import re

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import SPACE

from .placed_text import PlacedText, Span
from .unit_file import Assignment

#: Nothing, a comment up to the end of its line, or a name up to the equals sign or the end of its line.
_ENTRY = re.compile(r"[ \t\r\n]*(?:[#;][^\r\n]*|([^\r\n][^\r\n=]*(?==))|[^\r\n]*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What a backslash quotes within double quotes; before others it stays.
_QUOTABLE = '"\\`$'


def is_name(text: str) -> bool:
    """Return whether systemd accepts this name of a variable."""
    return _NAME.fullmatch(text) is not None


def environment_assignments(text: str) -> list[Assignment]:
    """Return what the file assigns. Only whole lines are comments, and C(export) is not known."""
    found: list[Assignment] = []
    position = 0
    while position < len(text):
        entry = _ENTRY.match(text, position)
        if entry is None or entry.group(1) is None:
            position = max(entry.end() if entry else 0, position + 1)
            continue
        value, end, closed = _value(text, entry.end() + 1)
        name = entry.group(1).strip(SPACE)
        if is_name(name):
            found.append(Assignment(name, value, entry.start(1), end, closed=closed))
        position = end
    return found


def _value(text: str, position: int) -> tuple[PlacedText, int, bool]:
    """Read a value; return it, the position after its line, and whether its quotes are closed.

    Quotes count only before the first character that is not quoted: C(a="b" c) is C(bc).
    """
    characters: list[tuple[str, Span]] = []
    quote, is_plain, blanks = "", False, 0
    while position < len(text):
        char, end = text[position], position + 1
        if char in "\r\n" and not quote:
            break
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"':
                end = min(position + 2, len(text))
                characters += _in_double_quotes(text[position + 1 : end], (position, end))
            else:
                characters.append((char, (position, end)))
        elif not is_plain and char in "'\"":
            quote = char
        elif char == "\\":
            end = min(position + 2, len(text))
            is_plain, blanks = True, 0
            if text[position + 1 : end] not in ("\r", "\n", ""):
                characters.append((text[position + 1], (position, end)))
        elif is_plain or char not in SPACE:
            is_plain = True
            blanks = blanks + 1 if char in SPACE else 0
            characters.append((char, (position, end)))
        position = end
    kept = characters[: len(characters) - blanks]
    return PlacedText.of(kept), min(position + 1, len(text)), not quote


def _in_double_quotes(char: str, place: Span) -> list[tuple[str, Span]]:
    if char in ("", "\n"):
        return []
    return [(char, place)] if char in _QUOTABLE else [("\\", place), (char, place)]
