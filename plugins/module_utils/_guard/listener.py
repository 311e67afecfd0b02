# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the host keeps of its listener for the guard: gate.json, and the digest of the CA beside it.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("CA_DIGEST", "GATE", "Gate")

import json
import typing as t
from dataclasses import dataclass, field

#: Their names in our folder.
GATE = "gate.json"
CA_DIGEST = "ca.sha256"


@dataclass(frozen=True)
class Gate:
    """One listener. Text in JSON, with these keys."""

    #: What the gate is: C(socket), the access list of our socket unit, or C(nftables), a chain in our table.
    kind: str
    #: Address and port; C(any) for all addresses.
    listen: t.Tuple[t.Tuple[str, int], ...]
    #: Networks: the host itself, and the access list.
    own: t.Tuple[str, ...]
    allow: t.Tuple[str, ...]
    #: The TLS keys of daemon.json and their values; none: plain TCP.
    tls: t.Mapping[str, t.Any] = field(default_factory=dict)
    #: TLS is in dockerd's flags.
    flags: bool = False

    @classmethod
    def read(cls) -> t.Optional[Gate]:
        """Read gate.json; None: there is none, or it is not one of ours."""
        try:
            with open(GATE, encoding="utf-8") as stream:
                found = json.load(stream)
            return cls(
                kind=found["kind"],
                listen=tuple((str(host), int(port)) for host, port in found["listen"]),
                own=tuple(map(str, found["own"])),
                allow=tuple(map(str, found["allow"])),
                tls=dict(found["tls"]),
                flags=bool(found["flags"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        """Return what C(read) reads."""
        found = {
            "kind": self.kind,
            "listen": [list(place) for place in self.listen],
            "own": list(self.own),
            "allow": list(self.allow),
            "tls": dict(self.tls),
            "flags": self.flags,
        }
        return json.dumps(found, indent=1) + "\n"
