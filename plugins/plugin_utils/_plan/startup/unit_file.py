# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit files and drop-ins, see systemd.syntax(7), and the specifiers in them, see systemd.unit(5)."""

from __future__ import annotations

__all__ = ("Assignment", "UnknownSpecifier", "resolved", "unit_assignments")

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import SPACE

from .placed_text import PlacedText, Span

_LINE = re.compile(r"([^\r\n]*)(\r\n?|\n\r?|\Z)")
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_SPECIFIER = re.compile(r"%([A-Za-z0-9%])")
#: Known to systemd; these stay as they are written, for they depend on the host.
_OF_THE_HOST = "aAbBdDHlmMoqsvwWyY"
#: The same on all hosts, for a unit of the system that is no instance.
_SPECIFIERS = {
    "%": "%",
    "i": "",
    "I": "",
    "t": "/run",
    "S": "/var/lib",
    "C": "/var/cache",
    "L": "/var/log",
    "E": "/etc",
    "T": "/tmp",  # noqa: S108
    "V": "/var/tmp",  # noqa: S108
    "h": "/root",
    "u": "root",
    "U": "0",
    "g": "root",
    "G": "0",
}


class UnknownSpecifier(ValueError):
    """systemd refuses the assignment."""


@dataclass(frozen=True)
class Assignment:
    """C(name=value). C(start) and C(end): the span of its lines, the last line's end included."""

    name: str
    value: PlacedText
    start: int
    end: int
    #: In a file that a shell reads: it adds to the earlier value (C(+=), or the value refers to a variable).
    adds: bool = False
    #: In an environment file: all quotes are closed.
    closed: bool = True


def unit_assignments(text: str, section: str, names: t.Container[str]) -> list[Assignment]:
    """Return the assignments to these names in a section, in order.

    A backslash at the end of a line is read as a blank; comments may stand between the lines that it joins. What is in
    an unknown section, in none, or not UTF-8 has no effect.
    """
    found: list[Assignment] = []
    lines: list[tuple[int, str]] = []
    current = ""
    for match in _LINE.finditer(text):
        content, is_last = match.group(1), match.end() == len(text)
        if content.lstrip(SPACE).startswith(("#", ";")):
            continues = bool(lines)
        else:
            continues = (len(content) - len(content.rstrip("\\"))) % 2 == 1
            lines.append((match.start(), f"{content[:-1]} " if continues else content))
        if (continues and not is_last) or not lines:
            continue
        logical = "".join(line for _start, line in lines)
        name, equals, _value = logical.partition("=")
        stripped = logical.strip(f"{SPACE}\ufeff")
        if stripped.startswith("["):
            current = stripped[1:-1] if stripped.endswith("]") else ""
        elif equals and current == section and name.strip(SPACE) in names and not _NOT_UTF8.search(logical):
            value = _placed(lines, text).part(len(name) + 1).strip()
            found.append(Assignment(name.strip(SPACE), value, lines[0][0], match.end()))
        lines = []
    return found


def _placed(lines: t.Sequence[tuple[int, str]], text: str) -> PlacedText:
    """Return the lines as one. The blank between two of them stands for all from the backslash to the next line."""
    characters: list[tuple[str, Span]] = []
    for index, (start, line) in enumerate(lines):
        characters += [(char, (start + offset, start + offset + 1)) for offset, char in enumerate(line)]
        if index + 1 < len(lines):
            end = _LINE.match(text, start)
            characters[-1] = (" ", (start + len(line) - 1, end.end() if end else start + len(line)))
    return PlacedText.of(characters)


def resolved(placed: PlacedText, unit: str) -> PlacedText:
    """Return the text with its specifiers replaced, of a unit of this name. Raises M(UnknownSpecifier)."""
    if "%" not in placed.text:
        return placed
    prefix = unit.rpartition(".")[0]
    own = {"n": unit, "N": prefix, "p": prefix, "P": prefix, "j": prefix.rpartition("-")[2]}
    known = {**_SPECIFIERS, **own, "J": own["j"], "f": f"/{prefix}"}
    characters: list[tuple[str, Span]] = []
    position = 0
    while position < len(placed.text):
        match = _SPECIFIER.match(placed.text, position)
        end = position + 1
        replacement: str = placed.text[position]
        if match and match.group(1) in known:
            replacement, end = known[match.group(1)], match.end()
        elif match and match.group(1) not in _OF_THE_HOST:
            raise UnknownSpecifier(f"{match.group()} is no specifier")
        place = (placed.places[position][0], placed.places[end - 1][1])
        characters += [(char, place) for char in replacement]
        position = end
    return PlacedText.of(characters)
