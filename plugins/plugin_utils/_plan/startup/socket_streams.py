# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sockets of socket units, see systemd.socket(5): those in force, and the units without their TCP ports."""

from __future__ import annotations

__all__ = ("Stream", "is_tcp_stream", "socket_units", "streams", "without_tcp_streams")

import dataclasses
import ipaddress
import re
import typing as t
from dataclasses import dataclass

from .edits import without_lines
from .sources import Source
from .unit_file import Assignment, UnknownSpecifier, resolved, unit_assignments

_NAMES = frozenset(
    f"Listen{kind}"
    for kind in ("Stream", "Datagram", "SequentialPacket", "FIFO", "Special", "Netlink", "MessageQueue", "USBFunction")
)
#: An address and a port, perhaps an interface; or a port alone.
_ADDRESS = re.compile(r"(?:\[([^]]+)\]:|([0-9.]+):)?((?:\+?(?:0[xX])?|0[bBoO])[0-9a-fA-F]+)(%.+)?")


@dataclass(frozen=True)
class Stream:
    """A ListenStream= that is in force."""

    source: Source
    assignment: Assignment

    @property
    def value(self) -> str:
        try:
            return resolved(self.assignment.value, self.source.unit).text
        except UnknownSpecifier:
            # systemd ignores it.
            return ""

    @property
    def is_tcp(self) -> bool:
        return is_tcp_stream(self.value)


def streams(sources: t.Sequence[Source]) -> list[Stream]:
    """Return each ListenStream= in force. An empty Listen...= clears all earlier ones of its unit."""
    return [stream for files in _by_unit(sources) for stream in _in_force(files)]


def socket_units(paths: t.Iterable[str]) -> tuple[str, ...]:
    """Return the names of the socket units that these files belong to."""
    units = [Source(path, "", "socket").unit for path in paths]
    return tuple(dict.fromkeys(unit for unit in units if unit.endswith(".socket")))


def without_tcp_streams(sources: t.Sequence[Source]) -> dict[str, str | None]:
    """Return the new texts of the admin's socket units and drop-ins that hand dockerd a TCP port.

    None: the unit has nothing left to listen on, so systemd would not load it.
    """
    texts: dict[str, str | None] = {}
    for files in _by_unit(sources):
        tcp = [(stream.source, stream.assignment) for stream in _in_force(files) if stream.is_tcp]
        left = [_without(source, [assignment for of, assignment in tcp if of == source]) for source in files]
        if left == files:
            continue
        if not _listens(left):
            # The assignment that cleared the vendor's sockets made room for TCP.
            left = [
                _without(source, [a for a in _assignments(source) if is_tcp_stream(a.value.text)]) for source in left
            ]
            left = [_without(source, [a for a in _assignments(source) if not a.value.text]) for source in left]
        for before, after in zip(files, left):
            if before.is_the_admins and before.path.endswith(".socket") and not _listens(left):
                texts[before.path] = None
            elif before != after:
                texts[before.path] = after.text
    return texts


def _by_unit(sources: t.Sequence[Source]) -> list[list[Source]]:
    units: dict[str, list[Source]] = {}
    for source in sources:
        if source.kind == "socket":
            units.setdefault(source.unit, []).append(source)
    return list(units.values())


def _assignments(source: Source) -> list[Assignment]:
    return unit_assignments(source.text, "Socket", _NAMES)


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
    """Return whether the unit listens on anything, even a FIFO."""
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


def is_tcp_stream(value: str) -> bool:
    """Return whether this value of ListenStream= is a TCP port.

    Others are a path, an abstract socket, AF_VSOCK, or something that systemd ignores, such as a host name or a scheme.
    """
    match = _ADDRESS.fullmatch(value)
    if match is None:
        return False
    ipv6, ipv4, port, interface = match.groups()
    if interface and ipv6 is None and ipv4 is None:
        return False
    try:
        if ipv6 is not None:
            ipaddress.IPv6Address(ipv6)
        elif ipv4 is not None:
            ipaddress.IPv4Address(ipv4)
        return 0 < _number(port) < 65536
    except ValueError:
        return False


def _number(port: str) -> int:
    # C reads a leading zero as octal.
    return int(port, 8) if re.fullmatch(r"\+?0[0-7]+", port) else int(port, 0)
