# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts without systemd, where a script of sysvinit or OpenRC starts dockerd, and a shell reads its options file."""

from __future__ import annotations

__all__ = ("Statement", "Variables", "flags_of_variables", "needs_shell", "script_startup", "shell_variables")

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import (
    DaemonFlags,
    flags_of,
    words_of,
)

from .flags import Flag, Token, flags_in
from .options_file import OptionsFile
from .placed_text import PlacedText, PlacedWord, Span, split_placed
from .sources import Doubt, Source
from .unit_file import Assignment

_VARIABLE = "DOCKER_OPTS"
#: supervise-daemon(8), and the variable that names the program to start in scripts of OpenRC (Alpine, Gentoo).
_SUPERVISOR = "supervise-daemon"
_PROGRAM_VARIABLE = "DOCKERD_BINARY"
_OPTION = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*(\+?)=[ \t]*")
_REFERENCE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
#: What only a shell can work out.
_EXPRESSION = re.compile(r"\$\(|`|\$\{\w+[^\w}]")
_OPTIONS_NAME = re.compile(r"(OPTS|OPTIONS|ARGS|FLAGS|HOSTS?)\Z")
_FLAG_WORDS = re.compile(r"(?<![\w-])(-[Dv]*H|--host|--tls)")
_READS_ANOTHER = re.compile(r"(\.|source|eval)\s")

#: Every value in force of each variable; several if a shell puts them together.
Variables = t.Dict[str, t.List[t.Tuple[Source, Assignment]]]


@dataclass(frozen=True)
class Statement:
    """A line that assigns nothing."""

    text: str
    start: int


def script_startup(script: str, source: Source, program: str) -> tuple[OptionsFile | None, DaemonFlags]:
    """Return the options file that an init script reads, and dockerd's flags.

    C(script): the script's text; C(source): the options file; C(program): dockerd.
    """
    value = _value_in_shell(source.text, _VARIABLE)
    options = None
    if _VARIABLE in script:
        options = OptionsFile(
            source.path,
            _VARIABLE,
            value,
            is_shell=True,
            is_supervised=_SUPERVISOR in script or _value_in_shell(source.text, "supervisor") == _SUPERVISOR,
            program_variable=_PROGRAM_VARIABLE if _PROGRAM_VARIABLE in script else "",
        )
    return options, flags_of([program, *words_of(value)])


def _value_in_shell(text: str, variable: str) -> str:
    """Return the variable's value after a shell has read these assignments; what only a shell can tell stays."""
    values: dict[str, str] = {}
    for entry in _entries(text):
        if isinstance(entry, Assignment):
            replaced = _REFERENCE.sub(lambda match: values.get(match.group(1) or match.group(2), ""), entry.value.text)
            # C(adds) is true for a value that refers to a variable as well.
            before = values.get(entry.name, "") if entry.adds and "$" not in entry.value.text else ""
            values[entry.name] = f"{before} {replaced}".strip()
    return values.get(variable, "")


def needs_shell(text: str) -> bool:
    """Return whether only a shell can work out this value."""
    return _EXPRESSION.search(text) is not None


def shell_variables(sources: t.Iterable[Source], doubts: list[Doubt]) -> Variables:
    """Return the variables after a shell has read these files."""
    variables: Variables = {}
    for source in sources:
        found = _entries(source.text)
        # After an if or a case, all that it assigns may be in force.
        is_plain = not any(isinstance(entry, Statement) for entry in found)
        for entry in found:
            if isinstance(entry, Assignment):
                before = variables.get(entry.name, []) if entry.adds or not is_plain else []
                variables[entry.name] = [*before, (source, entry)]
            elif _READS_ANOTHER.match(entry.text) or _FLAG_WORDS.search(entry.text):
                doubts.append(Doubt(source, entry.start, "the effect of this line in a shell is not known"))
    return variables


def flags_of_variables(variables: Variables, doubts: list[Doubt]) -> list[Flag]:
    """Return the flags in all variables, for a script or wrapper that may read any of them."""
    flags: list[Flag] = []
    for name, values in variables.items():
        for source, assignment in values:
            doubts_here: list[Doubt] = []
            found = flags_in(_tokens_of_value(source, assignment, variables, doubts_here, (name,)), doubts_here)
            if found or _OPTIONS_NAME.search(name) or _FLAG_WORDS.search(assignment.value.text):
                doubts += doubts_here
            flags += found
    return flags


def _tokens_of_value(
    source: Source, assignment: Assignment, variables: Variables, doubts: list[Doubt], seen: tuple[str, ...]
) -> list[Token]:
    if not assignment.closed:
        doubts.append(Doubt(source, assignment.start, "a quote is not closed"))
    if needs_shell(assignment.value.text):
        doubts.append(Doubt(source, assignment.start, "it has an expression that only a shell can work out"))
    words = split_placed(assignment.value, syntax="variable")
    return [token for word in words for token in _tokens(source, word, variables, doubts, seen)]


def _tokens(
    source: Source, word: PlacedWord, variables: Variables, doubts: list[Doubt], seen: tuple[str, ...]
) -> list[Token]:
    reference = _REFERENCE.fullmatch(word.text)
    if reference is None:
        return [Token(source, word, word.text)]
    name = reference.group(1) or reference.group(2)
    values = [] if name in seen else variables.get(name, [])
    if not values:
        return [Token(source, word, "", missing=(name,), is_nothing=True)]
    return [
        token
        for of, assignment in values
        for token in _tokens_of_value(of, assignment, variables, doubts, (*seen, name))
    ]


def _entries(text: str) -> list[Assignment | Statement]:
    """Return the lines that assign something, and those that don't."""
    found: list[Assignment | Statement] = []
    position = 0
    while position < len(text):
        option = _OPTION.match(text, position)
        if option:
            value, end, closed = _value(text, option.end())
            if not closed:
                # The rest of the line is the best guess.
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


def _value(text: str, start: int, *, quotes: str = "'\"") -> tuple[PlacedText, int, bool]:
    """Read a value; return it, the position after its line, and whether its quotes are closed."""
    characters: list[tuple[str, Span]] = []
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
    return PlacedText.of(characters).strip(), min(position + 1, len(text)), not quote
