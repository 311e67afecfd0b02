# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon.json under a dockerd whose containers must live on: a start without live-restore stops them."""

from __future__ import annotations

__all__ = ("keep_containers", "prepare_start", "settle", "switch_live_restore")

import contextlib
import os
import time

from .._host.engine import read_engine
from .._host.init import init_of
from .._host.runner import Attributes, Host
from .._shared import layout
from .._shared.failure import Failure
from .daemon_json_edits import with_live_restore

_RELOAD_TIMEOUT = 10.0


def switch_live_restore(host: Host, *, on: bool) -> None:
    """Switch live-restore in the running dockerd, by daemon.json and SIGHUP. The caller keeps the file's before-image.

    Failure: C(live_restore_failed).
    """
    attributes = host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
    host.write(layout.DAEMON_JSON, with_live_restore(host.read(layout.DAEMON_JSON), on=on), attributes)
    init = init_of(host)
    pid = init.main_pid()
    if pid == 0:
        return
    host.hang_up(pid)
    deadline = time.monotonic() + _RELOAD_TIMEOUT
    while time.monotonic() < deadline:
        engine = read_engine()
        if engine is not None and engine.live_restore is on:
            return
        time.sleep(0.05)
    raise Failure(
        "live_restore_failed",
        thing="live-restore",
        reason=f"dockerd did not take it from {layout.DAEMON_JSON} within {_RELOAD_TIMEOUT:.0f} s; its log ends:\n"
        f"{init.last_words()}\n",
        cure="Without it, the restart would stop every container. Look at the log",
    )


def keep_containers(host: Host) -> None:
    """Switch live-restore on again if it was switched off already: stopping dockerd would stop the containers."""
    if init_of(host).main_pid():
        engine = read_engine()
        if engine is not None and not engine.live_restore:
            switch_live_restore(host, on=True)


def prepare_start(host: Host, content: bytes | None, attributes: Attributes | None, *, live_restore: bool) -> None:
    """Write daemon.json for a start: as given, but with live-restore if dockerd can start with it."""
    if live_restore:
        content = with_live_restore(content)
        attributes = attributes or host.attributes(layout.DAEMON_JSON) or Attributes(0o644)
        os.makedirs(os.path.dirname(layout.DAEMON_JSON), exist_ok=True)
    host.put(layout.DAEMON_JSON, content, attributes)


def settle(host: Host, path: str, content: bytes | None, attributes: Attributes | None) -> None:
    """Leave daemon.json as given, under a dockerd that was started with live-restore in it.

    A start without it stops the containers; so it is taken out only now, by a reload, which stops none.
    """
    pid = init_of(host).main_pid()
    # A dockerd that is down would be started by the question.
    engine = read_engine() if pid else None
    if engine is not None and engine.live_restore and not _is_wanted(content) and not _is_by_flag(host, pid):
        # If dockerd does not take it, it stays on until its next start, which harms nobody.
        with contextlib.suppress(Failure):
            switch_live_restore(host, on=False)
    host.put(path, content, attributes)


def _is_wanted(content: bytes | None) -> bool:
    return content is not None and with_live_restore(content) == content


def _is_by_flag(host: Host, pid: int) -> bool:
    """Whether live-restore is on dockerd's command line: dockerd does not take it from daemon.json as well."""
    words = (host.read(f"/proc/{pid}/cmdline") or b"").split(b"\0")
    return any(word.partition(b"=")[0] == b"--live-restore" for word in words)
