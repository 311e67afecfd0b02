# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executing the steps of a plan."""

from __future__ import annotations

__all__ = ("Execution",)

import os
import typing as t

from .._host import pending_keys
from .._host.init import init_of
from .._host.runner import Attributes, Host
from .._shared import layout, steps
from .._shared.failure import Failure
from .gate import open_gate
from .gateway import end_sessions, prove_gateway, reload_gateway, start_gateway, stop_gateway
from .live_restore import settle, switch_live_restore
from .proof import check_bundle, check_config, prove
from .services import check, load_rules, read_units, start_unit, stop_unit
from .transaction import GATEWAY, RULES, SERVICES, UNITS, Transaction

_PENDING = "pending:"
_LEVELS: dict[type[steps.Step], int] = {
    steps.ReadUnits: UNITS,
    steps.LoadRules: RULES,
    steps.OpenGate: RULES,
    steps.StopGateway: GATEWAY,
    steps.StartGateway: GATEWAY,
    steps.ReloadGateway: GATEWAY,
    steps.StopDockerd: SERVICES,
    steps.StartDockerd: SERVICES,
    steps.RestartDockerd: SERVICES,
    steps.StopUnit: SERVICES,
    steps.StartUnit: SERVICES,
}


class Execution:
    """Does one step after the other, within the transaction."""

    def __init__(self, host: Host, transaction: Transaction, secrets: t.Mapping[str, str]) -> None:
        self._host = host
        self._init = init_of(host)
        self._transaction = transaction
        self._secrets = secrets
        self._do: dict[type[steps.Step], t.Callable[[t.Any], None]] = {
            steps.MakeFolder: lambda step: transaction.make_folder(step.path, step.mode),
            steps.Write: self._write,
            steps.Remove: lambda step: transaction.remove(step.path),
            steps.ReadUnits: lambda _step: read_units(host),
            steps.LoadRules: lambda step: load_rules(host, step),
            steps.SwitchLiveRestore: lambda _step: self._switch_live_restore(),
            steps.CheckBundle: check_bundle,
            steps.CheckConfig: lambda step: check_config(host, step),
            steps.ForgetFailures: lambda _step: self._init.forget_failures(),
            steps.StopDockerd: lambda _step: check(self._init.stop(), self._init, "dockerd_stop_failed"),
            steps.StartDockerd: lambda _step: check(self._init.start(), self._init, "dockerd_start_failed"),
            steps.RestartDockerd: lambda _step: check(self._init.restart(), self._init, "dockerd_start_failed"),
            steps.StopUnit: lambda step: stop_unit(host, step.unit),
            steps.StartUnit: self._start_unit,
            steps.StopGateway: lambda _step: stop_gateway(host),
            steps.StartGateway: lambda _step: start_gateway(host),
            steps.ReloadGateway: lambda step: reload_gateway(host, step),
            steps.EndSessions: lambda step: end_sessions(host, step),
            steps.ProveGateway: lambda step: prove_gateway(host, step),
            steps.Prove: lambda step: prove(host, step),
            steps.OpenGate: lambda step: open_gate(host, step),
            steps.Settle: self._settle,
        }

    def prepare(self, plan: t.Sequence[steps.Step]) -> None:
        """Write the before-images of all files into the journal at once: each write of it is synced to the disk."""
        files, folders = [], []
        for step in plan:
            if isinstance(step, (steps.Write, steps.Remove, steps.Settle)):
                files.append(step.path)
            elif isinstance(step, steps.MakeFolder):
                folders.append(step.path)
            elif self._transaction.way_back.touches_dockerd and (
                isinstance(step, steps.SwitchLiveRestore) or type(step) in _LEVELS
            ):
                files.append(layout.DAEMON_JSON)
        if files or folders:
            self._transaction.note(files, folders)

    def do(self, step: steps.Step) -> None:
        """Do the step. Raises Failure, OSError or ValueError."""
        level = _LEVELS.get(type(step))
        if level is not None:
            self._transaction.reach(level)
        self._do[type(step)](step)

    def _write(self, step: steps.Write) -> None:
        content: bytes | None
        if step.content is not None:
            content = step.content.encode(errors="surrogateescape")
        elif step.secret is None:
            # Only its owner or mode changes.
            content = self._host.read(step.path)
        elif step.secret.startswith(_PENDING):
            content = pending_keys.read(step.secret[len(_PENDING) :])
        else:
            secret = self._secrets.get(step.secret)
            content = None if secret is None else secret.encode(errors="surrogateescape")
        if content is None:
            raise Failure(
                "not_planned", thing=step.path, reason="its content is missing", cure="Please report this as a defect"
            )
        self._transaction.write(step.path, content, Attributes(step.mode, step.uid, step.gid))

    def _switch_live_restore(self) -> None:
        self._transaction.make_folder(os.path.dirname(layout.DAEMON_JSON))
        self._transaction.note([layout.DAEMON_JSON])
        switch_live_restore(self._host, on=True)

    def _start_unit(self, step: steps.StartUnit) -> None:
        try:
            start_unit(self._host, step.unit)
        except Failure:
            if not step.optional:
                raise

    def _settle(self, step: steps.Settle) -> None:
        self._transaction.note([step.path])
        content = None if step.content is None else step.content.encode(errors="surrogateescape")
        settle(self._host, step.path, content, Attributes(step.mode, step.uid, step.gid))
