# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying a plan out on the host: all of it, or nothing."""

from __future__ import annotations

__all__ = ("apply_absent", "apply_present", "finish_interrupted")

import contextlib
import dataclasses
import os
import shutil
import typing as t

from .._shared.failure import Failure
from . import layout
from .change import FileChange
from .daemon_json import merge, restore
from .engine import read_engine, running_containers
from .firewalling import load_firewall, unload_firewall
from .host import Attributes, Host
from .init import init_of
from .methods.method import Exposure
from .observe import Observed
from .plan import Plan
from .services import (
    close_port,
    ensure_running,
    read_units,
    restart,
    set_live_restore,
    settle,
    stop_listening,
)
from .transaction import Transaction
from .verify import verify_bundle, verify_config, verify_containers, verify_port, verify_services
from .what_was import undo_daemon_json

#: What goes last when a listener is taken away.
_LAST = (layout.BUNDLE, layout.STATE, *layout.FIREWALL_UNITS)


def apply_present(host: Host, observed: Observed, plan: Plan, exposure: Exposure) -> list[str]:
    """Put the listener in place; return the containers that did not live through it.

    Any failure puts everything back as it was and carries C(rolled_back) in its facts.
    """
    containers = running_containers() if plan.restart else {}
    transaction = Transaction(host)
    with _all_or_nothing(host, transaction):
        _live_restore_first(host, transaction, plan)
        for folder in layout.FOLDERS:
            transaction.make_folder(folder)
        removals = [change for change in plan.changes if change.removes and change.path.startswith(_LAST)]
        _make_all(host, transaction, [change for change in plan.changes if change not in removals], plan)
        if plan.load_firewall:
            transaction.about_to_touch_services(live_restore=plan.live_restore, was_running=plan.was_running)
            read_units(host)
            load_firewall(host)
        if plan.restart:
            if exposure.tls:
                verify_bundle()
            verify_config(host, observed.flags.program, observed.engine.version if observed.engine else "")
            transaction.about_to_touch_services(
                live_restore=plan.live_restore, sockets=plan.sockets_to_restart, was_running=plan.was_running
            )
            restart(
                host,
                with_socket=plan.restart_socket,
                listening=plan.listening,
                others=plan.sockets_to_restart,
                units_are_read=plan.load_firewall,
            )
            verify_services(host, exposure, socket=plan.listening)
            verify_port(host, exposure, host.read(layout.CERTIFICATE) or b"")
        if plan.unload_firewall:
            unload_firewall(host)
        # What the listener was made of before, and dockerd has let go of now.
        _make_all(host, transaction, removals, plan)
        if removals:
            init_of(host).reload()
        if plan.settle is not None:
            settle(host, plan.settle)
    return verify_containers(containers)


def apply_absent(host: Host, plan: Plan) -> list[str]:
    """Take the listener away; return the containers that did not live through it.

    Cut off anywhere, dockerd can start: daemon.json lets go of the TLS files before they go.
    """
    containers = running_containers() if plan.restart else {}
    transaction = Transaction(host)
    with _all_or_nothing(host, transaction):
        _live_restore_first(host, transaction, plan)
        transaction.about_to_touch_services(
            live_restore=plan.live_restore, sockets=plan.sockets_to_restart, was_running=plan.was_running
        )
        stop_listening(host)
        if plan.settle is not None:
            transaction.note_file(layout.DAEMON_JSON)
            _start_config(host, plan.settle, live_restore=plan.live_restore)
        removals = [change for change in plan.changes if change is not plan.settle]
        # dockerd may need what is in our own folders for a start; the firewall's unit stays until its rules are gone.
        units = [change for change in removals if not change.path.startswith(_LAST)]
        for change in units:
            _make(host, transaction, change)
        if plan.restart:
            restart(host, with_socket=True, listening=False, others=plan.sockets_to_restart)
        else:
            init_of(host).reload()
        if plan.unload_firewall:
            unload_firewall(host)
        if plan.settle is not None:
            settle(host, plan.settle)
        for change in removals:
            if change not in units:
                _make(host, transaction, change)
        init_of(host).reload()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(layout.LISTENER_IN_FORCE)
    for folder in plan.folders_to_remove:
        _remove_folder(folder)
    return verify_containers(containers)


def finish_interrupted(host: Host) -> bool:
    """Put a host back as it was before a run that was killed; tell whether there was one."""
    transaction = Transaction.interrupted(host)
    if transaction is None:
        return False
    try:
        _go_back(host, transaction)
        if transaction.was_running:
            ensure_running(host)
    except OSError as exc:
        raise Failure(
            "host_error",
            thing=str(exc.filename or "the host"),
            reason=f"{exc.strerror or exc}, while undoing a run that was cut off",
            cure="Mend what it names and run again",
        ) from exc
    return True


@contextlib.contextmanager
def _all_or_nothing(host: Host, transaction: Transaction) -> t.Iterator[None]:
    try:
        yield
        transaction.commit()
    except BaseException as exc:
        try:
            _go_back(host, transaction)
        except (Failure, OSError) as second:
            with contextlib.suppress(Failure, OSError):
                close_port(host, transaction.files)
            raise Failure(
                "rollback_failed",
                thing="going back to how it was",
                reason=f"{second} -- after this had failed: {exc}",
                cure="The port is closed. Mend what it names and run again: the next run goes on putting things back",
            ) from exc
        if isinstance(exc, OSError):
            raise Failure(
                "host_error",
                thing=str(exc.filename or "the host"),
                reason=f"{exc.strerror or exc}; everything is as it was before this run",
                cure="Mend what it names and run again",
                rolled_back=True,
            ) from exc
        if isinstance(exc, Failure):
            exc.facts["rolled_back"] = True
        raise


def _go_back(host: Host, transaction: Transaction) -> None:
    """Put the files back, and dockerd under them, its containers running on."""
    content, attributes = transaction.before(layout.DAEMON_JSON)
    if transaction.touched(layout.DAEMON_JSON):
        content = _with_edits_since(host, content)
    original = FileChange(layout.DAEMON_JSON, content, None if content is None else attributes)
    if transaction.touched_services:
        stop_listening(host)
        _keep_containers(host, transaction)
        # hosts in it would not go with the units that are there now.
        without_hosts = None if content is None else restore(content.decode(), {"hosts": None}).encode()
        _start_config(host, dataclasses.replace(original, content=without_hosts), live_restore=transaction.live_restore)
    transaction.roll_back(but=layout.DAEMON_JSON)
    if not os.path.exists(layout.LISTENER):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(layout.LISTENER_IN_FORCE)
    if transaction.touched_services:
        read_units(host)
        # At no time may dockerd find a daemon.json without live-restore: any client of docker.sock can start it.
        _start_config(host, original, live_restore=transaction.live_restore)
        rules = os.path.exists(layout.FIREWALL_RULES)
        if rules:
            load_firewall(host)
        listening = os.path.exists(layout.SOCKET_UNIT)
        if transaction.was_running:
            restart(host, with_socket=True, listening=listening, others=transaction.sockets, units_are_read=True)
        else:
            init_of(host).stop()
        if not rules:
            unload_firewall(host)
    if transaction.touched(layout.DAEMON_JSON):
        if transaction.was_running:
            settle(host, original)
        else:
            # Asking dockerd would start it, by its socket unit.
            host.put(layout.DAEMON_JSON, original.content, original.attributes)
    transaction.commit()
    transaction.forget_state()


def _with_edits_since(host: Host, before: bytes | None) -> bytes | None:
    """Return daemon.json as it was, with what somebody has edited since a run was cut off.

    Failure: C(daemon_json_malformed).
    """
    current = host.read(layout.DAEMON_JSON)
    if current is None:
        return before
    try:
        return undo_daemon_json(current, before)
    except ValueError as exc:
        raise Failure(
            "daemon_json_malformed",
            thing=layout.DAEMON_JSON,
            reason=f"a run was cut off, and the file is not what it left ({exc})",
            cure="Correct the file, and run again: that run puts back what the one before had changed",
        ) from exc


def _keep_containers(host: Host, transaction: Transaction) -> None:
    """Where live-restore was taken out of the running dockerd already, its stop would take the containers with it."""
    if transaction.live_restore and init_of(host).main_pid():
        engine = read_engine()
        if engine is not None and not engine.live_restore:
            set_live_restore(host, on=True)


def _live_restore_first(host: Host, transaction: Transaction, plan: Plan) -> None:
    if plan.live_restore_first:
        transaction.make_folder(os.path.dirname(layout.DAEMON_JSON))
        transaction.note_file(layout.DAEMON_JSON)
        set_live_restore(host, on=True)


def _make_all(host: Host, transaction: Transaction, changes: t.Iterable[FileChange], plan: Plan) -> None:
    stale = False
    for change in changes:
        if change is plan.settle:
            continue
        if stale and not change.path.startswith((layout.UNITS, layout.STATE, layout.BUNDLE)):
            # daemon.json, or the options file: from here on it only fits the new units, which bring the guard.
            init_of(host).reload()
            stale = False
        _make(host, transaction, change)
        stale = stale or change.path.startswith(layout.UNITS)


def _make(host: Host, transaction: Transaction, change: FileChange) -> None:
    if change.attributes is None:
        transaction.remove(change.path)
        return
    content = change.content
    if content is None:
        # Only its owner or mode changes, or it is the key that already lies there.
        content = host.read(change.path)
    if content is None:
        raise Failure(
            "not_planned", thing=change.path, reason="its content never came", cure="Please report this as a defect"
        )
    transaction.make_folder(os.path.dirname(change.path))
    transaction.write(change.path, content, change.attributes)


def _start_config(host: Host, final: FileChange, *, live_restore: bool) -> None:
    """daemon.json for a start: as it is to be in the end, but with live-restore, so that containers live on."""
    if not live_restore:
        host.put(layout.DAEMON_JSON, final.content, final.attributes)
        return
    text = merge((final.content or b"").decode(), {"live-restore": True})
    attributes = final.attributes or host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
    host.write(layout.DAEMON_JSON, text.encode(), attributes)


def _remove_folder(folder: str) -> None:
    if folder in (layout.BUNDLE, layout.STATE):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.rmdir(folder)
