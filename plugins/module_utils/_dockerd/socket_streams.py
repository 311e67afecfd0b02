# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The TCP ports in socket units: which of them are in force, and the units without them."""

from __future__ import annotations

__all__ = ("Stream", "streams", "without_tcp_streams")

import dataclasses
import typing as t
from dataclasses import dataclass

from .assignments import Assignment, of_unit_file
from .edits import without_lines
from .sources import Source
from .unit import socket_units


@dataclass(frozen=True)
class Stream:
    """A ListenStream= that is in force."""

    source: Source
    assignment: Assignment

    @property
    def value(self) -> str:
        return self.assignment.value.text

    @property
    def is_tcp(self) -> bool:
        return _is_tcp(self.value)


def streams(sources: t.Sequence[Source]) -> list[Stream]:
    """Return each ListenStream= in force: an empty one clears all that stood before in its unit."""
    return [stream for files in _by_unit(sources) for stream in _in_force(files)]


def without_tcp_streams(sources: t.Sequence[Source]) -> dict[str, str | None]:
    """Return the new texts of the admin's socket units and drop-ins that hand dockerd a TCP port.

    None: a unit that has nothing left to listen on; systemd would not load it.
    """
    texts: dict[str, str | None] = {}
    for files in _by_unit(sources):
        tcp = [(stream.source, stream.assignment) for stream in _in_force(files) if stream.is_tcp]
        left = [_without(source, [assignment for of, assignment in tcp if of == source]) for source in files]
        if left == files:
            continue
        if not _listens(left):
            # What cleared the vendor's sockets did so for TCP to take their place.
            left = [_without(source, [a for a in _assignments(source) if _is_tcp(a.value.text)]) for source in left]
            left = [_without(source, [a for a in _assignments(source) if not a.value.text]) for source in left]
        for before, after in zip(files, left):
            if before.is_the_admins and before.path.endswith(".socket") and not _listens(left):
                texts[before.path] = None
            elif before != after:
                texts[before.path] = after.text
    return texts


def _by_unit(sources: t.Sequence[Source]) -> list[list[Source]]:
    units: dict[tuple[str, ...], list[Source]] = {}
    for source in sources:
        if source.kind == "socket":
            units.setdefault(socket_units([source.path]), []).append(source)
    return list(units.values())


def _assignments(source: Source) -> list[Assignment]:
    return [a for a in of_unit_file(source.text) if a.section == "Socket" and a.name.startswith("Listen")]


def _in_force(files: t.Sequence[Source]) -> list[Stream]:
    found: list[Stream] = []
    for source in files:
        for assignment in _assignments(source):
            if not assignment.value.text:
                found = []
            elif assignment.name == "ListenStream":
                found.append(Stream(source, assignment))
    return found


def _listens(files: t.Sequence[Source]) -> bool:
    """Tell whether the unit listens on anything, be it a FIFO."""
    listens = False
    for source in files:
        for assignment in _assignments(source):
            listens = bool(assignment.value.text)
    return listens


def _without(source: Source, assignments: t.Sequence[Assignment]) -> Source:
    if not source.is_the_admins:
        return source
    spans = [(a.start, a.end) for a in assignments if a.name == "ListenStream"]
    return dataclasses.replace(source, text=without_lines(source.text, spans))


def _is_tcp(value: str) -> bool:
    # Else a path (%t is /run), an abstract socket or AF_VSOCK, see systemd.socket(5).
    return value != "" and not value.startswith(("/", "@", "%", "vsock:"))
