# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolving a name, and opening TCP connections."""

from __future__ import annotations

__all__ = ("Address", "connect", "resolve")

import ipaddress
import socket
import typing as t
from dataclasses import dataclass

from .deadline import Deadline, run_within
from .states import Problem
from .target import Target

#: Of several addresses that failed, the one that says most: a port that is shut proves that the host is there.
_RANK = ("nothing_listens", "filtered", "unreachable")


@dataclass(frozen=True)
class Address:
    """What getaddrinfo(3) returns of an address with its port."""

    family: int
    sockaddr: t.Tuple[t.Any, ...]

    @property
    def text(self) -> str:
        return str(self.sockaddr[0])

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.text} port {self.sockaddr[1]}"


def resolve(target: Target, deadline: Deadline) -> t.List[Address]:
    """Return the addresses in the order in which clients try them. Problem: C(name_unresolved)."""
    try:
        found = run_within(deadline, lambda: _look_up(target))
    except socket.timeout:
        raise Problem("name_unresolved", f"the DNS does not answer when asked for {target.host}") from None
    except (socket.gaierror, UnicodeError) as exc:
        why = exc.strerror if isinstance(exc, socket.gaierror) else "it is no valid name"
        raise Problem("name_unresolved", f"the name {target.host} does not resolve ({why})") from None
    return list(dict.fromkeys(found))


def connect(addresses: t.Sequence[Address], deadline: Deadline) -> t.Tuple[socket.socket, Address]:
    """Return a connection, and the address that took it.

    Problem: C(nothing_listens), C(filtered), C(unreachable). Raises socket.timeout where no time is left.
    """
    problems = []
    for position, address in enumerate(addresses):
        # One that drops packets must not take the time of those behind it.
        share = deadline.left() / (len(addresses) - position)
        try:
            return _open(address, share), address
        except socket.timeout:
            problems.append(Problem("filtered", f"{address.place} does not answer: something drops the packets"))
        except ConnectionRefusedError:
            problems.append(Problem("nothing_listens", f"nothing listens on {address.place}, or a firewall rejects it"))
        except OSError as exc:
            problems.append(Problem("unreachable", f"{address.place} can't be reached ({exc.strerror or exc})"))
    raise min(problems, key=lambda problem: _RANK.index(problem.state))


def _look_up(target: Target) -> t.List[Address]:
    flags = socket.AI_NUMERICHOST if _is_address(target.host) else 0
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, flags=flags)
    return [Address(int(family), sockaddr) for family, _type, _protocol, _name, sockaddr in found]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _open(address: Address, seconds: float) -> socket.socket:
    plain = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        plain.settimeout(seconds)
        plain.connect(address.sockaddr)
    except BaseException:
        plain.close()
        raise
    return plain
