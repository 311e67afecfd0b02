# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that keeps the place of each of its characters in the file, so that words can be taken out of the file."""

from __future__ import annotations

__all__ = ("PlacedText", "PlacedWord", "Span", "split_placed")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import SPACE, Span, split


@dataclass(frozen=True)
class PlacedText:
    """A value as it is meant, and for each of its characters the span of the file that it is written as."""

    text: str
    places: tuple[Span, ...]

    @classmethod
    def of(cls, characters: t.Sequence[tuple[str, Span]]) -> PlacedText:
        return cls("".join(char for char, _place in characters), tuple(place for _char, place in characters))

    def part(self, start: int, end: int | None = None) -> PlacedText:
        return PlacedText(self.text[start:end], self.places[start:end])

    def strip(self) -> PlacedText:
        start = len(self.text) - len(self.text.lstrip(SPACE))
        return self.part(start, max(start, len(self.text.rstrip(SPACE))))


@dataclass(frozen=True)
class PlacedWord:
    """A word. C(start) and C(end): its span in the file, quotes included."""

    placed: PlacedText
    start: int
    end: int
    #: As it is written, with line continuations replaced by blanks.
    written: str

    @property
    def text(self) -> str:
        return self.placed.text


def split_placed(placed: PlacedText, *, syntax: str = "exec") -> t.Iterator[PlacedWord]:
    """Yield the words, see M(split)."""
    places = placed.places
    for word in split(placed.text, syntax=syntax):
        spans = tuple((places[start][0], places[end - 1][1]) for start, end in word.spans)
        written = placed.text[word.start : word.end]
        yield PlacedWord(PlacedText(word.text, spans), places[word.start][0], places[word.end - 1][1], written)
