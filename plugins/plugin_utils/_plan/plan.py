# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan: the steps for a host, as data, and how they read for people."""

from __future__ import annotations

__all__ = ("Plan", "plan_of", "way_back")

import json
import typing as t
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.plan_data import as_data
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Command,
    Discard,
    EndSessions,
    LoadRules,
    MakeFolder,
    OpenGate,
    ReloadGateway,
    Remove,
    RestartDockerd,
    Settle,
    StartDockerd,
    StartGateway,
    Step,
    StopDockerd,
    SwitchLiveRestore,
    Write,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack

from .host.observed import Observed
from .order import PORT_UNITS


@dataclass(frozen=True)
class Plan:
    """C(steps) are carried out in this order; none: nothing changes."""

    steps: tuple[Step, ...] = ()
    way_back: WayBack = field(default_factory=WayBack)
    #: SHA-256 of each file that the plan was made from or that it writes; None: the file does not exist.
    files: t.Mapping[str, str | None] = field(default_factory=dict)
    pid: int = 0
    #: What starts dockerd, for people.
    starter: str = layout.DOCKER_SERVICE
    diff: tuple[dict[str, str], ...] = ()
    #: Our folders that others can read.
    loose_folders: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.steps)

    @property
    def restarted(self) -> bool:
        return any(isinstance(step, (RestartDockerd, StartDockerd)) for step in self.steps)

    def writes(self, path: str) -> bool:
        return any(isinstance(step, Write) and step.path == path for step in self.steps)

    @property
    def changes_bundle(self) -> bool:
        bundle = (layout.CA, layout.CERTIFICATE, layout.KEY)
        return any(isinstance(step, (Write, Remove)) and step.path in bundle for step in self.steps)

    def actions(self) -> list[str]:
        """Return what is done, in order, for people."""
        words: list[str] = []
        stopped = False
        for step in self.steps:
            stopped = stopped or isinstance(step, StopDockerd)
            described = self._describe(step, stopped=stopped)
            if described and described not in words:
                words.append(described)
        return words

    def _describe(self, step: Step, *, stopped: bool) -> str:
        if isinstance(step, Write):
            hidden = step.interim or step.path.startswith("/run/")
            return "" if hidden else f"write {step.path}"
        if isinstance(step, Remove):
            return f"remove {step.path}"
        if isinstance(step, Settle):
            return f"{'remove' if step.content is None else 'write'} {step.path}"
        if isinstance(step, MakeFolder):
            return f"close {step.path} to others" if step.path in self.loose_folders else ""
        if isinstance(step, Discard):
            return f"remove {' '.join((*step.folders, *step.empty_folders))}" if step.folders else ""
        if isinstance(step, LoadRules):
            return "" if step.ignore_errors else "load the firewall's rules"
        if isinstance(step, OpenGate):
            return "put the access list into force"
        if isinstance(step, ReloadGateway):
            return f"{'restart' if step.restart else 'reload'} {layout.GATEWAY_SERVICE}"
        if isinstance(step, StartGateway):
            return f"start {layout.GATEWAY_SERVICE}"
        if isinstance(step, EndSessions):
            return "end connections of clients without access"
        if isinstance(step, SwitchLiveRestore):
            return "switch live-restore on"
        if isinstance(step, (RestartDockerd, StartDockerd)):
            return f"restart {self.starter}" if stopped or isinstance(step, RestartDockerd) else f"start {self.starter}"
        return ""

    def order(self, secrets: t.Mapping[str, str], pending_keys: t.Sequence[str] = ()) -> str:
        """Return what the host is sent. C(secrets): by name; C(pending_keys): names of keys to drop at the end."""
        return json.dumps(
            {
                "preconditions": {"files": dict(self.files), "pid": self.pid},
                "steps": [as_data(step) for step in self.steps],
                "way_back": as_data(self.way_back),
                "secrets": dict(secrets),
                "pending_keys": list(pending_keys),
            }
        )


def plan_of(observed: Observed, steps: tuple[Step, ...], back: WayBack, diff: tuple[dict[str, str], ...] = ()) -> Plan:
    """Return the plan, with the host's files as they were observed for its preconditions."""
    files: dict[str, str | None] = {step.path: None for step in steps if isinstance(step, (Write, Remove, Settle))}
    files.update({path: file.sha256 for path, file in observed.files.items()})
    starter = layout.DOCKER_SERVICE if observed.has_systemd else "/etc/init.d/docker"
    return Plan(steps, back, files, observed.pid, starter, diff, observed.loose_folders)


def way_back(
    observed: Observed,
    *,
    live_restore: bool,
    other_sockets: tuple[str, ...] = (),
    rules: tuple[t.Sequence[Command], t.Sequence[Command]] = ((), ()),
    methods: t.Container[str] = (),
) -> WayBack:
    """Return how the host goes back. C(methods): the one in place and the new one."""
    load, unload = rules
    options = () if observed.options is None else (observed.options.path,)
    last_resort = [layout.DROP_IN, layout.SOCKET_UNIT, layout.GATE_UNIT, layout.BOOT_DROP_IN, layout.GATE]
    last_resort += [layout.GATEWAY_UNIT, layout.GATEWAY_BOOT]
    if "daemon_json" not in methods:
        # With method daemon_json, the drop-in only takes -H off ExecStart, for hosts in daemon.json.
        last_resort.append(layout.EXEC_DROP_IN)
    return WayBack(
        was_running=observed.is_running,
        live_restore=live_restore,
        close_units=PORT_UNITS if observed.has_systemd else (),
        open_units=_open_units(observed),
        other_sockets=other_sockets,
        load_rules=tuple(load),
        unload_rules=tuple(unload),
        remove_without=((layout.LISTENER_FLAGS_IN_FORCE, layout.LISTENER_FLAGS),),
        last_resort=(*last_resort, layout.LISTENER_FLAGS, layout.LISTENER_FLAGS_IN_FORCE),
        options_files=options,
    )


def _open_units(observed: Observed) -> tuple[str, ...]:
    """Return the units that have the port open."""
    if layout.GATEWAY_UNIT in observed.files:
        return (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE)
    return (layout.GANGWAY_SOCKET,) if layout.SOCKET_UNIT in observed.files else ()
