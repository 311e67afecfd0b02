# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where Ansible is connected, as the host sees it, and what names in the listen list mean there."""

from __future__ import annotations

__all__ = ("Connection", "ansible_connection", "is_interface", "resolve")

import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from .._shared.failure import Failure
from .addresses import Listen, parse_connection
from .interfaces import addresses_of, is_interface


@dataclass(frozen=True)
class Connection:
    """C(client): the machine that Ansible runs on; C(server): this host's address that it connected to."""

    client: str
    server: str


def ansible_connection() -> Connection | None:
    """Return the SSH connection that this process runs in; None: it is no SSH connection.

    sudo takes SSH_CONNECTION out of the environment, so the parent processes are asked for theirs, too.
    """
    pid = os.getpid()
    while pid > 1:
        for item in _read(pid, "environ").split(b"\0"):
            name, _equals, value = item.partition(b"=")
            if name == b"SSH_CONNECTION":
                found = parse_connection(value.decode(errors="replace"))
                return None if found is None else Connection(*found)
        pid = _parent(pid)
    return None


def resolve(entry: Listen) -> list[Listen]:
    """Return the entry with the name of a network interface, or else of a host, replaced by its addresses.

    Failures: C(listen_unresolvable).
    """
    if entry.is_address or entry.is_wildcard:
        return [entry]
    try:
        addresses = addresses_of(entry.host)
    except OSError as exc:
        raise _unresolvable(entry, f"the host can't list its network interfaces ({exc.strerror or exc})") from exc
    if addresses is None:
        addresses = _look_up(entry)
    elif not addresses:
        raise _unresolvable(
            entry,
            "this network interface has no address, or only ones that change or can't be reached from elsewhere "
            "(link-local, temporary)",
            cure="Give the interface an address, or write another one",
        )
    return [Listen(address, entry.port) for address in addresses]


def _look_up(entry: Listen) -> list[str]:
    try:
        found = socket.getaddrinfo(entry.host, entry.port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise _unresolvable(
            entry,
            f"the host has no network interface of this name, and can't resolve it either ({exc.strerror or exc})",
        ) from exc
    addresses = sorted({str(address[0]).partition("%")[0] for *_rest, address in found})
    outward = [a for a in addresses if not ipaddress.ip_address(a).is_loopback]
    if not outward and entry.host != "localhost":
        raise _unresolvable(entry, f"on the host itself this name means {', '.join(addresses)} (see its /etc/hosts)")
    return outward or addresses


def _unresolvable(entry: Listen, reason: str, cure: str = "Write an IP address") -> Failure:
    return Failure("listen_unresolvable", thing=f"listen entry {entry}", reason=reason, cure=cure)


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    # The name in parentheses may hold anything, so count from behind it, see proc_pid_stat(5).
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0
