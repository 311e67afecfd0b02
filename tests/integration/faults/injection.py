# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a lab host: a run in its own process, with one fault at a chosen step of its plan.

An effect is one change that a step makes: a file or folder, an owner or mode, a signal, a command.
"""

from __future__ import annotations

import collections
import dataclasses
import errno
import functools
import json
import os
import signal
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host, Run
from ansible_collections.gangway.docker.plugins.module_utils._run import run as run_module
from ansible_collections.gangway.docker.plugins.module_utils._run.execute import Execution
from ansible_collections.gangway.docker.plugins.module_utils._run.transaction import Transaction
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Discard, Step

#: What a run does beside the plan's steps, in the order in which it happens.
ARM, PREPARE, ROLLBACK, COMMIT, DISARM = "arm", "prepare", "roll back", "commit", "disarm"
#: In place of an effect.
BEFORE = "before it"
#: Commands that change nothing.
_LOOKS = ("show", "is-active", "list", "-j")
_PROGRAMS = ("systemctl", "systemd-run", "nft", "firewall-cmd", "ufw")
_OURS = ("/etc/", "/var/lib/gangway-docker", "/run/gangway-docker")
_ERRORS = {
    "replace": errno.ENOSPC,
    "unlink": errno.EROFS,
    "mkdir": errno.ENOSPC,
    "rmdir": errno.EROFS,
    "chmod": errno.EPERM,
    "chown": errno.EPERM,
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """C(mode): fail or kill. C(step): an index in the plan, or one of this module's names.

    C(effect): one of the step's, or C(BEFORE) them; C(number): the first of this name is 1. C(fails_at): for a kill
    while rolling back, the step whose failure comes first.
    """

    step: int | str
    effect: str
    mode: str
    number: int = 1
    fails_at: int | None = None


@dataclasses.dataclass
class Outcome:
    """What came of a run: its effects by step, whether it met the fault, and how it ended itself."""

    effects: dict[int | str, list[str]] = dataclasses.field(default_factory=dict)
    met: str | None = None
    #: done, a failure key, or an exception that is none; empty: killed.
    end: str = ""
    rolled_back: bool = False


def run_with_fault(order: str, steps: t.Sequence[Step], command: Run, fault: Fault | None) -> Outcome:
    """Execute the order in a child process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _Child(steps, command, fault, writing).run(order)
        os._exit(0)
    os.close(writing)
    outcome = Outcome()
    with os.fdopen(reading) as stream:
        for event in map(json.loads, stream):
            if "effect" in event:
                outcome.effects.setdefault(event["step"], []).append(event["effect"])
            else:
                outcome = dataclasses.replace(outcome, **event)
    os.waitpid(child, 0)
    return outcome


class _Child:
    def __init__(self, steps: t.Sequence[Step], command: Run, fault: Fault | None, report: int) -> None:
        self._indexes = iter([index for index, step in enumerate(steps) if not isinstance(step, Discard)])
        discards = [index for index, step in enumerate(steps) if isinstance(step, Discard)]
        self._commit: int | str = discards[-1] if discards else COMMIT
        self._command = command
        self._fault = fault
        self._report = report
        self._step: int | str = ""
        #: The effects of this step, and how often each came.
        self._effects: collections.Counter[str] = collections.Counter()
        self._kill = os.kill

    def run(self, order: str) -> None:
        self._patch()
        try:
            run_module.carry_out(Host(self._running), order)
            self._tell(end="done")
        except Failure as exc:
            self._tell(end=exc.key, rolled_back=bool(exc.facts.get("rolled_back")))
            if exc.key == "rollback_failed":
                self._tell(end=f"rollback_failed: {exc}")
        except BaseException as exc:  # nothing else than a Failure may come out
            self._tell(end=f"leaked {exc!r}")

    def _patch(self) -> None:
        for name in _ERRORS:
            setattr(os, name, self._changing(name, getattr(os, name)))
        os.kill = self._killing
        run_module.arm = self._within(lambda: ARM, run_module.arm)
        run_module.disarm = self._within(lambda: DISARM, run_module.disarm)
        run_module.roll_back_or_close = self._within(lambda: ROLLBACK, run_module.roll_back_or_close)
        Execution.prepare = self._within(lambda: PREPARE, Execution.prepare)  # type: ignore[method-assign]
        Execution.do = self._within(lambda: next(self._indexes), Execution.do)  # type: ignore[method-assign]
        Transaction.commit = self._within(lambda: self._commit, Transaction.commit)  # type: ignore[method-assign]

    def _within(self, name: t.Callable[[], int | str], function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        @functools.wraps(function)
        def within(*args: t.Any, **kwargs: t.Any) -> t.Any:
            self._step, self._effects = name(), collections.Counter([BEFORE])
            if self._is_due(BEFORE):
                raise OSError(errno.EIO, "Input/output error")
            try:
                return function(*args, **kwargs)
            finally:
                self._step = ""

        return within

    def _meets(self, what: str) -> bool:
        """Note an effect; return whether it is to fail."""
        if self._step == "" or (self._step in (ARM, DISARM) and what in self._effects):
            return False
        self._effects[what] += 1
        self._tell(step=self._step, effect=what)
        return self._is_due(what)

    def _is_due(self, what: str) -> bool:
        fault = self._fault
        if fault is None:
            return False
        if fault.fails_at is not None and (self._step, what) == (fault.fails_at, BEFORE):
            return True
        if (self._step, what, self._effects[what]) != (fault.step, fault.effect, fault.number):
            return False
        self._fault = None
        self._tell(met=what)
        if fault.mode == "kill":
            self._kill(os.getpid(), signal.SIGKILL)
        return True

    def _changing(self, name: str, change: t.Callable[..., None]) -> t.Callable[..., None]:
        def changing(path: t.Any, *args: t.Any, **options: t.Any) -> None:
            target = str(args[0] if name == "replace" else path)
            exists = name in ("mkdir", "replace") or os.path.lexists(target) or "dir_fd" in options
            is_ours = (target.startswith(_OURS) or "dir_fd" in options) and not target.endswith(".gangway-new")
            # Those of a tree that is made or removed are alike.
            in_tree = "dir_fd" in options or target.startswith(f"{layout.RECOVERY}/")
            shown = f"{name} in it" if in_tree else f"{'write' if name == 'replace' else name} {target}"
            if is_ours and exists and self._meets(shown):
                raise OSError(_ERRORS[name], os.strerror(_ERRORS[name]), target)
            change(path, *args, **options)

        return changing

    def _killing(self, pid: int, number: int) -> None:
        if self._meets(f"send {signal.Signals(number).name}"):
            raise ProcessLookupError(errno.ESRCH, "No such process")
        self._kill(pid, number)

    def _running(self, words: t.Sequence[str], **options: t.Any) -> tuple[int, str, str]:
        shown = " ".join(words[:3] if words[0] == "systemd-run" else words)
        is_change = words[0].rpartition("/")[2] in _PROGRAMS and words[1] not in _LOOKS
        if is_change and "show" not in words and self._meets(shown):
            return 1, "", "a fault"
        return self._command(words, **options)

    def _tell(self, **event: t.Any) -> None:
        os.write(self._report, f"{json.dumps(event)}\n".encode())
