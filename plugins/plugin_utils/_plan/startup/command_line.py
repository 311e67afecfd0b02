# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line that systemd makes of a unit, its drop-ins and its environment files, see systemd.service(5)."""

from __future__ import annotations

__all__ = ("CommandLine", "Reading", "read_startup")

import contextlib
import dataclasses
import functools
import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import (
    InvalidWords,
    names_in,
    substituted,
    variable_of,
)

from .environment_file import environment_assignments, is_name
from .flags import Flag, Token, flags_in
from .placed_text import PlacedText, PlacedWord, split_placed
from .script import Variables, flags_of_variables, needs_shell, shell_variables
from .sources import Doubt, Source
from .unit_file import Assignment, UnknownSpecifier, resolved, unit_assignments

_NAMES = ("ExecStart", "Environment", "UnsetEnvironment")
_NOT_BLANK = re.compile(r"[^ \t\n\r]+")
#: systemd.service(5); the last one has a shell run the line.
_PREFIXES = "@-:+!|"


@dataclass(frozen=True)
class CommandLine:
    """An ExecStart that is in force."""

    source: Source
    assignment: Assignment
    #: The program without systemd's prefixes, then dockerd's name for the prefix C(@), then its arguments as written.
    words: tuple[PlacedWord, ...]
    #: The arguments, variables replaced.
    tokens: tuple[Token, ...]
    flags: tuple[Flag, ...]
    #: How many words precede the arguments.
    head: int
    expands_variables: bool

    @property
    def program(self) -> str:
        return self.words[0].text if self.words else ""

    @property
    def argv(self) -> list[str]:
        """What systemd starts: the program, then its arguments."""
        return [self.program, *(token.text for token in self.tokens if not token.is_nothing)]

    @property
    def written(self) -> str:
        """The words as they are written, on one line."""
        return " ".join(word.written for word in self.words)


@dataclass
class Reading:
    """Every ExecStart in force; the flags in variables that something other than an ExecStart reads; the doubts."""

    command_lines: list[CommandLine] = field(default_factory=list)
    loose: list[Flag] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    variables: Variables = field(default_factory=dict)

    @property
    def flags(self) -> list[Flag]:
        return [*(flag for line in self.command_lines for flag in line.flags), *self.loose]


def read_startup(sources: t.Sequence[Source]) -> Reading:
    """Read how dockerd is started. C(sources): in the order in which systemd reads them.

    Without a unit among them, a shell reads the options files.
    """
    # The callers don't change what they get.
    return _read(tuple(source for source in sources if source.kind in ("unit", "drop_in", "options")))


@functools.lru_cache(maxsize=16)
def _read(sources: tuple[Source, ...]) -> Reading:
    reading = Reading()
    options = [source for source in sources if source.kind == "options"]
    in_force: list[tuple[Source, Assignment]] = []
    if len(options) == len(sources):
        reading.variables = shell_variables(options, reading.doubts)
    else:
        in_force = _read_units(sources, reading)
    for source, assignment in in_force:
        line = _command_line(source, assignment, reading)
        reading.command_lines += [line] if line else []
    if not in_force or any(os.path.basename(line.program) != "dockerd" for line in reading.command_lines):
        # An init script or a wrapper: it may read any variable.
        reading.loose = flags_of_variables(reading.variables, reading.doubts)
    return reading


def _read_units(sources: t.Sequence[Source], reading: Reading) -> list[tuple[Source, Assignment]]:
    in_force: list[tuple[Source, Assignment]] = []
    removed: list[tuple[str, Doubt]] = []
    for source in sources:
        if source.kind == "options":
            continue
        for assignment in unit_assignments(source.text, "Service", _NAMES):
            is_empty = not assignment.value.text
            if assignment.name == "ExecStart":
                in_force = [] if is_empty else [*in_force, (source, assignment)]
            elif assignment.name == "UnsetEnvironment":
                doubt = Doubt(
                    source, assignment.start, "whether it takes flags off the command line depends on systemd"
                )
                words = _environment_words(source, assignment, reading.doubts)
                removed = [] if is_empty else [*removed, *((word.text.partition("=")[0], doubt) for word in words)]
            elif is_empty:
                reading.variables.clear()
            else:
                _set_variables(source, assignment, reading)
    # These beat Environment=, see systemd.exec(5).
    for source in sources:
        if source.kind == "options":
            for assignment in environment_assignments(source.text):
                reading.variables[assignment.name] = [(source, assignment)]
    # systemd 262 removes variables after it has replaced them on the command line, earlier versions before.
    lines = " ".join(assignment.value.text for _source, assignment in in_force)
    reading.doubts += [doubt for name, doubt in removed if name in reading.variables and name in lines]
    return in_force


def _set_variables(source: Source, assignment: Assignment, reading: Reading) -> None:
    for word in _environment_words(source, assignment, reading.doubts):
        name, equals, _value = word.text.partition("=")
        if equals and is_name(name):
            value = word.placed.part(len(name) + 1)
            reading.variables[name] = [(source, Assignment(name, value, word.start, word.end))]


def _environment_words(source: Source, assignment: Assignment, doubts: list[Doubt]) -> t.Iterator[PlacedWord]:
    try:
        for word in split_placed(assignment.value, syntax="environment"):
            with contextlib.suppress(UnknownSpecifier):
                yield _resolved(word, source)
    except InvalidWords as exc:
        # systemd keeps what precedes the error.
        doubts.append(Doubt(source, assignment.start, str(exc)))


def _resolved(word: PlacedWord, source: Source) -> PlacedWord:
    unit = source.unit if source.unit.endswith(".service") else "docker.service"
    return dataclasses.replace(word, placed=resolved(word.placed, unit))


def _commands(value: PlacedText, source: Source) -> list[list[PlacedWord]]:
    """Return the words of each command on the line. Raises M(InvalidWords) and M(UnknownSpecifier)."""
    commands: list[list[PlacedWord]] = [[]]
    try:
        for word in split_placed(value):
            if word.written == ";":
                commands.append([])
            elif word.written == "\\;":
                # The one escape that is only known as a word.
                commands[-1].append(dataclasses.replace(word, placed=word.placed.part(1)))
            else:
                commands[-1].append(_resolved(word, source))
    except InvalidWords:
        # systemd ignores a command whose program it can't read.
        if commands[-1] or len(commands) == 1:
            raise
    return [command for command in commands if command]


def _command_line(source: Source, assignment: Assignment, reading: Reading) -> CommandLine | None:
    doubts, start = reading.doubts, assignment.start
    try:
        commands = _commands(assignment.value, source)
    except (InvalidWords, UnknownSpecifier) as exc:
        # systemd refuses such a unit. What it was meant to be is a listener nevertheless.
        doubts.append(Doubt(source, start, str(exc)))
        commands = [_at_blanks(assignment.value)]
    if not commands:
        return None
    words = [word for command in commands for word in command]
    prefix = words[0].text[: len(words[0].text) - len(words[0].text.lstrip(_PREFIXES))]
    words[0] = dataclasses.replace(words[0], placed=words[0].placed.part(len(prefix)))
    # What it is called in the list of processes is no argument.
    head = 2 if "@" in prefix and len(words) > 1 else 1
    if "@" in prefix and head == 1:
        doubts.append(Doubt(source, start, "the name for the prefix @ is missing"))
    program = words[0].text
    expand = ":" not in prefix
    tokens = [
        token for index in range(head, len(words)) for token in _tokens(source, words[index], index, reading, expand)
    ]
    read = tokens
    if os.path.basename(program) != "dockerd":
        doubts.append(Doubt(source, start, f"it starts {program}, and how that uses its arguments is not known"))
        # For sh -c, a command line is one word.
        parts = [(part, index) for index, word in enumerate(words) for part in _parts(word)]
        read = [token for part, index in parts for token in _tokens(source, part, index, reading, expand)]
    elif len(commands) > 1:
        doubts.append(Doubt(source, start, "it starts several programs"))
    elif "|" in prefix:
        doubts.append(Doubt(source, start, "a shell runs it"))
    return CommandLine(source, assignment, tuple(words), tuple(tokens), tuple(flags_in(read, doubts)), head, expand)


def _parts(word: PlacedWord) -> list[PlacedWord]:
    try:
        return list(split_placed(word.placed))
    except InvalidWords:
        return _at_blanks(word.placed)


def _at_blanks(placed: PlacedText) -> list[PlacedWord]:
    parts = [placed.part(*match.span()) for match in _NOT_BLANK.finditer(placed.text)]
    return [PlacedWord(part, part.places[0][0], part.places[-1][1], part.text) for part in parts]


def _tokens(source: Source, word: PlacedWord, index: int, reading: Reading, expand: bool) -> list[Token]:
    """Return what dockerd gets for a word of the command line. C(expand): variables are replaced."""
    if not expand:
        return [Token(source, word, word.text, index)]
    name = variable_of(word.text)
    if name is None:
        values = {name: found[-1][1].value.text for name, found in reading.variables.items()}
        missing = tuple(name for name in names_in(word.text) if name not in values)
        return [Token(source, word, substituted(word.text, values), index, missing)]
    if name not in reading.variables:
        return [Token(source, word, "", index, (name,), is_nothing=True)]
    of, assignment = reading.variables[name][-1]
    if not assignment.closed:
        reading.doubts.append(Doubt(of, assignment.start, "a quote is not closed"))
    if needs_shell(assignment.value.text):
        reading.doubts.append(Doubt(of, assignment.start, "it has an expression for a shell, and no shell reads it"))
    return [Token(of, part, part.text, index) for part in split_placed(assignment.value, syntax="variable")]
