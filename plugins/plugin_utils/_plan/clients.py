# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients that a task names, and what each of them may do."""

from __future__ import annotations

__all__ = ("RIGHTS", "Client", "parse_clients")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

RIGHTS = ("full", "read")


@dataclass(frozen=True)
class Client:
    """C(rights): C(full) or C(read)."""

    name: str
    rights: str = "full"


def parse_clients(entries: t.Iterable[t.Any]) -> tuple[Client, ...]:
    """Read entries of the option C(clients): names, or mappings with a name. Failure: C(invalid_client)."""
    found: dict[str, Client] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            client = Client(str(entry))
        else:
            unknown = entry.keys() - {"name", "rights"}
            if unknown or not isinstance(entry.get("name"), str) or entry.get("rights", "full") not in RIGHTS:
                raise Failure(
                    "invalid_client",
                    thing=f"client {entry!r}",
                    reason=f"it has {', '.join(sorted(map(str, unknown)))}, which no client has"
                    if unknown
                    else "it needs a name, and its rights are full or read",
                    cure="Write a name, or a mapping such as {name: grafana, rights: read}",
                )
            client = Client(entry["name"], entry.get("rights", "full"))
        if client.name in found and found[client.name] != client:
            raise Failure(
                "invalid_client",
                thing=f"client {client.name!r}",
                reason="it is named twice, with different rights",
                cure="Name it once",
            )
        found[client.name] = client
    return tuple(found.values())
