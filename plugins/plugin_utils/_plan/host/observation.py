# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as it is: what the module dockerd_info reports, typed. parsing.py makes it."""

from __future__ import annotations

__all__ = (
    "Attributes",
    "Connection",
    "EngineSocket",
    "EngineState",
    "File",
    "HostAddress",
    "Listening",
    "Observation",
    "PortAnswer",
)

import typing as t
from dataclasses import dataclass, field

from .answer import Answer


@dataclass(frozen=True)
class Attributes:
    """Owner and mode of a file."""

    mode: int
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class File:
    """A file that exists. C(content) None: only its digest is known (keys, the guard's program)."""

    content: bytes | None = field(repr=False)
    sha256: str
    attributes: Attributes
    is_link: bool = False


@dataclass(frozen=True)
class EngineState:
    """What dockerd says of itself. C(containers): the running ones, known in swarm mode only."""

    version: str
    live_restore: bool
    swarm: bool
    containers: tuple[str, ...] | None = None


@dataclass(frozen=True)
class EngineSocket:
    """A unix socket. C(target): without symbolic links; C(folders): those above it."""

    target: str
    attributes: Attributes
    folders: tuple[Attributes, ...] = ()
    #: The engine that answers there; None: none does, or dockerd was not to be asked.
    name: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class Listening:
    """A TCP socket in state LISTEN, and the program that holds it."""

    address: str
    port: int
    program: str


@dataclass(frozen=True)
class PortAnswer:
    """What a client without a certificate gets from a TCP port.

    C(plain): refused, answered, silent or closed; C(tls): refused, answered, none or closed. C(answered): by the API.
    """

    address: str
    port: int
    plain: str
    tls: str
    certificate: str | None

    @property
    def is_open(self) -> bool:
        """Whether the API answers anyone."""
        return "answered" in (self.plain, self.tls)


@dataclass(frozen=True)
class HostAddress:
    """An address of one of the host's interfaces; C(is_usable): it stays, and others can reach it."""

    interface: str
    address: str
    is_usable: bool


@dataclass(frozen=True)
class Connection:
    """C(client): the machine that Ansible runs on; C(server): the host's address that it connected to."""

    client: str
    server: str


@dataclass(frozen=True)
class Observation:
    """See the module dockerd_info for each of these."""

    time: float
    init: str
    python: str
    #: Properties as C(systemctl show) prints them, by unit.
    units: t.Mapping[str, t.Mapping[str, str]]
    systemd_error: str | None
    unit_files: t.Mapping[str, tuple[str, ...]]
    environment_files: tuple[str, ...]
    files: t.Mapping[str, File]
    #: None: the folder does not exist.
    folders: t.Mapping[str, Attributes | None]
    writable: t.Mapping[str, bool]
    #: dockerd's process; 0: it does not run.
    pid: int
    command_line: tuple[str, ...]
    program: str
    programs: t.Mapping[str, bool]
    engine: EngineState | None
    #: The one that was asked for; None: there is no such socket.
    socket: EngineSocket | None
    listening: tuple[Listening, ...]
    answers: tuple[PortAnswer, ...]
    #: Network interfaces, also those without an address.
    interfaces: tuple[str, ...]
    addresses: tuple[HostAddress, ...]
    #: Addresses, or why there are none, by host name.
    resolved: t.Mapping[str, tuple[str, ...] | str]
    connection: Connection | None
    #: Path, or None, by name.
    tools: t.Mapping[str, str | None]
    can_make_keys: bool
    #: Raw, for the firewall kinds to read.
    firewalls: Answer
    filtering: bool | None
    filtering_error: str
    interrupted: bool
    recovered: Answer
    has_snap: bool
    rootless: tuple[str, ...]
    #: A certificate request, and the name of the pending key that it is for (None: the key in place).
    csr: str | None
    pending_key: str | None

    def content(self, path: str) -> bytes | None:
        return self.files[path].content if path in self.files else None

    def text(self, path: str) -> str:
        """Return a file's text, empty for none; bytes that are not UTF-8 as surrogates."""
        return (self.content(path) or b"").decode("utf-8", "surrogateescape")

    def unit(self, name: str) -> t.Mapping[str, str]:
        return self.units.get(name, {})

    def is_active(self, unit: str) -> bool:
        return self.unit(unit).get("ActiveState") == "active"
