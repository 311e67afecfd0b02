# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd's flags, from the command line that systemd makes of an ExecStart.

The words and variables of a command line follow systemd.service(5), COMMAND LINES, and systemd.syntax(7), QUOTING.
Standalone: the guard carries a copy of this file on each host.
"""

from __future__ import annotations

__all__ = (
    "SPACE",
    "SWITCHES",
    "DaemonFlags",
    "InvalidWords",
    "Span",
    "Word",
    "daemon_flags",
    "expanded",
    "flags_of",
    "names_in",
    "short_host",
    "split",
    "substituted",
    "variable_of",
    "words_of",
)

import re
import typing as t
from dataclasses import dataclass

#: systemd's whitespace; Python knows more of it.
SPACE = " \t\n\r"
#: TLS flags that take no value.
SWITCHES = ("--tls", "--tlsverify")
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtvs\\\"']))", re.DOTALL
)
#: Or an open brace, which systemd leaves as it is; so it does with C(${NAME:...}).
_REFERENCE = re.compile(r"(\$\$)|\$\{([^}:]*)\}|\$\{[^}:]*\Z")
#: -H, and behind other short flags that take no value (-DH).
_SHORT_HOST = re.compile(r"-[Dv]*H")
_TLS_FLAG = re.compile(r"--(tls|tlsverify|tlscacert|tlscert|tlskey)(=.*)?\Z", re.DOTALL)

Span = t.Tuple[int, int]


class InvalidWords(ValueError):
    """systemd does not accept the text: a quote is not closed, or an escape is unknown."""


@dataclass(frozen=True)
class Word:
    """A word of a text; for each of its characters, the span of the text that it is written as."""

    text: str
    spans: tuple[Span, ...]
    #: The span of the word, quotes included.
    start: int
    end: int


@dataclass(frozen=True)
class DaemonFlags:
    """The flags of dockerd that matter for a listener."""

    #: The absolute path of dockerd; empty if ExecStart has none.
    program: str
    hosts: tuple[str, ...]
    tls: tuple[str, ...]
    config_file: str | None
    live_restore: bool


def split(text: str, *, syntax: str = "exec") -> t.Iterator[Word]:
    """Yield the words of a text.

    C(syntax) C(exec): of ExecStart=, where unknown escapes are kept as they are written; C(environment): of
    Environment=, where they are errors; C(variable): of a variable's value, where a backslash only quotes the next
    character, and quotes may stay open. Raises M(InvalidWords), after the words before the error.
    """
    position = 0
    while True:
        while position < len(text) and text[position] in SPACE:
            position += 1
        if position == len(text):
            return
        try:
            word = _word(text, position, syntax == "variable", keeps_unknown=False)
        except InvalidWords:
            if syntax != "exec":
                raise
            word = _word(text, position, is_value=False, keeps_unknown=True)
        yield word
        position = word.end


def _word(text: str, start: int, is_value: bool, *, keeps_unknown: bool) -> Word:
    characters: list[str] = []
    spans: list[Span] = []
    quote, position = "", start
    while position < len(text) and (quote or text[position] not in SPACE):
        char, end = text[position], position + 1
        if char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        else:
            if char == "\\":
                char, end = _quoted(text, position) if is_value else _unescaped(text, position, keeps_unknown)
            for part in char:
                characters.append(part)
                spans.append((position, end))
        position = end
    if quote and not is_value:
        raise InvalidWords(f"a {quote} is not closed")
    return Word("".join(characters), tuple(spans), start, position)


def _quoted(text: str, position: int) -> tuple[str, int]:
    return text[position + 1 : position + 2], min(position + 2, len(text))


def _unescaped(text: str, position: int, keeps_unknown: bool) -> tuple[str, int]:
    match = _ESCAPE.match(text, position)
    if match:
        byte, short, long, octal, char = match.groups()
        number = int(octal, 8) if octal else int(byte or short or long or "0", 16)
        if char:
            return _CONTROL.get(char, char), match.end()
        if (byte or octal) and 0 < number < 256:
            # A byte, not a character.
            return (chr(number) if number < 128 else chr(0xDC00 + number)), match.end()
        if (short or long) and 0 < number < 0x110000 and not 0xD800 <= number < 0xE000:
            return chr(number), match.end()
    if not keeps_unknown:
        raise InvalidWords(f"{text[position : position + 2]} is no escape")
    return text[position : position + 2], min(position + 2, len(text))


def variable_of(word: str) -> str | None:
    """Return the variable that a word consists of (C($NAME)), which systemd replaces with the value's words."""
    return word[1:] if word.startswith("$") and word[1:2] not in ("{", "$") else None


def substituted(word: str, variables: t.Mapping[str, str]) -> str:
    """Return the word with each C(${NAME}) in it replaced by the value, and C($$) by C($)."""

    def replacement(match: re.Match[str]) -> str:
        escape, name = match.groups()
        return "$" if escape else match.group() if name is None else variables.get(name, "")

    return _REFERENCE.sub(replacement, word)


def names_in(word: str) -> list[str]:
    """Return the variables that M(substituted) replaces in a word."""
    return [match.group(2) for match in _REFERENCE.finditer(word) if match.group(2) is not None]


def expanded(words: t.Iterable[str], variables: t.Mapping[str, str]) -> list[str]:
    """Return the command line with its variables replaced, as systemd does on start."""
    found: list[str] = []
    for word in words:
        name = variable_of(word)
        found += [substituted(word, variables)] if name is None else words_of(variables.get(name, ""))
    return found


def words_of(text: str) -> list[str]:
    """Return the words of a variable's value."""
    return [word.text for word in split(text, syntax="variable")]


def daemon_flags(words: t.Iterable[str], variables: t.Mapping[str, str]) -> DaemonFlags:
    """Return the flags of a command line, program first. C(variables): replaced in it."""
    return flags_of(expanded(words, variables))


def flags_of(argv: t.Sequence[str]) -> DaemonFlags:
    """Return the flags of a command line as dockerd gets it, program first."""
    hosts, tls, config_file, live_restore = [], [], None, False
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--host":
            hosts.append(value if equals else next(words, ""))
        elif short_host(word) is not None:
            hosts.append(short_host(word) or next(words, ""))
        elif _TLS_FLAG.match(word):
            tls.append(word)
            if not equals and name not in SWITCHES:
                next(words, "")
        elif name == "--config-file":
            config_file = value if equals else next(words, "")
        live_restore = live_restore or name == "--live-restore"
    program = argv[0] if argv and argv[0].startswith("/") else ""
    return DaemonFlags(program, tuple(hosts), tuple(tls), config_file, live_restore)


def short_host(word: str) -> str | None:
    """Return the value of a C(-H) in the same word, empty if it is the next word; None: the word is not C(-H)."""
    return word.partition("H")[2].lstrip("=") if _SHORT_HOST.match(word) else None
