# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run on the host: it executes the controller's steps in one transaction, or rolls back an interrupted one."""

from __future__ import annotations

__all__ = ("carry_out",)

import contextlib
import hashlib
import json
import os
import typing as t
from dataclasses import dataclass

from .._host import pending_keys
from .._host.engine import running_containers
from .._host.init import init_of
from .._host.runner import Host
from .._shared import layout
from .._shared.failure import Failure
from .._shared.plan_data import from_data, step_from_data
from .._shared.steps import Discard, RestartDockerd, StartDockerd, Step, StopDockerd
from .._shared.way_back import WayBack
from .arming import arm, disarm
from .execute import Execution
from .lock import Lock
from .proof import stopped_containers
from .recovery import recovered
from .rollback import finish_interrupted, roll_back_or_close
from .signals import Signals
from .transaction import Transaction

#: Steps in which containers may stop.
_STOPS_DOCKERD = (StopDockerd, StartDockerd, RestartDockerd)


@dataclass(frozen=True)
class Order:
    """What the controller sends. C(files): digests (SHA-256 in hex) by path, None for a file that does not exist."""

    steps: tuple[Step, ...]
    way_back: WayBack
    secrets: t.Mapping[str, str]
    files: t.Mapping[str, str | None]
    #: dockerd's process; 0: it is down; None: not compared.
    pid: int | None
    recover: bool
    #: Names of keys that waited for this order, and have no use after it.
    pending_keys: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Order:
        """Read an order in JSON. Failure: C(order_invalid)."""
        try:
            data = json.loads(text)
            preconditions = data.get("preconditions") or {}
            return cls(
                steps=tuple(map(step_from_data, data.get("steps") or ())),
                way_back=from_data(WayBack, data.get("way_back") or {}),
                secrets=dict(data.get("secrets") or {}),
                files=dict(preconditions.get("files") or {}),
                pid=preconditions.get("pid"),
                recover=bool(data.get("recover")),
                pending_keys=tuple(data.get("pending_keys") or ()),
            )
        except (ValueError, TypeError, AttributeError) as exc:
            raise Failure(
                "order_invalid",
                thing="carry_out",
                reason=f"it is not what this version of the collection sends ({type(exc).__name__})",
                cure="Use dockerd_listener as a task; only its action plugin sets this option",
            ) from exc


def carry_out(host: Host, order: str) -> dict[str, t.Any]:
    """Execute an order; return C(changed), C(stale), C(stopped), C(recovered) and C(notes).

    With C(stale) paths, nothing was touched. Any failure puts everything back and carries C(rolled_back) in its facts.
    """
    wanted = Order.read(order)
    _check_root()
    try:
        lock = Lock.acquire()
        try:
            with Signals() as signals:
                return _recover(host) if wanted.recover else _run(host, wanted, signals)
        finally:
            with contextlib.suppress(OSError, Failure):
                for name in wanted.pending_keys:
                    pending_keys.drop(name)
            lock.release(forget=not os.path.exists(layout.STATE))
    except OSError as exc:
        raise _host_error(exc, "nothing was changed") from exc


def _recover(host: Host) -> dict[str, t.Any]:
    warnings = arm(host) if os.path.lexists(layout.JOURNAL) else []
    try:
        report = finish_interrupted(host)
    finally:
        disarm(host)
    # A recovery may have come before us.
    report = report or recovered(host)
    _forget_report()
    return _result(changed=report is not None, recovered=report, warnings=warnings)


def _run(host: Host, order: Order, signals: Signals) -> dict[str, t.Any]:
    init = init_of(host)
    pid = init.main_pid()
    stale = _stale(host, order, pid)
    if stale or not order.steps:
        return _result(changed=False, stale=stale)
    touches_dockerd = any(isinstance(step, _STOPS_DOCKERD) for step in order.steps)
    # A dockerd that is down would be started by the question.
    containers = running_containers() if touches_dockerd and pid else {}
    warnings = arm(host)
    transaction = Transaction(host, order.way_back, pid)
    execution = Execution(host, transaction, order.secrets)
    try:
        with _all_or_nothing(host, transaction):
            execution.prepare(order.steps)
            for step in order.steps:
                if not isinstance(step, Discard):
                    execution.do(step)
                    signals.check()
            transaction.commit(_discard(order.steps))
    finally:
        disarm(host)
    _forget_report()
    return _result(changed=True, stopped=stopped_containers(containers), warnings=warnings)


def _stale(host: Host, order: Order, pid: int) -> list[str]:
    """Return what is not as the plan was made from: paths, and C(dockerd) for its process."""
    if os.path.lexists(layout.JOURNAL):
        return [layout.JOURNAL]
    stale = [path for path, digest in order.files.items() if _digest(host.read(path)) != digest]
    if order.pid is not None and order.pid != pid:
        stale.append("dockerd")
    return stale


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _discard(plan: t.Sequence[Step]) -> Discard | None:
    """Return one step for all of its kind: they have no undo, so they wait for the commit."""
    found = [step for step in plan if isinstance(step, Discard)]
    if not found:
        return None
    return Discard(
        files=tuple(path for step in found for path in step.files),
        folders=tuple(path for step in found for path in step.folders),
        empty_folders=tuple(path for step in found for path in step.empty_folders),
    )


@contextlib.contextmanager
def _all_or_nothing(host: Host, transaction: Transaction) -> t.Iterator[None]:
    try:
        yield
    except BaseException as exc:
        roll_back_or_close(host, transaction, exc)
        if isinstance(exc, (OSError, ValueError)):
            raise _host_error(exc, "everything was rolled back", rolled_back=True) from exc
        if isinstance(exc, Failure):
            exc.facts["rolled_back"] = True
        raise


def _host_error(exc: OSError | ValueError, outcome: str, **facts: t.Any) -> Failure:
    return Failure(
        "host_error",
        thing=str(getattr(exc, "filename", None) or "the host"),
        reason=f"{getattr(exc, 'strerror', None) or exc}; {outcome}",
        cure="Fix the error above, then run again",
        **facts,
    )


def _check_root() -> None:
    if os.geteuid() != 0:
        raise Failure(
            "not_root",
            thing="dockerd_listener",
            reason=f"it changes system files and runs as uid {os.geteuid()}",
            cure="Set become: true",
        )


def _forget_report() -> None:
    with contextlib.suppress(OSError):
        os.unlink(layout.RECOVERED)


def _result(
    *,
    changed: bool,
    stale: t.Sequence[str] = (),
    stopped: t.Sequence[str] = (),
    recovered: t.Mapping[str, t.Any] | None = None,
    warnings: t.Sequence[str] = (),
) -> dict[str, t.Any]:
    return {
        "changed": changed,
        "stale": list(stale),
        "stopped": list(stopped),
        "recovered": recovered,
        "notes": list(warnings),
    }
