# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a host changes: the one place for it, with the reason for each constraint.

At every moment in between, dockerd can start: as before, as planned, or without the port.
"""

from __future__ import annotations

__all__ = ("Work", "in_order", "order_of_withdrawal")

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    CheckBundle,
    CheckConfig,
    Discard,
    ForgetFailures,
    MakeFolder,
    OpenGate,
    Prove,
    ReadUnits,
    RestartDockerd,
    Settle,
    StartDockerd,
    StartUnit,
    Step,
    StopDockerd,
    StopGateway,
    StopUnit,
    SwitchLiveRestore,
)

from .file_order import NEEDED_FOR_A_START, ConfigTexts, files_in_order, removals_in_order
from .files.change import FileChange
from .host.observed import Observed

#: Our units that may hold the port.
PORT_UNITS = (layout.GANGWAY_SOCKET, layout.GANGWAY_SERVICE, layout.GATEWAY_SERVICE)


@dataclass(frozen=True)
class Work:
    """What has to be done on a host, not in order yet."""

    changes: tuple[FileChange, ...] = ()
    #: For a withdrawal: texts on the way, which close the port while what guards it is in place.
    closing: tuple[FileChange, ...] = ()
    #: daemon.json as it is, and as dockerd starts with it.
    config: ConfigTexts | None = None
    #: HAProxy serves the port so far: it closes before anything changes.
    stops_gateway: bool = False
    #: Switch live-restore on in the running dockerd first, so that containers live through the restart.
    live_restore_first: bool = False
    restart: bool = False
    #: Our socket unit is stopped, and started if C(listening): a socket unit can't start while its service runs.
    restart_socket: bool = False
    #: Our socket unit listens afterwards.
    listening: bool = False
    #: Files of a listener of others that comes back.
    adopted: tuple[str, ...] = ()
    #: Socket units of others that an adopted listener concerns.
    other_sockets: tuple[str, ...] = ()
    #: Rules in force before the port opens; rules that go once it has its new state.
    load_rules: tuple[Step, ...] = ()
    narrow_rules: tuple[Step, ...] = ()
    #: daemon.json in the end, if dockerd starts with another text.
    settle: FileChange | None = None
    checks_bundle: bool = False
    prove: Prove | None = None
    #: Last: whoever is on the access list gets in.
    open_gate: OpenGate | None = None
    discard: Discard | None = None
    #: Files below /run to write at the end, if anything else is done.
    marks: tuple[FileChange, ...] = ()


def in_order(observed: Observed, work: Work) -> tuple[Step, ...]:
    """Return the steps of an exposure."""
    changes = work.changes if work.config is None else files_in_order(work.changes, work.config, settle=work.settle)
    goes_last = [c for c in changes if c.removes and c.path.startswith(NEEDED_FOR_A_START)]
    steps: list[Step] = []
    if work.stops_gateway:
        steps.append(StopGateway())
    steps += _missing_folders(observed, work, changes)
    if work.live_restore_first:
        steps.append(SwitchLiveRestore())
    loose = [*observed.loose_folders, *(f for f in layout.FOLDERS if observed.observation.folders.get(f) is None)]
    if work.changes or work.load_rules or observed.loose_folders:
        steps += [MakeFolder(folder, mode) for folder, mode in layout.FOLDERS.items() if folder in loose]
    # Before anything that can open the port: whatever starts dockerd in between meets the new rules.
    steps += work.load_rules
    steps += _file_steps([c for c in changes if c not in goes_last and c is not work.settle])
    if work.restart:
        if work.checks_bundle:
            steps.append(CheckBundle(layout.CA, layout.CERTIFICATE, layout.KEY))
        steps += _check_config(observed)
        steps += _restart(observed, work)
    elif any(change.path.startswith(layout.UNITS) for change in changes):
        steps.append(ReadUnits())
    if work.prove is not None:
        steps.append(work.prove)
    steps += work.narrow_rules
    # What the listener consisted of before: dockerd has let go of it now.
    steps += _file_steps(goes_last)
    if goes_last:
        steps.append(ReadUnits())
    steps += _settle(work)
    if work.open_gate is not None:
        steps.append(work.open_gate)
    if steps:
        steps += [mark.as_step() for mark in work.marks]
    return tuple(steps)


def order_of_withdrawal(observed: Observed, work: Work) -> tuple[Step, ...]:
    """Return the steps of a withdrawal: the port closes before anything that protects it goes."""
    if work == Work():
        return ()
    steps: list[Step] = []
    steps += _missing_folders(observed, work, (*work.changes, *work.closing))
    if work.live_restore_first:
        steps.append(SwitchLiveRestore())
    if observed.has_systemd:
        steps += [StopUnit(unit) for unit in PORT_UNITS]
    # dockerd may need what lies in our own folders for a start. The firewall's units stay until its rules are gone.
    changes = removals_in_order(work.changes, closing=work.closing, adopted=work.adopted)
    first = [change for change in changes if not change.path.startswith(NEEDED_FOR_A_START)]
    steps += _file_steps(first)
    if work.restart:
        steps += _restart(observed, work)
    else:
        steps.append(ReadUnits())
    steps += work.narrow_rules
    steps += _settle(work)
    steps += [change.as_step() for change in changes if change not in first]
    steps.append(ReadUnits())
    if work.discard is not None:
        steps.append(work.discard)
    return tuple(steps)


def _file_steps(changes: t.Sequence[FileChange]) -> t.Iterator[Step]:
    units_changed = False
    for change in changes:
        is_unit = change.path.startswith(layout.UNITS)
        if units_changed and not change.path.startswith((layout.UNITS, layout.STATE, layout.BUNDLE)):
            # daemon.json or the options file: from here on it only fits the new units, which bring the guard.
            yield ReadUnits()
            units_changed = False
        yield change.as_step()
        units_changed = units_changed or is_unit


def _missing_folders(observed: Observed, work: Work, changes: t.Iterable[FileChange]) -> list[Step]:
    """Make the system's folders for these files; only those that the host reports as missing."""
    paths = [layout.DAEMON_JSON] if work.live_restore_first else []
    paths += [change.path for change in changes if not change.removes]
    missing = [path for path, found in observed.observation.folders.items() if found is None]
    parents = dict.fromkeys(map(os.path.dirname, paths))
    return [MakeFolder(folder) for folder in parents if folder in missing and folder not in layout.FOLDERS]


def _check_config(observed: Observed) -> list[Step]:
    """dockerd itself checks daemon.json, from 23.0 on."""
    version = observed.engine.version if observed.engine else ""
    major = version.partition(".")[0]
    known = observed.flags.program and major.isdigit() and int(major) >= 23
    return [CheckConfig(observed.flags.program)] if known else []


def _restart(observed: Observed, work: Work) -> list[Step]:
    """One restart in a run: at the third start in 60 s systemd gives up on docker.service and docker.socket."""
    steps: list[Step] = [ReadUnits(), ForgetFailures()]
    if not work.restart_socket and not work.other_sockets:
        # With method socket the port stays open, and clients wait in its queue.
        return [*steps, RestartDockerd()]
    # On a first exposure there is none yet, and each call of systemctl takes time while dockerd is down.
    units = [unit for unit in PORT_UNITS if observed.observation.unit(unit).get("LoadState") != "not-found"]
    steps += [StopDockerd(), *map(StopUnit, units)]
    for unit in work.other_sockets:
        # One that was set aside, or whose condition does not hold any more, does not come back.
        steps += [StopUnit(unit), StartUnit(unit, optional=True)]
    if work.listening:
        steps.append(StartUnit(layout.GANGWAY_SOCKET))
    return [*steps, StartDockerd()]


def _settle(work: Work) -> list[Step]:
    change = work.settle
    if change is None:
        return []
    content = None if change.content is None else change.content.decode("utf-8", "surrogateescape")
    if content is None or change.attributes is None:
        return [Settle(change.path, None)]
    owner = change.attributes
    return [Settle(change.path, content, owner.mode, owner.uid, owner.gid)]
