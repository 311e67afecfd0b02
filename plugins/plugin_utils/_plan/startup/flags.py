# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flags of dockerd, each with the place that it is written at."""

from __future__ import annotations

__all__ = ("Flag", "Token", "flags_in")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import SWITCHES, flags_of

from .daemon_json_hosts import is_tcp
from .placed_text import PlacedWord
from .sources import Doubt, Source


@dataclass(frozen=True)
class Token:
    """A word as dockerd gets it, and where it is written: on the command line, or in a variable's value."""

    source: Source
    word: PlacedWord
    text: str
    #: Which word of the command line it comes from.
    origin: int = -1
    #: Variables in it that no file sets.
    missing: tuple[str, ...] = ()
    #: It consists of such a variable, so dockerd gets nothing.
    is_nothing: bool = False

    @property
    def written(self) -> str:
        return self.source.text[self.word.start : self.word.end]


@dataclass(frozen=True)
class Flag:
    """C(kind): C(host) or C(tls). C(tokens): the flag, and its value if that is a word of its own."""

    kind: str
    tokens: tuple[Token, ...]
    value: str

    @property
    def name(self) -> str:
        return self.tokens[0].text.partition("=")[0]

    @property
    def is_tcp_or_tls(self) -> bool:
        return self.kind == "tls" or is_tcp(self.value)


def flags_in(tokens: t.Sequence[Token], doubts: list[Doubt]) -> list[Flag]:
    """Return the flags for hosts and TLS, in order; add to the doubts."""
    flags: list[Flag] = []
    given = [index for index, token in enumerate(tokens) if not token.is_nothing]
    while given:
        index = given.pop(0)
        token = tokens[index]
        read = flags_of([token.text])
        if not read.hosts and not read.tls:
            continue
        name, equals, value = token.text.partition("=")
        value = read.hosts[0] if read.hosts else value
        taken = [token]
        if not value and not equals and name not in SWITCHES:
            if given and given[0] == index + 1:
                taken.append(tokens[index + 1])
                value = tokens[given.pop(0)].text
            else:
                doubts.append(Doubt(token.source, token.word.start, f"the value of {name} is not in these files"))
        missing = [variable for part in taken for variable in part.missing]
        if read.hosts and missing and not value.startswith("tcp://"):
            doubts.append(Doubt(token.source, token.word.start, f"the value of ${missing[0]} is not in these files"))
        flags.append(Flag("host" if read.hosts else "tls", tuple(taken), value))
    return flags
