# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TCP sockets that listen, and the programs that hold them, from /proc: ss(8) is missing on minimal hosts."""

from __future__ import annotations

__all__ = ("Socket", "listening")

import struct
import typing as t

from .files import Files
from .interfaces import as_text, unmapped

#: TCP_LISTEN in the kernel's include/net/tcp_states.h.
_LISTEN = "0A"


class Socket(t.NamedTuple):
    """An address that a program listens on. C(program): its name; empty if it is in no process that can be seen."""

    address: str
    port: int
    program: str
    pid: int

    def as_data(self) -> dict[str, t.Any]:
        return {"address": self.address, "port": self.port, "program": self.program}


def listening(files: Files, dockerd: int, *, systemd: bool, ports: t.Collection[int] = ()) -> list[Socket]:
    """Return the sockets of dockerd (by its process id, 0: it is down) and systemd, and of all programs on these ports.

    A socket that systemd has handed to dockerd is dockerd's.
    """
    sockets = list(_sockets(files))
    holders: dict[str, int] = {}
    for pid in [*([1] if systemd else []), *([dockerd] if dockerd else [])]:
        holders.update(dict.fromkeys(_inodes(files, pid), pid))
    wanted = {inode for _address, port, inode in sockets if port in ports and inode not in holders}
    if wanted:
        holders.update(_search(files, wanted))
    names = {pid: files.text(f"/proc/{pid}/comm").strip() for pid in set(holders.values())}
    found = {
        Socket(address, port, names.get(holders.get(inode, 0), ""), holders.get(inode, 0))
        for address, port, inode in sockets
        if inode in holders or inode in wanted
    }
    return sorted(found, key=lambda entry: (entry.port, entry.address, entry.program))


def _sockets(files: Files) -> t.Iterator[tuple[str, int, str]]:
    """Yield address, port and inode of each TCP socket that listens, see proc_net_tcp(5)."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in files.text(path).splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN:
                address, _colon, port = fields[1].partition(":")
                yield _address(address), int(port, 16), fields[9]


def _address(text: str) -> str:
    """Read an address in words of 32 bits in the host's byte order."""
    words = [int(text[index : index + 8], 16) for index in range(0, len(text), 8)]
    return as_text(unmapped(struct.pack(f"={len(words)}I", *words)))


def _inodes(files: Files, pid: int) -> t.Iterator[str]:
    for path in files.find(f"/proc/{pid}/fd/*"):
        target = files.target(path)
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]


def _search(files: Files, inodes: t.Collection[str]) -> dict[str, int]:
    """Look through all processes for these sockets."""
    found: dict[str, int] = {}
    for path in files.find("/proc/[0-9]*"):
        pid = int(path[len("/proc/") :])
        found.update({inode: pid for inode in _inodes(files, pid) if inode in inodes})
        if len(found) == len(inodes):
            break
    return found
