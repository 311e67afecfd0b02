# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: after each start of dockerd only the host itself reaches the port, until the proof has passed.

- C(narrow), before each start: only the host itself.
- C(open), once dockerd listens: the access list, if a client without a certificate is turned away; else C(shut):
  nobody, not even the host itself. With C(wait), it stays until there is an address to ask; with C(follow), also until
  dockerd ends, and then makes the gate narrow: for hosts where no unit does that.
- C(restore): what was in force, after another program has flushed the ruleset.

dockerd and its containers run on in any case. It runs in our folder.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("Refusal", "narrow", "open_gate", "restore", "run")

import contextlib
import fcntl
import math
import os
import ssl
import time
import typing as t
from dataclasses import dataclass

from . import nftables_gate, process, record, socket_filter
from .command import run_command
from .config_file import parse_leniently, read, say
from .judgement import bundle_problem, tls_problem
from .listener import Gate
from .proof import ABSENT, OPEN_TO_STRANGERS, ca_problem, command_line_problem, port_problem

DAEMON_JSON = "/etc/docker/daemon.json"
_POLL = 0.5
#: Seconds for a run, in which dockerd has started already.
_PATIENCE = 10.0


@dataclass(frozen=True)
class Refusal:
    """Why the gate is not open. C(is_open): strangers were answered; C(is_early): there is nothing to ask yet."""

    reason: str
    is_open: bool = False
    is_early: bool = False


def narrow() -> t.Optional[str]:
    """Let only the host itself through; return why that failed."""
    gate = Gate.read()
    if gate is None:
        return "gate.json in our folder can't be read"
    with _lock():
        problem = _apply(gate, "narrow")
        if problem is None:
            record.write_record("narrow", str(time.time_ns()))
    return problem


def open_gate() -> t.Optional[Refusal]:
    """Open the gate if the proof passes, else shut it; return why it is not open."""
    gate = Gate.read()
    if gate is None:
        return Refusal("gate.json in our folder can't be read")
    _state, start = record.read_record()
    refusal = _prove(gate)
    if refusal is not None and refusal.is_early:
        return refusal
    with _lock():
        if record.read_record()[1] != start:
            return Refusal("dockerd is being started again", is_early=True)
        if refusal is None:
            problem = _apply(gate, "open")
            refusal = None if problem is None else Refusal(problem)
        if refusal is not None:
            _apply(gate, "shut")
        record.write_record("open" if refusal is None else "shut", start)
    return refusal


def restore() -> t.Optional[str]:
    """Bring the state in force again that is recorded; return why that failed."""
    gate = Gate.read()
    if gate is None:
        return "gate.json in our folder can't be read"
    with _lock():
        return _apply(gate, record.read_record()[0])


def run(words: t.Sequence[str]) -> int:
    """Carry out a command of this program; return its exit status."""
    if words[0] == "open":
        return _open(wait=len(words) > 1, follow="follow" in words)
    problem = {"narrow": narrow, "restore": restore}[words[0]]()
    if problem is not None:
        say(problem)
    return 0 if problem is None else 1


def _open(*, wait: bool, follow: bool = False) -> int:
    """Return 0 if the gate is open, 2 if strangers are answered, 1 otherwise.

    With C(wait), 0 in any case: a unit that fails would let its socket start it again. C(follow): see above.
    """
    began, told = time.monotonic(), False
    patience = math.inf if wait else _PATIENCE
    gate, start = Gate.read(), record.read_record()[1]
    while True:
        # Before the proof, which is of this process then, or of a later start.
        pid = process.dockerd_pid()
        refusal = open_gate()
        waited = time.monotonic() - began
        # Another start of dockerd has a process of its own that waits.
        if wait and record.read_record()[1] != start:
            return 0
        if refusal is None or not refusal.is_early or waited > patience:
            break
        if wait and not told:
            say(f"the TCP port opens later: {refusal.reason}")
            told = True
        time.sleep(_POLL if waited < _PATIENCE else 4 * _POLL)
    if refusal is not None:
        say(f"the TCP port is shut: {refusal.reason}. dockerd and its containers run on")
    if follow and gate is not None:
        _follow(gate, pid or process.dockerd_pid(), start)
    return 0 if refusal is None or wait else 2 if refusal.is_open else 1


def _follow(gate: Gate, pid: int, start: str) -> None:
    """Make the gate narrow once this dockerd has ended: what starts the next one may not run the guard.

    From memory, since our folder may be gone by then. Not if another start has made it narrow.
    """

    def is_over() -> bool:
        return record.read_record()[1] != start

    if not gate.tls or pid == 0 or not process.has_ended(pid, is_over) or is_over():
        return
    with _lock():
        if not is_over() and _apply(gate, "narrow") is None:
            record.write_record("narrow", str(time.time_ns()))
            say("dockerd has ended. Only this host reaches the TCP port, until the next start is proved")


def _prove(gate: Gate) -> t.Optional[Refusal]:
    if not gate.tls:
        return None
    ca, certificate, key = (gate.tls[name] for name in ("tlscacert", "tlscert", "tlskey"))
    settings = parse_leniently(read(DAEMON_JSON))
    problem = None if gate.flags else tls_problem(settings, gate.tls)
    problem = problem or bundle_problem(ca, certificate, key) or ca_problem(ca)
    if problem is not None:
        return Refusal(problem)
    expected = _der(certificate)
    asked = {place: port_problem(*place, expected) for place in gate.listen}
    bad = {place: found for place, found in asked.items() if found not in (None, ABSENT)}
    for (host, port), found in bad.items():
        return Refusal(f"{host}:{port}: {found}", is_open=found == OPEN_TO_STRANGERS)
    if all(found == ABSENT for found in asked.values()):
        return Refusal(f"{', '.join(f'{host}:{port}' for host, port in asked)}: {ABSENT}", is_early=True)
    problem = command_line_problem(gate, DAEMON_JSON)
    return None if problem is None else Refusal(problem)


def _apply(gate: Gate, state: str) -> t.Optional[str]:
    if gate.kind == "socket":
        own = list(gate.own)
        return socket_filter.put_in_force({"narrow": own, "open": [*own, *gate.allow]}.get(state, []))
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    code, _stdout, stderr = run_command(["env", path, "nft", "-f", "-"], nftables_gate.transaction(state))
    return None if code == 0 else f"nft does not load the gate ({stderr.strip()})"


def _der(path: str) -> bytes:
    with open(path, encoding="ascii", errors="replace") as stream:
        text = stream.read()
    end = "-----END CERTIFICATE-----"
    start = text.index("-----BEGIN CERTIFICATE-----")
    return ssl.PEM_cert_to_DER_cert(text[start : text.index(end, start) + len(end)] + "\n")


@contextlib.contextmanager
def _lock() -> t.Iterator[None]:
    """Only root can open the record, and so hold the lock."""
    descriptor = os.open(record.RECORD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
