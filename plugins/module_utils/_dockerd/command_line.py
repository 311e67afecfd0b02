# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dockerd is started with, each word with the file and the place that it comes from."""

from __future__ import annotations

__all__ = ("CommandLine", "Flag", "Started", "Token", "started")

import os
import re
import typing as t
from dataclasses import dataclass, field

from .assignments import Assignment, Statement, of_options_file, of_unit_file
from .listening_keys import is_tcp
from .sources import Doubt, Source
from .unit import daemon_flags
from .words import Spelled, UnclosedQuote, Word, split

_REFERENCE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_BRACED = re.compile(r"\$\{(\w+)\}")
#: What only a shell can work out.
_EXPRESSION = re.compile(r"\$\(|`|\$\{\w+[^\w}]")
_OPTIONS_NAME = re.compile(r"(OPTS|OPTIONS|ARGS|FLAGS|HOSTS?)\Z")
_FLAG_WORDS = re.compile(r"(?<![\w-])(-[Dv]*H|--host|--tls)")
_READS_ANOTHER = re.compile(r"(\.|source|eval)\s")


@dataclass(frozen=True)
class Token:
    """A word as dockerd gets it, and where it is written."""

    source: Source
    word: Word
    text: str
    #: It stands for a variable that none of the files sets, so that dockerd gets nothing.
    unset: bool = False

    @property
    def written(self) -> str:
        return self.source.text[self.word.start : self.word.end]


@dataclass(frozen=True)
class Flag:
    """C(kind): C(host) or C(tls). C(tokens): the flag, and its value where that is a word of its own."""

    kind: str
    tokens: tuple[Token, ...]
    value: str


@dataclass(frozen=True)
class CommandLine:
    """An ExecStart that is in force."""

    source: Source
    assignment: Assignment
    #: Its own words, without systemd's prefixes, variables not replaced.
    words: tuple[Word, ...]
    #: What dockerd sees as its name stands behind the program: the prefix C(@).
    names_itself: bool
    flags: tuple[Flag, ...]

    @property
    def program(self) -> str:
        return self.words[0].text if self.words else ""


@dataclass
class Started:
    """Every ExecStart in force; the flags of variables that something else than an ExecStart reads; the doubts."""

    command_lines: list[CommandLine] = field(default_factory=list)
    loose: list[Flag] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)

    @property
    def flags(self) -> list[Flag]:
        return [*(flag for line in self.command_lines for flag in line.flags), *self.loose]


#: Every value in force of each variable; several where a shell puts them together.
_Variables = t.Dict[str, t.List[t.Tuple[Source, Assignment]]]


def started(sources: t.Sequence[Source]) -> Started:
    """Read how dockerd is started. C(sources): in the order in which systemd reads them."""
    result = Started()
    in_force: list[tuple[Source, Assignment]] = []
    variables: _Variables = {}
    for source in sources:
        if source.kind in ("unit", "drop_in"):
            for assignment in of_unit_file(source.text):
                if (assignment.section, assignment.name) == ("Service", "ExecStart"):
                    in_force = [*in_force, (source, assignment)] if assignment.value.text else []
                elif (assignment.section, assignment.name) == ("Service", "Environment"):
                    _set_variables(source, assignment, variables, result.doubts)
    # An environment file beats Environment=, see systemd.exec(5).
    options = [source for source in sources if source.kind == "options"]
    for source in options:
        found = of_options_file(source.text)
        # With an if or a case, all that it assigns may be in force.
        plain = not any(isinstance(entry, Statement) for entry in found)
        for entry in found:
            if isinstance(entry, Assignment):
                before = variables.get(entry.name, []) if entry.adds or not plain else []
                variables[entry.name] = [*before, (source, entry)]
            elif not in_force and (_READS_ANOTHER.match(entry.text) or _FLAG_WORDS.search(entry.text)):
                result.doubts.append(Doubt(source, entry.start, "what a shell makes of this line can't be told"))
    for source, assignment in in_force:
        result.command_lines.append(_command_line(source, assignment, variables, result.doubts))
    if any(os.path.basename(line.program) != "dockerd" for line in result.command_lines) or not in_force:
        # An init script, or a wrapper: it may read any variable.
        for name, values in variables.items():
            for source, assignment in values:
                result.loose += _loose_flags(name, source, assignment, variables, result.doubts)
    return result


def _set_variables(source: Source, assignment: Assignment, variables: _Variables, doubts: list[Doubt]) -> None:
    if not assignment.value.text:
        variables.clear()
    for word in _split(source, assignment.value, doubts):
        name, equals, _value = word.text.partition("=")
        if equals:
            value = word.spelled.part(len(name) + 1)
            variables[name] = [(source, Assignment(name, value, word.start, word.end))]


def _command_line(source: Source, assignment: Assignment, variables: _Variables, doubts: list[Doubt]) -> CommandLine:
    value = assignment.value
    bare = value.text.lstrip("@-:+!|")
    prefix = value.text[: len(value.text) - len(bare)]
    start = assignment.start
    words = _split(source, value.part(len(prefix)), doubts)
    program = words[0].text if words else ""
    tokens = []
    if os.path.basename(program) == "dockerd":
        if any(word.text == ";" for word in words):
            doubts.append(Doubt(source, start, "it starts several programs"))
    else:
        doubts.append(Doubt(source, start, f"it starts {program}, and what that makes of its arguments can't be told"))
        # For sh -c, a command line is one word.
        words_inside = [_split(source, word.spelled, []) for word in words]
        words = [part for parts in words_inside for part in parts]
    for word in words:
        tokens += _tokens(source, word, {} if ":" in prefix else variables, doubts, ())
    return CommandLine(source, assignment, tuple(words), "@" in prefix, tuple(_flags(tokens, doubts)))


def _loose_flags(
    name: str, source: Source, assignment: Assignment, variables: _Variables, doubts: list[Doubt]
) -> list[Flag]:
    doubts_here: list[Doubt] = []
    flags = _flags(_expanded(source, assignment, variables, doubts_here, (name,), recursive=True), doubts_here)
    if flags or _OPTIONS_NAME.search(name) or _FLAG_WORDS.search(assignment.value.text):
        doubts += doubts_here
    return flags


def _tokens(
    source: Source, word: Word, variables: _Variables, doubts: list[Doubt], seen: tuple[str, ...]
) -> list[Token]:
    """Return the words that dockerd gets for this one: its variable's, if it is one."""
    reference = _REFERENCE.fullmatch(word.text)
    name = (reference.group(1) or reference.group(2)) if reference else ""
    values = [] if name in seen else variables.get(name, [])
    if reference and not values:
        return [Token(source, word, "", unset=True)]
    # ${NAME} stays one word, even when it is empty.
    whole = bool(reference and reference.group(2)) and not any(" " in a.value.text for _s, a in values)
    if reference and not (whole and not seen):
        return [
            token
            for of, assignment in values
            for token in _expanded(of, assignment, variables, doubts, (*seen, name), recursive=bool(seen))
        ]

    def replaced(match: re.Match[str]) -> str:
        texts = [assignment.value.text for _source, assignment in variables.get(match.group(1), [])]
        return " ".join(texts) if texts else match.group(0)

    return [Token(source, word, _BRACED.sub(replaced, word.text))]


def _expanded(
    source: Source,
    assignment: Assignment,
    variables: _Variables,
    doubts: list[Doubt],
    seen: tuple[str, ...],
    *,
    recursive: bool,
) -> list[Token]:
    """Return the words of a variable's value. C(recursive): a shell replaces the variables in it as well."""
    if not assignment.closed:
        doubts.append(Doubt(source, assignment.start, "a quote is not closed"))
    if _EXPRESSION.search(assignment.value.text):
        doubts.append(Doubt(source, assignment.start, "it has an expression that only a shell can work out"))
    words = _split(source, assignment.value, doubts, c_escapes=False)
    if not recursive:
        return [Token(source, word, word.text) for word in words]
    return [token for word in words for token in _tokens(source, word, variables, doubts, seen)]


def _flags(tokens: t.Sequence[Token], doubts: list[Doubt]) -> list[Flag]:
    flags: list[Flag] = []
    given = [index for index, token in enumerate(tokens) if not token.unset]
    while given:
        index = given.pop(0)
        token = tokens[index]
        read = daemon_flags([token.text], {})
        if not read.hosts and not read.tls:
            continue
        name, equals, value = token.text.partition("=")
        value = read.hosts[0] if read.hosts else value
        taken = [token]
        if not value and not equals and name not in ("--tls", "--tlsverify"):
            if given != [] and given[0] == index + 1:
                taken.append(tokens[index + 1])
                value = tokens[given.pop(0)].text
            else:
                doubts.append(Doubt(token.source, token.word.start, f"the value of {name} is not in these files"))
        if read.hosts and is_tcp(value) and "$" in value.partition("://")[0]:
            doubts.append(Doubt(token.source, token.word.start, f"what {value} stands for is not in these files"))
        flags.append(Flag("host" if read.hosts else "tls", tuple(taken), value))
    return flags


def _split(source: Source, value: Spelled, doubts: list[Doubt], *, c_escapes: bool = True) -> list[Word]:
    try:
        return split(value, c_escapes=c_escapes)
    except UnclosedQuote as exc:
        doubts.append(Doubt(source, value.places[0][0], str(exc)))
        return split(value, quotes="", c_escapes=c_escapes)
