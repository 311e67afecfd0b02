# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy in front of the engine: its units, its processes, and the connections through it.

HAProxy's master process starts a worker with each reload; the worker before it goes on with the connections that it
has. The master takes commands on a socket of its own (HAProxy's management guide, "Master CLI").
"""

from __future__ import annotations

__all__ = (
    "end_sessions",
    "prove_gateway",
    "reload_gateway",
    "restart_gateway",
    "start_gateway",
    "stop_gateway",
)

import re
import socket
import time
import typing as t

from .._host.init import Systemd
from .._host.runner import Host
from .._shared import layout
from .._shared.failure import Failure
from .._shared.steps import EndSessions, Prove, ProveGateway, ReloadGateway
from .proof import prove
from .services import start_unit, stop_unit

#: Seconds until a new worker has to be there, and until it has to show its certificate.
_RELOAD_TIMEOUT = 15.0
_PROOF_TIMEOUT = 10.0
#: Seconds to look for sessions that are to end, over and over: one may be in its handshake.
_SESSIONS_TIMEOUT = 4.0
_PAUSE = 0.05
_COMMAND_TIMEOUT = 5.0
_MAPPED = "::ffff:"
#: Why a proof fails while a worker is on its way.
_NOT_YET = ("port_silent", "port_other_certificate", "port_closed")


class _Session(t.NamedTuple):
    """A connection. C(source): the client's address and port; C(backend): empty before it has shown a certificate."""

    source: str
    backend: str


def stop_gateway(host: Host) -> None:
    """Close the port, and end HAProxy."""
    for unit in (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE):
        stop_unit(host, unit)


def start_gateway(host: Host) -> None:
    """Open the port; HAProxy is ready when this returns. Failure: C(gateway_start_failed)."""
    Systemd(host).forget_failures()
    try:
        for unit in (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE):
            start_unit(host, unit)
    except Failure as exc:
        raise Failure(
            "gateway_start_failed",
            thing=layout.GATEWAY_SERVICE,
            reason=f"it does not start: {exc.reason}{_last_words(host)}",
            cure="Look at the log",
        ) from exc


def restart_gateway(host: Host) -> None:
    """Have it read its files as they are again, whatever state it is in."""
    start_unit(host, layout.GANGWAY_SOCKET)
    host.systemctl("reload-or-restart", layout.GATEWAY_SERVICE)


def reload_gateway(host: Host, step: ReloadGateway) -> None:
    """See M(ReloadGateway). Failure: C(gateway_reload_failed)."""
    before = _workers(current=True)
    code, said = host.systemctl("restart" if step.restart or not before else "reload", layout.GATEWAY_SERVICE)
    if code != 0:
        raise _reload_failed(host, said.strip())
    # systemctl returns before the new worker is there; one that can't read its files never is.
    limit = time.monotonic() + _RELOAD_TIMEOUT
    while not set(_workers(current=True)) - set(before):
        if time.monotonic() > limit:
            raise _reload_failed(host, "no new process serves the port")
        time.sleep(_PAUSE)


def prove_gateway(host: Host, step: ProveGateway) -> None:
    """See M(ProveGateway)."""
    limit = time.monotonic() + _PROOF_TIMEOUT
    proof = Prove(step.listen, step.certificate, layout.GANGWAY_SOCKET, engine=step.engine)
    while True:
        try:
            prove(host, proof)
        except Failure as exc:
            # A worker that is on its way out may have taken the connection.
            if exc.key not in _NOT_YET or time.monotonic() > limit:
                raise
            time.sleep(_PAUSE)
        else:
            return


def end_sessions(host: Host, step: EndSessions) -> None:
    """See M(EndSessions). Failure: C(sessions_left).

    C(shutdown session) of HAProxy does nothing where the client has closed its half (C(docker logs -f)), so the
    kernel is asked to destroy the socket. HAProxy may count the session until the engine ends it.
    """
    limit = time.monotonic() + _SESSIONS_TIMEOUT
    looks = 0
    while looks < 2:
        peers = _peers(host)
        found = _unwanted(step.backends)
        if peers is not None:
            found = [session for session in found if session.source in peers]
        looks = 0 if found else looks + 1
        if found and (peers is None or time.monotonic() > limit):
            _end_all(host)
            return
        for session in found:
            _destroy(host, session)
        time.sleep(_PAUSE)


def _end_all(host: Host) -> None:
    """For a kernel without CONFIG_INET_DIAG_DESTROY, or a host without ss: rather all connections than one of these."""
    code, said = host.systemctl("restart", layout.GATEWAY_SERVICE)
    if code != 0:
        raise Failure(
            "sessions_left",
            thing=layout.GATEWAY_SERVICE,
            reason=f"connections of clients without access are open, and it can't be restarted ({said.strip()})",
            cure=f"Stop it: systemctl stop {layout.GANGWAY_SOCKET} {layout.GATEWAY_SERVICE}",
        )


def _peers(host: Host) -> set[str] | None:
    """Return the addresses and ports that this machine's TCP connections come from; None: ss can't tell."""
    try:
        code, stdout, _stderr = host.run(["ss", "--no-header", "--tcp", "--numeric", "state", "connected"])
    except OSError:
        return None
    lines = [line.split() for line in stdout.splitlines()]
    return {_unmapped(words[-1].replace("[", "").replace("]", "")) for words in lines if words} if code == 0 else None


def _unwanted(backends: t.Collection[str]) -> list[_Session]:
    found = [session for worker in _workers(current=True) for session in _sessions(worker) if session.backend]
    # With a worker before this one, a client in its handshake would be judged by what held before.
    found += [session for worker in _workers(current=False) for session in _sessions(worker)]
    return [session for session in found if session.backend not in backends]


def _destroy(host: Host, session: _Session) -> None:
    address, _colon, port = session.source.rpartition(":")
    # One that came to a socket of both families has a mapped address there.
    for form in [f"[{address}]"] if ":" in address else [address, f"[::ffff:{address}]"]:
        host.run(["ss", "--kill", "--tcp", "state", "connected", "dst", form, "dport", "=", f":{port}"])


def _unmapped(source: str) -> str:
    return source[len(_MAPPED) :] if source.startswith(_MAPPED) and "." in source else source


def _workers(*, current: bool) -> list[int]:
    """Return the process ids of the worker that takes connections, or of those before it."""
    part, found = "", []
    for line in _ask("show proc").splitlines():
        if line.startswith("#"):
            part = line.strip("# ")
        elif line.split()[1:2] == ["worker"] and part == ("workers" if current else "old workers"):
            found.append(int(line.split()[0]))
    return found


def _sessions(worker: int) -> list[_Session]:
    found = []
    for line in _ask(f"@!{worker} show sess").splitlines():
        words = dict(word.partition("=")[::2] for word in line.split())
        if words.get("fe") == "docker" and "src" in words:
            found.append(_Session(_unmapped(words["src"]), re.sub(r"^<.*>$", "", words.get("be", ""))))
    return found


def _ask(command: str) -> str:
    """Return what HAProxy's master process answers; nothing where it does not run."""
    try:
        with socket.socket(socket.AF_UNIX) as channel:
            channel.settimeout(_COMMAND_TIMEOUT)
            channel.connect(layout.GATEWAY_COMMANDS)
            channel.sendall(f"{command}\n".encode())
            channel.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: channel.recv(65536), b""))
    except OSError:
        return ""
    return answer.decode(errors="replace")


def _reload_failed(host: Host, reason: str) -> Failure:
    return Failure(
        "gateway_reload_failed",
        thing=layout.GATEWAY_SERVICE,
        reason=f"it does not take its new files ({reason}){_last_words(host)}",
        cure="Look at the log",
    )


def _last_words(host: Host) -> str:
    return f"; its log ends:\n{host.journal_tail(layout.GATEWAY_SERVICE)}\n"
