# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation with a grace: it waits for clients that read C(ca.pem) at their start only, and any renewal goes on."""

from __future__ import annotations

__all__ = ("close_if_done", "go_on", "warn_of_grace")

import typing as t

from .._pki import clock
from .fleet import Fleet
from .on_disk.rotation_state import DROPPING
from .rotation import end, let_go
from .waiting import Seen, waiting_to_drop, waiting_to_end


def warn_of_grace(fleet: Fleet, seen: t.Iterable[Seen]) -> None:
    """Tell until when the old authority is trusted, and who does not have the new one yet."""
    rotation = fleet.required_authority().rotation
    if rotation is None or rotation.trusted_until is None:
        return
    until, waiting = rotation.trusted_until, waiting_to_drop(fleet, seen)
    who = "; ".join(f"{name} {why}" for name, why in waiting.items())
    if rotation.is_in_grace(clock.now()):
        fleet.warnings.append(
            f"The old authority of fleet {fleet.name!r} stays trusted until {until:%Y-%m-%d %H:%M} UTC (rotate_grace)."
            " The first run of renew or rotate_authority after that drops it."
            + (f" Not everybody has the new one yet: {who}." if who else "")
        )
    elif who:
        fleet.warnings.append(
            f"The old authority of fleet {fleet.name!r} was to be dropped on {until:%Y-%m-%d %H:%M} UTC (rotate_grace),"
            f" and stays trusted, because {who}. Bring them up, or run the role client for them; to proceed without"
            " them, run rotate_authority and name them in rotate_leave_behind."
        )


def go_on(fleet: Fleet, read_seen: t.Callable[[], t.Sequence[Seen]]) -> bool:
    """Drop the old authority if its grace is over and nobody waits, or close what is done; return whether it did.

    It never fails for who waits: certificates have to be renewed meanwhile.
    """
    authority = fleet.authority()
    if authority is None or authority.rotation is None:
        return False
    if authority.phase == DROPPING:
        return close_if_done(fleet, read_seen)
    rotation, seen = authority.rotation, read_seen()
    warn_of_grace(fleet, seen)
    if rotation.trusted_until is None or rotation.is_in_grace(clock.now()) or waiting_to_drop(fleet, seen):
        return False
    let_go(fleet)
    # At once where there are no daemons.
    close_if_done(fleet, lambda: seen)
    return True


def close_if_done(fleet: Fleet, read_seen: t.Callable[[], t.Sequence[Seen]]) -> bool:
    """Close a rotation if every daemon trusts the new authority alone; return whether it did."""
    # Each daemon's run asks, so the certificates beside it are read only if they have to be.
    if not (fleet.authority_folder / "rotation").exists():
        return False
    authority = fleet.required_authority()
    if authority.phase != DROPPING:
        return False
    seen = read_seen()
    return not waiting_to_end(seen, authority.client_trust_digest) and end(fleet, seen, [])
