# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network interfaces of this host and their addresses, asked of the kernel by rtnetlink(7).

No command is run: iproute2 is missing on minimal hosts, and the ip of busybox has no -json. Nor are /proc and /sys
read: what is mounted there may be another network namespace's, /proc/net shows no interface's second IPv4 address,
and /sys/class/net holds files that are no interfaces.
"""

from __future__ import annotations

__all__ = ("Address", "addresses", "as_text", "interface_names", "parse_addresses", "resolve", "unmapped")

import socket
import struct
import typing as t

# linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h; all in the host's byte order.
_ROUTE, _GETADDR, _NEWADDR, _ERROR, _DONE, _REQUEST_DUMP = 0, 22, 20, 2, 3, 0x301
_HEADER, _ADDRESS, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBI"), struct.Struct("=HH")
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
#: IFA_F_SECONDARY of IPv4 is IFA_F_TEMPORARY of IPv6.
_SECONDARY = _TEMPORARY = 0x01
_DUPLICATE = 0x08
_MAPPED = b"\0" * 10 + b"\xff\xff"
_LENGTHS = {socket.AF_INET: 4, socket.AF_INET6: 16}
_TIMEOUT = 3.0


class Address(t.NamedTuple):
    """One address of an interface (by its index), as the kernel has it: 4 or 16 bytes."""

    interface: int
    packed: bytes
    flags: int

    @property
    def is_usable(self) -> bool:
        """Whether it is permanent, and reachable from elsewhere without naming the interface.

        A temporary address (RFC 8981) is another one tomorrow, and meant for connections outward only.
        """
        first, second = self.packed[:2]
        if len(self.packed) == 4:
            # 169.254.0.0/16 and fe80::/10 are link-local.
            return (first, second) != (169, 254) and not self.flags & _DUPLICATE
        return (first, second & 0xC0) != (0xFE, 0x80) and not self.flags & (_TEMPORARY | _DUPLICATE)

    @property
    def order(self) -> tuple[int, int, bytes]:
        """IPv4 first, the primary address of each network first; the same in each run, whatever the kernel's order."""
        return len(self.packed), self.flags & _SECONDARY, self.packed


def interface_names() -> dict[int, str]:
    """Return the names of the host's interfaces by their index."""
    return dict(socket.if_nameindex())


def addresses(names: t.Mapping[int, str]) -> list[dict[str, t.Any]]:
    """Return the addresses of all interfaces, as data; none if the kernel does not answer."""
    try:
        found = sorted(_ask_kernel(), key=lambda address: address.order)
    except OSError:
        return []
    return [
        {"interface": names[entry.interface], "address": as_text(entry.packed), "usable": entry.is_usable}
        for entry in found
        if entry.interface in names
    ]


def as_text(packed: bytes) -> str:
    """Write an address of 4 or 16 bytes. Raises ValueError."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def unmapped(packed: bytes) -> bytes:
    """Return IPv4 as such if it comes mapped into IPv6."""
    return packed[len(_MAPPED) :] if packed.startswith(_MAPPED) and len(packed) == 16 else packed


def resolve(name: str) -> dict[str, t.Any]:
    """Return the addresses of a host name, or the resolver's error, as data."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        return {"error": str(getattr(exc, "strerror", None) or exc)}
    return {"addresses": sorted({str(address[0]).partition("%")[0] for *_rest, address in found})}


def _ask_kernel() -> list[Address]:
    """Return all addresses of this host."""
    found: list[Address] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _ROUTE) as kernel:
        kernel.settimeout(_TIMEOUT)
        length = _HEADER.size + _ADDRESS.size
        kernel.sendto(
            _HEADER.pack(length, _GETADDR, _REQUEST_DUMP, 1, 0) + _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0), (0, 0)
        )
        while True:
            more, ended = parse_addresses(kernel.recv(1 << 16))
            found += more
            if ended:
                return found


def parse_addresses(answer: bytes) -> tuple[list[Address], bool]:
    """Read one datagram of a dump; return its addresses, and whether it was the last. Pure. Raises OSError."""
    found: list[Address] = []
    while len(answer) >= _HEADER.size:
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(answer)
        message, answer = answer[_HEADER.size : length], answer[_aligned(length) :]
        if kind == _DONE:
            return found, True
        if kind == _ERROR:
            (number,) = struct.unpack_from("=i", message)
            raise OSError(-number, "the kernel does not list its addresses")
        if kind == _NEWADDR:
            found += _parse_address(message)
    return found, False


def _parse_address(message: bytes) -> t.Iterator[Address]:
    family, _prefix, flags, _scope, index = _ADDRESS.unpack_from(message)
    attributes: dict[int, bytes] = {}
    rest = message[_ADDRESS.size :]
    while len(rest) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        attributes[kind] = rest[_ATTRIBUTE.size : length]
        # A length of 0 would keep us here forever.
        rest = rest[max(_aligned(length), _ATTRIBUTE.size) :]
    # At the end of a tunnel, IFA_ADDRESS is the other end's.
    packed = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS))
    if packed is not None and len(packed) == _LENGTHS.get(family):
        yield Address(index, packed, flags)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
