# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying a plan out on the host: all of it, or nothing."""

from __future__ import annotations

__all__ = ("apply_absent", "apply_present", "finish_interrupted")

import contextlib
import os
import shutil
import typing as t

from .._failure import Failure
from . import layout
from .addresses import Listen
from .daemon_json import merge
from .engine import running_containers
from .host import Attributes, Host
from .observe import Observed
from .plan import FileChange, Plan
from .services import close_port, ensure_running, restart, set_live_restore, settle, stop_listening
from .transaction import Transaction
from .verify import verify_bundle, verify_config, verify_containers, verify_port, verify_services


def apply_present(host: Host, observed: Observed, plan: Plan, listen: t.Sequence[Listen]) -> list[str]:
    """Put the listener in place; return the containers that did not live through it.

    Any failure puts everything back as it was and carries C(rolled_back) in its facts.
    """
    containers = running_containers() if plan.restart else {}
    transaction = Transaction(host)
    with _all_or_nothing(host, transaction):
        _live_restore_first(host, transaction, plan)
        for folder in layout.FOLDERS:
            transaction.make_folder(folder)
        for change in plan.changes:
            _make(host, transaction, change)
        if plan.restart:
            verify_bundle()
            verify_config(host, observed.flags.program, observed.engine.version if observed.engine else "")
            transaction.about_to_touch_services(live_restore=plan.live_restore)
            restart(host, with_socket=plan.restart_socket)
            verify_services(host)
            verify_port(listen, host.read(layout.CERTIFICATE) or b"")
    return verify_containers(containers)


def apply_absent(host: Host, plan: Plan) -> list[str]:
    """Take the listener away; return the containers that did not live through it.

    Cut off anywhere, dockerd can start: daemon.json lets go of the TLS files before they go.
    """
    containers = running_containers() if plan.restart else {}
    transaction = Transaction(host)
    with _all_or_nothing(host, transaction):
        _live_restore_first(host, transaction, plan)
        transaction.about_to_touch_services(live_restore=plan.live_restore)
        stop_listening(host)
        if plan.settle is not None:
            transaction.note_file(layout.DAEMON_JSON)
            _start_config(host, plan.settle, live_restore=plan.live_restore)
        removals = [change for change in plan.changes if change is not plan.settle]
        units = [change for change in removals if change.path.startswith(layout.UNITS)]
        for change in units:
            _make(host, transaction, change)
        if plan.restart:
            restart(host, with_socket=True, listening=False)
        else:
            host.systemctl("daemon-reload")
        if plan.settle is not None:
            settle(host, plan.settle)
        for change in removals:
            if change not in units:
                _make(host, transaction, change)
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
                close_port(host)
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
    original = FileChange(layout.DAEMON_JSON, content, None if content is None else attributes)
    if transaction.touched_services:
        stop_listening(host)
        # At no time may dockerd find a daemon.json without live-restore: any client of docker.sock can start it.
        _start_config(host, original, live_restore=transaction.live_restore)
    transaction.roll_back(but=layout.DAEMON_JSON)
    if transaction.touched_services:
        restart(host, with_socket=True, listening=os.path.exists(layout.SOCKET_UNIT))
    if transaction.touched(layout.DAEMON_JSON):
        settle(host, original)
    transaction.commit()
    transaction.forget_state()


def _live_restore_first(host: Host, transaction: Transaction, plan: Plan) -> None:
    if plan.live_restore_first:
        transaction.make_folder(os.path.dirname(layout.DAEMON_JSON))
        transaction.note_file(layout.DAEMON_JSON)
        set_live_restore(host, on=True)


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
