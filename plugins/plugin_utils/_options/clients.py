# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option C(clients): whom a task names, and what each of them may do."""

from __future__ import annotations

__all__ = ("RIGHTS", "Client", "parse_clients")

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.duration import parse_duration
from .._pki.names import check_name

RIGHTS = ("full", "read")
_STATES = ("present", "revoked")
_KEYS = ("name", "rights", "state", "validity")
_CURE = "Write a name, or a mapping such as {name: grafana, rights: read}"


@dataclass(frozen=True)
class Client:
    """C(rights): C(full) or C(read); C(validity): of its certificates, None: as of all others."""

    name: str
    rights: str = "full"
    validity: datetime.timedelta | None = None
    is_revoked: bool = False


def parse_clients(entries: t.Iterable[t.Any]) -> tuple[Client, ...]:
    """Read entries of the option: names, or mappings with a name.

    Failures: C(invalid_client), C(invalid_name), C(invalid_validity).
    """
    found: dict[str, Client] = {}
    for entry in entries:
        client = _parse(entry)
        # It is written into HAProxy's configuration as it is.
        check_name("client", client.name)
        if found.setdefault(client.name, client) != client:
            raise _invalid(f"client {client.name!r}", "it is named twice, and not in the same way", "Name it once")
    return tuple(found.values())


def _parse(entry: t.Any) -> Client:
    if isinstance(entry, (str, int)) and not isinstance(entry, bool):
        return Client(str(entry))
    if not isinstance(entry, dict):
        raise _invalid(f"client {entry!r}", "it is neither a name nor a mapping", _CURE)
    unknown = sorted(str(key) for key in entry if key not in _KEYS)
    rights, state, validity = entry.get("rights", "full"), entry.get("state", "present"), entry.get("validity")
    if unknown:
        reason = f"it has {', '.join(unknown)}, and a client has {', '.join(_KEYS)}"
    elif not isinstance(entry.get("name"), str):
        reason = "it has no name"
    elif rights not in RIGHTS:
        reason = f"rights is {rights!r}, and can be {' or '.join(RIGHTS)}"
    elif state not in _STATES:
        reason = f"state is {state!r}, and can be {' or '.join(_STATES)}"
    else:
        duration = None
        if validity not in (None, ""):
            duration = parse_duration("validity", str(validity), failure="invalid_validity")
        return Client(entry["name"], rights, duration, state == "revoked")
    raise _invalid(f"client {entry!r}", reason, _CURE)


def _invalid(thing: str, reason: str, cure: str) -> Failure:
    return Failure("invalid_client", thing=thing, reason=reason, cure=cure)
