# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy, its unit and its port: what they make of a host's files, as systemd 252 to 257 and HAProxy 2.6 do."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Command,
    EndSessions,
    ProveGateway,
    ReloadGateway,
    StartGateway,
    Step,
    StopGateway,
)

#: What HAProxy reads, beside the digests.
READS = (
    layout.GATEWAY_CONFIGURATION,
    layout.GATEWAY_CLIENTS,
    layout.CA,
    layout.CRL,
    layout.CERTIFICATE,
    layout.KEY,
)
STEPS = (StopGateway, StartGateway, ReloadGateway, EndSessions, ProveGateway)

Files = t.Mapping[str, bytes]


@dataclasses.dataclass
class FakeGateway:
    """C(files): what the running HAProxy has read; None: it is down."""

    files: dict[str, bytes] | None = None
    #: The unit that it was started by.
    unit: str = ""
    #: Of the port, while it is open: the addresses, and the access list in force.
    listening: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    denies: bool = False
    allows: list[str] = dataclasses.field(default_factory=list)
    #: Of open connections.
    backends: list[str] = dataclasses.field(default_factory=list)

    def do(self, step: Step, files: Files, units: t.Mapping[str, str]) -> None:
        """Do the step. C(units): as systemd has read them."""
        if isinstance(step, StopGateway):
            self.stop()
        elif isinstance(step, StartGateway):
            self._open(units[layout.SOCKET_UNIT])
            self._start(files, units)
        elif isinstance(step, ReloadGateway):
            assert self.listening, "the port is closed"
            if step.restart:
                self.backends = []
            self._start(files, units)
        elif isinstance(step, EndSessions):
            self.backends = [backend for backend in self.backends if backend in step.backends]
        elif isinstance(step, ProveGateway):
            assert self.files is not None
            assert set(step.listen) == {("any" if a == "::" else a, port) for a, port in self.listening}
            assert self.files[step.certificate] == files[step.certificate], "it shows another certificate"

    def stop(self) -> None:
        self.files, self.unit, self.listening, self.backends, self.denies, self.allows = None, "", [], [], False, []

    def set_property(self, command: Command) -> None:
        """Do what C(systemctl set-property) does to the port's access list."""
        for word in command[4:]:
            name, _equals, value = word.partition("=")
            if name == "IPAddressDeny":
                self.denies = bool(value)
            elif name == "IPAddressAllow":
                self.allows = [*self.allows, *value.split()] if value else []

    def _open(self, unit: str) -> None:
        places = [_place(text) for text in re.findall("^ListenStream=(.*)$", unit, re.M)]
        self.listening, self.denies = places, "IPAddressDeny=any\n" in unit
        self.allows = re.findall("^IPAddressAllow=(.*)$", unit, re.M)

    def _start(self, files: Files, units: t.Mapping[str, str]) -> None:
        assert starts(files), "its unit does not start it"
        assert files[layout.GATEWAY_CONFIGURATION].count(b"\n    bind fd@") == len(self.listening)
        self.files, self.unit = {path: files[path] for path in READS}, units[layout.GATEWAY_UNIT]


def starts(files: Files) -> bool:
    """Whether C(sha256sum --check) of the unit agrees."""
    lines = files.get(layout.GATEWAY_DIGESTS, b"").decode().splitlines()
    pairs = [line.split("  ") for line in lines]
    return bool(pairs) and all(hashlib.sha256(files.get(path, b"")).hexdigest() == digest for digest, path in pairs)


def _place(stream: str) -> tuple[str, int]:
    host, _colon, port = stream.rpartition(":")
    return host.strip("[]") or "::", int(port)
