# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing dockerd down and up again so that its containers live on."""

from __future__ import annotations

__all__ = (
    "close_port",
    "ensure_running",
    "read_units",
    "restart",
    "set_live_restore",
    "settle",
    "stop_listening",
)

import contextlib
import os
import time
import typing as t

from .._shared.failure import Failure
from . import layout
from .change import FileChange
from .daemon_json import merge
from .engine import read_engine
from .guard import without_tcp_hosts
from .host import Attributes, Host
from .init import Init, init_of
from .options_block import block_of, without_block
from .unit import daemon_flags

_RELOAD_TIMEOUT = 10.0


def set_live_restore(host: Host, *, on: bool) -> None:
    """Switch live-restore in the running daemon, by daemon.json and SIGHUP. The caller minds the file.

    Failure: C(live_restore_failed).
    """
    attributes = host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
    text = (host.read(layout.DAEMON_JSON) or b"").decode()
    host.write(layout.DAEMON_JSON, merge(text, {"live-restore": on}).encode(), attributes)
    init = init_of(host)
    host.hang_up(init.main_pid())
    deadline = time.monotonic() + _RELOAD_TIMEOUT
    while time.monotonic() < deadline:
        engine = read_engine()
        if engine is not None and engine.live_restore is on:
            return
        time.sleep(0.05)
    raise Failure(
        "live_restore_failed",
        thing="live-restore",
        reason=f"dockerd did not take it over from {layout.DAEMON_JSON} within {_RELOAD_TIMEOUT:.0f} s; its log "
        f"ends:\n{host.journal_tail(layout.DOCKER_SERVICE)}\n",
        cure="Without it the restart would stop every container. Look at the journal",
    )


def restart(
    host: Host,
    *,
    with_socket: bool,
    listening: bool = True,
    others: t.Sequence[str] = (),
    units_are_read: bool = False,
) -> None:
    """Restart dockerd once, with the units read again unless they are.

    With C(with_socket), our socket unit is started anew, or (not C(listening)) stays down. A socket unit can't start
    while its service runs, so the service goes down first; docker.socket stays up, unless it is among C(others), socket
    units that are stopped and, where systemd still wants them, started anew.
    Failures: C(reload_failed), C(dockerd_stop_failed), C(socket_start_failed), C(dockerd_start_failed).
    """
    init = init_of(host)
    if not units_are_read:
        read_units(host)
    init.forget_failures()
    if not with_socket and not others:
        _check(init.restart(), init, "dockerd_start_failed")
        return
    # One that runs on would keep the port.
    _check(init.stop(), init, "dockerd_stop_failed")
    stop_listening(host)
    for unit in others:
        host.systemctl("stop", unit)
        # One that was put aside, or whose condition does not hold any more, does not come back.
        host.systemctl("start", unit)
    if listening:
        code, said = host.systemctl("start", layout.GANGWAY_SOCKET)
        if code != 0:
            raise _failed("socket_start_failed", layout.GANGWAY_SOCKET, said, host.journal_tail(layout.GANGWAY_SOCKET))
    _check(init.start(), init, "dockerd_start_failed")


def read_units(host: Host) -> None:
    """Have the units read again. Failure: C(reload_failed)."""
    init = init_of(host)
    _check(init.reload(), init, "reload_failed")


def ensure_running(host: Host) -> None:
    """Start dockerd where it is down though it should run. Failure: C(dockerd_start_failed)."""
    init = init_of(host)
    if init.has_failed():
        init.forget_failures()
        if init.name == "systemd":
            host.systemctl("start", layout.DOCKER_SOCKET)
        _check(init.start(), init, "dockerd_start_failed")


def stop_listening(host: Host) -> None:
    """Take the port from systemd; a dockerd that runs has it still, see M(close_port)."""
    if init_of(host).name != "systemd":
        return
    # One by one: systemctl stops at the first unit that it does not know (any more).
    for unit in (layout.GANGWAY_SOCKET, layout.GANGWAY_SERVICE):
        host.systemctl("stop", unit)


def close_port(host: Host, options_files: t.Iterable[str] = ()) -> None:
    """Close the port for good, until a run opens it again: what opens it goes, and dockerd starts anew without it."""
    stop_listening(host)
    units = [layout.DROP_IN, layout.SOCKET_UNIT, layout.ACTIVATION_UNIT]
    blocks = [path for path in options_files if block_of(host.read(path) or b"")]
    if os.path.exists(layout.LISTENER) or blocks:
        # Without these, the drop-in only takes -H off ExecStart, for hosts in daemon.json.
        units.append(layout.EXEC_DROP_IN)
    for path in (*units, layout.LISTENER, layout.LISTENER_IN_FORCE):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    for path in blocks:
        host.write(path, without_block(host.read(path) or b""), host.attributes(path) or Attributes(0o644))
    with contextlib.suppress(ValueError):
        text = without_tcp_hosts((host.read(layout.DAEMON_JSON) or b"").decode())
        attributes = host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
        engine = read_engine()
        if not _is_by_flag(host) and (engine is None or not engine.swarm):
            text = merge(text, {"live-restore": True})
        host.write(layout.DAEMON_JSON, text.encode(), attributes)
    restart(host, with_socket=True, listening=False)


def settle(host: Host, final: FileChange) -> None:
    """Leave daemon.json as C(final) has it, under a dockerd that was started with live-restore in it.

    A start without live-restore stops the containers; so it is taken out only now, by a reload, which stops none.
    """
    engine = read_engine()
    wants_it = final.content is not None and merge(final.content.decode(), {"live-restore": True}) == (
        final.content.decode()
    )
    if engine is not None and engine.live_restore and not wants_it and not _is_by_flag(host):
        # Where dockerd does not take it over, it stays on until its next start, which harms nobody.
        with contextlib.suppress(Failure):
            set_live_restore(host, on=False)
    host.put(layout.DAEMON_JSON, final.content, final.attributes)


def _is_by_flag(host: Host) -> bool:
    """Whether live-restore is on dockerd's command line: dockerd does not take it from daemon.json as well."""
    words = (host.read(f"/proc/{init_of(host).main_pid()}/cmdline") or b"").decode(errors="replace").split("\0")
    return daemon_flags(words, {}).live_restore


def _check(outcome: tuple[int, str], init: Init, failure: str) -> None:
    code, said = outcome
    if code != 0:
        starter = layout.DOCKER_SERVICE if init.name == "systemd" else "/etc/init.d/docker"
        raise _failed(failure, starter, said, init.last_words())


_WHAT = {"reload_failed": "systemd does not read it again", "dockerd_stop_failed": "it does not stop"}


def _failed(failure: str, unit: str, said: str, logged: str) -> Failure:
    return Failure(
        failure,
        thing=unit,
        reason=f"{_WHAT.get(failure, 'it does not start')} ({said.strip()}); its log ends:\n{logged}\n",
        cure="Look at what the log says",
    )
