# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back: files, units, rules and dockerd as they were, with the containers running on."""

from __future__ import annotations

__all__ = ("finish_interrupted", "roll_back", "roll_back_or_close")

import contextlib
import os
import typing as t

from .._host.init import init_of
from .._host.runner import Attributes, Host
from .._shared import layout
from .._shared.failure import Failure
from .._shared.options_block import block_of, without_block
from .._shared.steps import LoadRules
from .daemon_json_edits import undo_daemon_json, without_hosts, without_tcp_hosts
from .gate import reopen_gate
from .gateway import restart_gateway
from .live_restore import keep_containers, prepare_start, settle
from .services import check, ensure_running, load_rules, read_units, start_unit, stop_unit
from .transaction import GATEWAY, RULES, SERVICES, UNITS, Transaction


def finish_interrupted(host: Host) -> dict[str, t.Any] | None:
    """Roll back a run that was killed, or finish it if it had committed; report what was done.

    Failures: C(state_unreadable), C(daemon_json_malformed), C(rollback_failed).
    """
    transaction = Transaction.interrupted(host)
    if transaction is None:
        return None
    files = transaction.changed_files()
    if transaction.discard is not None:
        transaction.finish()
        return {"files": [], "restarted": False, "completed": True}
    pid = init_of(host).main_pid()
    roll_back_or_close(host, transaction)
    if transaction.way_back.was_running:
        ensure_running(host)
    return {"files": files, "restarted": init_of(host).main_pid() != pid, "completed": False}


def roll_back_or_close(host: Host, transaction: Transaction, cause: BaseException | None = None) -> None:
    """Roll back; if that fails, close the port and keep the journal.

    Failures: C(daemon_json_malformed), C(rollback_failed).
    """
    try:
        roll_back(host, transaction)
    except (Failure, OSError, ValueError) as exc:
        if isinstance(exc, Failure) and exc.key == "daemon_json_malformed":
            raise
        closed = "The port is closed. "
        try:
            _close_port(host, transaction)
        except (Failure, OSError, ValueError) as last:
            closed = f"Closing the port failed too ({last}). "
        after = "" if cause is None else f" -- after this had failed: {cause}"
        raise Failure(
            "rollback_failed",
            thing="the rollback",
            reason=f"{exc}{after}",
            cure=f"{closed}Fix the error above, then run again: the next run continues the rollback",
        ) from exc


def roll_back(host: Host, transaction: Transaction) -> None:
    """Put everything back, and remove the journal.

    Failures: C(daemon_json_malformed), and those of the services.
    """
    way_back, init = transaction.way_back, init_of(host)
    content, attributes = transaction.before(layout.DAEMON_JSON)
    if transaction.touched(layout.DAEMON_JSON):
        content = _with_later_edits(host, content)
    level = transaction.level
    was_running = way_back.was_running
    if not way_back.touches_dockerd:
        _roll_back_gateway(host, transaction)
        return
    if level < SERVICES and init.main_pid() not in (0, transaction.pid):
        # Somebody started dockerd meanwhile, from files on the way to other ones.
        level, was_running = SERVICES, True
    if level >= GATEWAY:
        for unit in way_back.close_units:
            stop_unit(host, unit)
    if level == SERVICES and way_back.live_restore:
        keep_containers(host)
    if level >= UNITS:
        # hosts would not fit the units that are still there.
        for_start = None if content is None else without_hosts(content)
        prepare_start(host, for_start, attributes, live_restore=way_back.live_restore)
    transaction.roll_back(but=layout.DAEMON_JSON)
    for path, other in way_back.remove_without:
        if not os.path.exists(other):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    if level >= UNITS:
        read_units(host)
        # dockerd must never find a daemon.json without live-restore: any client of docker.sock can start it.
        prepare_start(host, content, attributes, live_restore=way_back.live_restore)
    if level >= RULES:
        load_rules(host, LoadRules(way_back.load_rules, thing="the firewall's previous rules"))
    if level == SERVICES:
        _restart(host, transaction, was_running)
    elif level == GATEWAY:
        # dockerd has seen nothing of it.
        _start_units(host, way_back.open_units)
    if level >= RULES:
        load_rules(host, LoadRules(way_back.unload_rules, ignore_errors=True))
        if way_back.unload_rules and init.name == "systemd":
            # A unit of ours that was stopped during its start counts as failed, though its file is gone.
            init.forget_failures()
    if level >= UNITS or transaction.touched(layout.DAEMON_JSON):
        settle(host, layout.DAEMON_JSON, content, attributes)
    if level >= RULES and init.main_pid():
        reopen_gate(host)
    transaction.end_rollback()


def _roll_back_gateway(host: Host, transaction: Transaction) -> None:
    """The same where dockerd and its files have no part in the change."""
    way_back, level = transaction.way_back, transaction.level
    if level >= GATEWAY:
        for unit in () if way_back.reload_gateway else way_back.close_units:
            stop_unit(host, unit)
    transaction.roll_back()
    if level >= UNITS:
        read_units(host)
    if level >= RULES:
        load_rules(host, LoadRules(way_back.load_rules, thing="the firewall's previous rules"))
    if level >= GATEWAY:
        _start_units(host, way_back.open_units)
        if way_back.reload_gateway:
            restart_gateway(host)
    if level >= RULES:
        load_rules(host, LoadRules(way_back.unload_rules, ignore_errors=True))
    transaction.end_rollback()


def _start_units(host: Host, units: t.Iterable[str]) -> None:
    init_of(host).forget_failures()
    for unit in units:
        start_unit(host, unit)


def _with_later_edits(host: Host, before: bytes | None) -> bytes | None:
    """Return daemon.json's before-image with edits that others made since. Failure: C(daemon_json_malformed)."""
    current = host.read(layout.DAEMON_JSON)
    if current is None:
        return before
    try:
        return undo_daemon_json(current, before)
    except ValueError as exc:
        raise Failure(
            "daemon_json_malformed",
            thing=layout.DAEMON_JSON,
            reason=f"a run was interrupted, and the file is malformed since ({exc})",
            cure="Correct the file, then run again: the next run rolls back the interrupted one",
        ) from exc


def _restart(host: Host, transaction: Transaction, was_running: bool, *, close: bool = False) -> None:
    """Stop dockerd, and start it if it ran before; with C(close), without the port.

    A socket unit can't start while its service runs. docker.socket stays up, unless it is one of C(other_sockets).
    """
    way_back, init = transaction.way_back, init_of(host)
    init.forget_failures()
    check(init.stop(), init, "dockerd_stop_failed")
    # They may be back: a start of dockerd brings them up.
    for unit in way_back.close_units:
        stop_unit(host, unit)
    if init.name == "systemd":
        for unit in way_back.other_sockets:
            host.systemctl("stop", unit)
            # One that is gone, or whose condition does not hold any more, does not come back.
            host.systemctl("start", unit)
    for unit in () if close else way_back.open_units:
        start_unit(host, unit)
    if was_running:
        check(init.start(), init, "dockerd_start_failed")


def _close_port(host: Host, transaction: Transaction) -> None:
    """Close the port until a run opens it again: remove what opens it, and restart dockerd without it."""
    way_back = transaction.way_back
    for unit in way_back.close_units:
        stop_unit(host, unit)
    blocks = [path for path in way_back.options_files if block_of(host.read(path) or b"")]
    shared = [*blocks, layout.DAEMON_JSON] if way_back.touches_dockerd else []
    with contextlib.suppress(OSError):
        transaction.note([*way_back.last_resort, *shared])
    for path in way_back.last_resort:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    if not way_back.touches_dockerd:
        read_units(host)
        return
    for path in blocks:
        host.write(path, without_block(host.read(path) or b""), host.attributes(path) or Attributes(0o644))
    with contextlib.suppress(ValueError):
        # A malformed one is the guard's to replace.
        content = without_tcp_hosts(host.read(layout.DAEMON_JSON))
        attributes = host.attributes(layout.DAEMON_JSON)
        prepare_start(host, content if attributes else None, attributes, live_restore=way_back.live_restore)
    read_units(host)
    _restart(host, transaction, way_back.was_running, close=True)
