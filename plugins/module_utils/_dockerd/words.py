# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Splitting into words, with the place in its file of each: what is known by its place can be taken out of there."""

from __future__ import annotations

__all__ = ("Spelled", "UnclosedQuote", "Word", "split")

import re
import typing as t
from dataclasses import dataclass

#: C-style escapes, see systemd.service(5), COMMAND LINES.
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|(.))", re.DOTALL)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}


class UnclosedQuote(ValueError):
    """The text ends within a quote."""


@dataclass(frozen=True)
class Spelled:
    """A text as it is meant, and for each of its characters where the file spells it: from, and up to."""

    text: str
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, characters: t.Sequence[tuple[str, tuple[int, int]]]) -> Spelled:
        return cls("".join(char for char, _place in characters), tuple(place for _char, place in characters))

    def part(self, start: int, end: int | None = None) -> Spelled:
        return Spelled(self.text[start:end], self.places[start:end])

    def strip(self) -> Spelled:
        start = len(self.text) - len(self.text.lstrip())
        return self.part(start, max(start, len(self.text.rstrip())))


@dataclass(frozen=True)
class Word:
    """A word. C(start) and C(end): where it stands in its file, its quotes included."""

    spelled: Spelled
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.spelled.text


def split(spelled: Spelled, *, quotes: str = "'\"", c_escapes: bool = True) -> list[Word]:
    """Split as systemd does with ExecStart= and Environment=, which the shell comes close to.

    C(quotes): which characters are quotes; none for a text whose quotes don't match. C(c_escapes): no, for what a
    C($NAME) stands for. Raises M(UnclosedQuote).
    """
    words: list[Word] = []
    characters: list[tuple[str, tuple[int, int]]] = []
    inside, quote, text = False, "", spelled.text
    index = start = end = 0
    while index < len(text):
        char, following = text[index], index + 1
        if not quote and char.isspace():
            if inside:
                words.append(Word(Spelled.of(characters), start, end))
            inside, index = False, following
            continue
        if not inside:
            inside, start, characters = True, spelled.places[index][0], []
        escape = _ESCAPE.match(text, index)
        if char == quote:
            quote = ""
        elif not quote and char in quotes:
            quote = char
        elif escape:
            following = escape.end()
            if not c_escapes:
                following = index + 2
            char = _unescape(escape) if c_escapes else text[index + 1]
            characters.append((char, (spelled.places[index][0], spelled.places[following - 1][1])))
        else:
            characters.append((char, spelled.places[index]))
        end, index = spelled.places[following - 1][1], following
    if quote:
        raise UnclosedQuote(f"a {quote} is not closed")
    if inside:
        words.append(Word(Spelled.of(characters), start, end))
    return words


def _unescape(escape: re.Match[str]) -> str:
    hexadecimal, octal, char = escape.groups()
    if char:
        return _CONTROL.get(char, char)
    return chr(int(hexadecimal, 16) if hexadecimal else int(octal, 8))
