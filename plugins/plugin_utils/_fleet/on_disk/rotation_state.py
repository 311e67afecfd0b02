# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a rotation is, and how long its old authority stays trusted: the file C(authority/rotation).

overlap
begun 2026-11-21T22:00:00Z
grace 7d
"""

from __future__ import annotations

__all__ = ("DROPPING", "OVERLAP", "RotationState", "parse_grace", "parse_rotation")

import datetime
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..._pki.duration import describe_duration, parse_duration

#: Daemons and clients trust the old and the new authority.
OVERLAP = "overlap"
#: The old one is on its way out: daemons are losing it one after another.
DROPPING = "dropping"

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_NONE = datetime.timedelta(0)


@dataclass(frozen=True)
class RotationState:
    """C(begun) is None in a file without it."""

    phase: str
    begun: datetime.datetime | None = None
    grace: datetime.timedelta = _NONE

    @property
    def trusted_until(self) -> datetime.datetime | None:
        """When the old authority may be dropped; None: as soon as everybody has the new one."""
        return self.begun + self.grace if self.begun is not None and self.grace and self.phase == OVERLAP else None

    def is_in_grace(self, now: datetime.datetime) -> bool:
        return self.trusted_until is not None and now < self.trusted_until

    def as_bytes(self) -> bytes:
        lines = [self.phase]
        if self.begun is not None:
            lines.append(f"begun {self.begun:{_TIME}}")
        if self.grace:
            lines.append(f"grace {describe_duration(self.grace)}")
        return "".join(f"{line}\n" for line in lines).encode()


def parse_rotation(content: bytes | None, path: str) -> RotationState | None:
    """Return what the file says; None: no rotation is under way. Failure: C(authority_mismatch)."""
    if content is None:
        return None
    phase, *lines = content.decode(errors="replace").split("\n")
    values = dict(line.partition(" ")[::2] for line in lines if line)
    try:
        begun = datetime.datetime.strptime(values["begun"], _TIME).replace(tzinfo=datetime.timezone.utc)
    except KeyError:
        begun = None
    except ValueError as exc:
        raise _unreadable(path) from exc
    try:
        return RotationState(phase, begun, parse_grace(values.get("grace", "0")))
    except Failure as exc:
        raise _unreadable(path) from exc


def parse_grace(value: str | int) -> datetime.timedelta:
    """Read the option C(grace); 0 is none. Failure: C(invalid_grace)."""
    if str(value).strip() in ("", "0"):
        return _NONE
    return parse_duration("grace", value, failure="invalid_grace")


def _unreadable(path: str) -> Failure:
    return Failure(
        "authority_mismatch",
        thing=path,
        reason="it does not say how far the rotation of the authority is",
        cure="Restore the folder as a whole, from one backup or one controller (rsync --delete)",
    )
