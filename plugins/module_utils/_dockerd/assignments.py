# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The assignments in unit files (systemd.syntax(7)) and in options files, which systemd or a shell reads."""

from __future__ import annotations

__all__ = ("Assignment", "Statement", "of_options_file", "of_unit_file")

import re
from dataclasses import dataclass

from .words import Spelled

_LINE = re.compile(r"([^\n]*?)\r?(?:\n|\Z)")
_OPTION = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*(\+?)=[ \t]*")


@dataclass(frozen=True)
class Assignment:
    """C(name=value). C(start) and C(end): its lines, the last line's end included."""

    name: str
    value: Spelled
    start: int
    end: int
    #: Of a unit file: the section it stands in.
    section: str = ""
    #: Of an options file: it adds to what stood before (C(+=), or the value refers to a variable).
    adds: bool = False
    #: Of an options file: all quotes in it are closed.
    closed: bool = True


@dataclass(frozen=True)
class Statement:
    """A line of an options file that assigns nothing: systemd passes over it, a shell runs it."""

    text: str
    start: int


def of_unit_file(text: str) -> list[Assignment]:
    """Return all assignments of a unit or drop-in, in order.

    A backslash at the end of a line stands for a blank, and comments may stand between the lines that it joins.
    """
    found: list[Assignment] = []
    so_far: list[tuple[str, tuple[int, int]]] = []
    section, start = "", 0
    for line in _LINE.finditer(text):
        content, at = line.group(1), line.start()
        last = line.end() == len(text)
        if content.lstrip().startswith(("#", ";")):
            continues = bool(so_far) and not last
        else:
            start = start if so_far else at
            # Two backslashes are one that is meant.
            continues = (len(content) - len(content.rstrip("\\"))) % 2 == 1 and not last
            kept = content[:-1] if continues else content
            so_far += [(char, (at + index, at + index + 1)) for index, char in enumerate(kept)]
            if continues:
                so_far.append((" ", (at + len(kept), line.end())))
        if continues or not so_far:
            continue
        logical, so_far = Spelled.of(so_far), []
        words = logical.text.strip()
        name, equals, _value = logical.text.partition("=")
        if words.startswith("[") and words.endswith("]"):
            section = words[1:-1]
        elif equals:
            value = logical.part(len(name) + 1).strip()
            found.append(Assignment(name.strip(), value, start, line.end(), section))
    return found


def of_options_file(text: str) -> list[Assignment | Statement]:
    """Return what stands in an environment file (systemd.exec(5), EnvironmentFile=; a shell's assignments)."""
    found: list[Assignment | Statement] = []
    position = 0
    while position < len(text):
        option = _OPTION.match(text, position)
        if option:
            value, end, closed = _value(text, option.end())
            if not closed:
                # As far as can be told, the rest of the line.
                value, end, _closed = _value(text, option.end(), quotes="")
            adds = bool(option.group(2)) or "$" in value.text
            found.append(Assignment(option.group(1), value, position, end, adds=adds, closed=closed))
        else:
            newline = text.find("\n", position)
            end = len(text) if newline < 0 else newline + 1
            statement = text[position:end].strip()
            if statement and not statement.startswith(("#", ";")):
                found.append(Statement(statement, position))
        position = end
    return found


def _value(text: str, start: int, *, quotes: str = "'\"") -> tuple[Spelled, int, bool]:
    """Read the value that begins here: what it means, where the next line begins, and whether its quotes are closed."""
    characters: list[tuple[str, tuple[int, int]]] = []
    quote, position = "", start
    while position < len(text):
        char, following, width = text[position], text[position + 1 : position + 2], 1
        if char == "\n" and not quote:
            break
        if char == "#" and not quote and text[position - 1] in " \t":
            newline = text.find("\n", position)
            position = len(text) if newline < 0 else newline
            break
        if char == "\\" and following and quote != "'" and (not quote or following in '"\\`$\n'):
            width = 2
            if following != "\n":
                characters.append((following, (position, position + 2)))
        elif char == quote:
            quote = ""
        elif not quote and char in quotes:
            quote = char
        else:
            characters.append((char, (position, position + 1)))
        position += width
    return Spelled.of(characters).strip(), min(position + 1, len(text)), not quote
