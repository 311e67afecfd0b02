# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A port must not be open unless guard, access list and TLS are in force: what the observation says against that."""

from __future__ import annotations

__all__ = ("check_exec_start", "check_guard", "check_other_listeners", "check_strangers_refused")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..host.observed import Observed
from ..listener.addresses import Listen
from ..methods.guarding import GUARD_WORDS
from ..startup.findings import find
from ..startup.startup import exec_start_line


def check_exec_start(observed: Observed) -> None:
    """Refuse if a drop-in that is read after ours sets ExecStart. Failure: C(exec_start_overridden)."""
    ours = exec_start_line((observed.content(layout.EXEC_DROP_IN) or b"").decode(errors="replace"))
    if ours and observed.exec_start_in_force != ours:
        place = next((f.place for f in reversed(find(observed.sources)) if f.kind == "exec_start"), "")
        raise Failure(
            "exec_start_overridden",
            thing=f"ExecStart of {layout.DOCKER_SERVICE}{f' ({place})' if place else ''}",
            reason=f"it is read after {layout.EXEC_DROP_IN}, so what that file sets is not in force",
            cure="Give that drop-in a name that sorts before zz-gangway.conf",
        )


def check_guard(observed: Observed) -> None:
    """Refuse if a drop-in that is read after ours removes the guard. Failure: C(guard_overridden)."""
    ours = (observed.content(layout.DROP_IN) or b"") + (observed.content(layout.EXEC_DROP_IN) or b"")
    if GUARD_WORDS.encode() in ours and GUARD_WORDS not in observed.exec_start_pre:
        raise Failure(
            "guard_overridden",
            thing=f"ExecStartPre of {layout.DOCKER_SERVICE}",
            reason="it lacks the guard, which closes the port unless mutual TLS is in force: a drop-in that is read "
            "after ours clears it",
            cure=f"Remove the empty ExecStartPre= from that drop-in ('systemctl cat {layout.DOCKER_SERVICE}' shows it)",
        )


def check_strangers_refused(observed: Observed, listen: t.Sequence[Listen]) -> None:
    """Refuse if the API answers a client without a certificate. Failure: C(port_open)."""
    ports = {entry.port for entry in listen}
    for answer in observed.observation.answers:
        if answer.port in ports and answer.is_open:
            raise Failure(
                "port_open",
                thing=f"listener {Listen(answer.address, answer.port)}",
                reason="dockerd answers there without a client certificate, so anyone who reaches it has root on this "
                "host",
                cure="The port was closed. Find out what changed dockerd's TLS settings, then run again",
            )


def check_other_listeners(observed: Observed) -> None:
    """Refuse to take TLS away from a dockerd that listens on TCP by other means. Failure: C(other_listener)."""
    found = [f for f in find(observed.sources) if f.kind in ("tcp_host", "tcp_stream")]
    hosts = dict.fromkeys([*observed.flags.hosts, *observed.running_hosts])
    others = [f"{f.what} ({f.place})" for f in found] or [
        *(host for host in hosts if not host.startswith(("fd://", "unix://"))),
        *observed.foreign_streams,
    ]
    if others:
        raise Failure(
            "other_listener",
            thing=f"dockerd's other listener {', '.join(others)}",
            reason="without ours, it would be open without TLS",
            cure=f"Remove it first ('systemctl cat {layout.DOCKER_SERVICE} {layout.DOCKER_SOCKET}' shows where it "
            "comes from)",
        )
