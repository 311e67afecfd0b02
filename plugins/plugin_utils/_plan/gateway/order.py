# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a host changes whose port HAProxy serves.

At every moment in between, HAProxy can start: with files that belong together, or not at all, since it judges their
digests first.
"""

from __future__ import annotations

__all__ = ("GatewayWork", "order_of_gateway", "order_of_gateway_withdrawal")

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    CheckBundle,
    Discard,
    EndSessions,
    MakeFolder,
    ProveGateway,
    ReadUnits,
    ReloadGateway,
    StartGateway,
    Step,
    StopGateway,
)

from ..files.change import FileChange
from ..host.observed import Observed


@dataclass(frozen=True)
class GatewayWork:
    """What has to be done on a host, not in order yet."""

    changes: tuple[FileChange, ...]
    #: Settings of the socket unit that were put in force at run time, and are in its file now.
    stale: tuple[FileChange, ...]
    load_rules: tuple[Step, ...]
    narrow_rules: tuple[Step, ...]
    #: What changes the access list of a port that stays open.
    access: tuple[Step, ...]
    #: The port closes, if it is open, and opens.
    restart_port: bool
    #: HAProxy reads its files again; C(restart): by a new start.
    reload: bool
    restart: bool
    #: The backends of today's clients, if connections may be in others; None: they are not.
    backends: tuple[str, ...] | None
    prove: ProveGateway


def order_of_gateway(observed: Observed, work: GatewayWork) -> tuple[Step, ...]:
    """Return the steps; none if nothing has to be done."""
    changes = [*work.changes, *work.stale]
    serves = work.restart_port or work.reload or work.restart
    if not (changes or work.load_rules or work.narrow_rules or work.access or serves or observed.loose_folders):
        return ()
    steps = _folders(observed, changes)
    # Before the port can open.
    steps += work.load_rules
    units = [change for change in changes if change.path.startswith((layout.UNITS, "/run/systemd/"))]
    steps += [change.as_step() for change in changes if change not in units]
    steps += [change.as_step() for change in units]
    if units:
        steps.append(ReadUnits())
    steps += work.access
    if serves:
        steps.append(CheckBundle(layout.CA, layout.CERTIFICATE, layout.KEY))
    if work.restart_port:
        steps += [StopGateway(), StartGateway()]
    elif work.reload or work.restart:
        steps.append(ReloadGateway(restart=work.restart))
    if work.backends is not None and not work.restart_port:
        steps.append(EndSessions(work.backends))
    if serves:
        steps.append(work.prove)
    return (*steps, *work.narrow_rules)


def order_of_gateway_withdrawal(
    changes: t.Sequence[FileChange], narrow_rules: tuple[Step, ...], discard: Discard | None
) -> tuple[Step, ...]:
    """Return the steps that take it away: the port closes before anything that protects it goes."""
    if not changes and not narrow_rules and discard is None:
        return ()
    steps: list[Step] = [StopGateway()]
    units = [change for change in changes if change.path.startswith(layout.UNITS)]
    steps += [change.as_step() for change in (*units, *(change for change in changes if change not in units))]
    steps += [ReadUnits(), *narrow_rules, ReadUnits()]
    return (*steps, *([] if discard is None else [discard]))


def _folders(observed: Observed, changes: t.Iterable[FileChange]) -> list[Step]:
    there = observed.observation.folders
    parents = dict.fromkeys(os.path.dirname(change.path) for change in changes if not change.removes)
    steps: list[Step] = [
        MakeFolder(folder) for folder in parents if there.get(folder, ()) is None and folder not in layout.FOLDERS
    ]
    ours = {folder: mode for folder, mode in layout.FOLDERS.items() if folder != layout.GUARD}
    loose = [*observed.loose_folders, *(folder for folder in ours if there.get(folder) is None)]
    return [*steps, *(MakeFolder(folder, mode) for folder, mode in ours.items() if folder in loose)]
