# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate during a run: opened at its end, and after a rollback."""

from __future__ import annotations

__all__ = ("forget_gate", "open_gate", "reopen_gate")

import contextlib
import os
import sys
import time

from .._guard.record import read_record
from .._host.runner import Host
from .._shared import layout
from .._shared.failure import Failure
from .._shared.steps import OpenGate

#: Of the guard's exit statuses: it was answered without a certificate.
_ANSWERED = 2
#: Since this run began, in ns as in the record.
_BEGAN = time.time_ns()
#: Seconds that what starts with dockerd has to open the gate by itself.
_PATIENCE = 3.0
_POLL = 0.02


def open_gate(host: Host, step: OpenGate) -> None:
    """Have the guard on the host open the gate. Failures: C(port_open), C(gate_shut)."""
    if _opens_by_itself():
        return
    code, said = _guard(host, step.python)
    if code == 0:
        return
    reason = said.strip().replace("<3>gangway.docker: ", "") or f"the guard exits with {code}"
    if code == _ANSWERED:
        raise Failure(
            "port_open",
            thing="dockerd's TCP port",
            reason=f"it answers a client without a certificate ({reason})",
            cure="The port is shut. Find out what else configures dockerd ('systemctl cat "
            f"{layout.DOCKER_SERVICE}', its options file), then run again",
        )
    raise Failure(
        "gate_shut",
        thing="the gate in front of dockerd's TCP port",
        reason=f"it does not open: {reason}",
        cure="Correct what it names, then run again; until then nobody reaches the port",
    )


def reopen_gate(host: Host) -> None:
    """After a rollback: open the gate of the listener that is back, if it passes the proof."""
    if os.path.exists(layout.GATE):
        _guard(host, sys.executable)
    else:
        forget_gate()


def forget_gate() -> None:
    """Remove what the gate of a listener that is gone leaves below /run."""
    for path in (layout.GATE_RECORD, *layout.RUNTIME_DROP_INS):
        with contextlib.suppress(OSError):
            os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(layout.RUNTIME_DROP_INS[0]))


def _opens_by_itself() -> bool:
    """Whether this run has started dockerd, and what started with it has opened the gate already: the same proof."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        state, start = read_record()
        is_ours = start.isdigit() and int(start) >= _BEGAN
        if state != "narrow" or not is_ours:
            return state == "open" and is_ours
        time.sleep(_POLL)
    return False


def _guard(host: Host, python: str) -> tuple[int, str]:
    command = f"cd {layout.STATE} && exec {python} -B -m guard gate open"
    code, _stdout, stderr = host.run(["/bin/sh", "-c", command])
    return code, stderr
