# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing dockerd down and up again so that its containers live on."""

from __future__ import annotations

__all__ = ("close_port", "ensure_running", "restart", "set_live_restore", "settle", "stop_listening")

import contextlib
import os
import time

from .._failure import Failure
from . import layout
from .daemon_json import merge
from .engine import read_engine
from .host import Attributes, Host
from .plan import FileChange

_RELOAD_TIMEOUT = 10.0


def set_live_restore(host: Host, *, on: bool) -> None:
    """Switch live-restore in the running daemon, by daemon.json and SIGHUP. The caller minds the file.

    Failure: C(live_restore_failed).
    """
    attributes = host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
    text = (host.read(layout.DAEMON_JSON) or b"").decode()
    host.write(layout.DAEMON_JSON, merge(text, {"live-restore": on}).encode(), attributes)
    host.hang_up(int(host.show(layout.DOCKER_SERVICE, "MainPID")["MainPID"]))
    deadline = time.monotonic() + _RELOAD_TIMEOUT
    while time.monotonic() < deadline:
        engine = read_engine()
        if engine is not None and engine.live_restore is on:
            return
        time.sleep(0.05)
    raise Failure(
        "live_restore_failed",
        thing="live-restore",
        reason=f"dockerd did not take it over from {layout.DAEMON_JSON} within {_RELOAD_TIMEOUT:.0f} s; its journal "
        f"ends:\n{host.journal_tail(layout.DOCKER_SERVICE)}\n",
        cure="Without it the restart would stop every container. Look at the journal",
    )


def restart(host: Host, *, with_socket: bool, listening: bool = True) -> None:
    """Restart dockerd once. With C(with_socket), our socket unit is started anew, or (not C(listening)) stays down.

    A socket unit can't start while its service runs, so the service goes down first; docker.socket stays up.
    Failures: C(socket_start_failed), C(dockerd_start_failed).
    """
    host.systemctl("daemon-reload")
    # Three starts in 60 s, and systemd gives up: earlier ones are none of our doing.
    _forget_failures(host)
    if with_socket:
        host.systemctl("stop", layout.DOCKER_SERVICE)
        stop_listening(host)
        if listening:
            _start(host, "start", layout.GANGWAY_SOCKET, "socket_start_failed")
        _start(host, "start", layout.DOCKER_SERVICE, "dockerd_start_failed")
    else:
        _start(host, "restart", layout.DOCKER_SERVICE, "dockerd_start_failed")


def ensure_running(host: Host) -> None:
    """Start dockerd where systemd has given up on it. Failure: C(dockerd_start_failed)."""
    if host.show(layout.DOCKER_SERVICE, "ActiveState").get("ActiveState") == "failed":
        _forget_failures(host)
        host.systemctl("start", layout.DOCKER_SOCKET)
        _start(host, "start", layout.DOCKER_SERVICE, "dockerd_start_failed")


def stop_listening(host: Host) -> None:
    """Take the port from systemd; a dockerd that runs has it still, see M(close_port)."""
    # One by one: systemctl stops at the first unit that it does not know (any more).
    for unit in (layout.GANGWAY_SOCKET, layout.GANGWAY_SERVICE):
        host.systemctl("stop", unit)


def close_port(host: Host) -> None:
    """Close the port for good, until a run opens it again: our units go, and dockerd starts anew without them."""
    stop_listening(host)
    for path in (layout.DROP_IN, layout.SOCKET_UNIT, layout.ACTIVATION_UNIT):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    with contextlib.suppress(ValueError):
        text = (host.read(layout.DAEMON_JSON) or b"").decode()
        attributes = host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
        host.write(layout.DAEMON_JSON, merge(text, {"live-restore": True}).encode(), attributes)
    restart(host, with_socket=True, listening=False)


def settle(host: Host, final: FileChange) -> None:
    """Leave daemon.json as C(final) has it, under a dockerd that was started with live-restore in it.

    A start without live-restore stops the containers; so it is taken out only now, by a reload, which stops none.
    """
    engine = read_engine()
    wants_it = final.content is not None and merge(final.content.decode(), {"live-restore": True}) == (
        final.content.decode()
    )
    if engine is not None and engine.live_restore and not wants_it:
        # Where dockerd does not take it over, it stays on until its next start, which harms nobody.
        with contextlib.suppress(Failure):
            set_live_restore(host, on=False)
    host.put(layout.DAEMON_JSON, final.content, final.attributes)


def _forget_failures(host: Host) -> None:
    # A pattern, since units that systemd does not know (yet) would be an error.
    host.systemctl("reset-failed", layout.DOCKER_SERVICE, layout.DOCKER_SOCKET, "docker-gangway.*")


def _start(host: Host, verb: str, unit: str, failure: str) -> None:
    code, output = host.systemctl(verb, unit)
    if code != 0:
        raise Failure(
            failure,
            thing=unit,
            reason=f"it does not start ({output.strip()}); the journal ends:\n{host.journal_tail(unit)}\n",
            cure="Look at what the journal says",
        )
