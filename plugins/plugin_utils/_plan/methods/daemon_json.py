# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(daemon_json): C(hosts) in daemon.json, beside the TLS keys.

dockerd refuses to start with hosts in both places, so where the unit's ExecStart has C(-H), a drop-in takes it off
there. Under systemd the drop-in also runs the guard, which takes TCP out of C(hosts) where mutual TLS is not in force;
elsewhere the options file does, which a shell reads before dockerd starts. A supervisor does not read it again when it
brings back a dockerd that has crashed, so there the guard stands in dockerd's own place.
"""

from __future__ import annotations

__all__ = ("DaemonJson",)

import os
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.listener import HEADER, TLS_SETTINGS, Listener, tcp_url
from ..startup.startup import split_hosts
from .flags import DEFAULT_HOST
from .gating import guarded
from .guarding import GUARD_WORDS, guard_of_daemon_json, unit_section
from .method import Rendered
from .shell_block import render_wrapper, shell_check, supervision_problem, wrapper_block


class DaemonJson:
    """See the module's docstring, and M(Method)."""

    name = "daemon_json"
    sets_flags = False

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if os.path.basename(observed.flags.program) != "dockerd":
            return "what starts on this host is not dockerd itself"
        taken = split_hosts(observed.exec_start)[1]
        if observed.has_systemd and tuple(taken) != observed.flags.hosts:
            return (
                f"of -H {' -H '.join(observed.flags.hosts)}, not all can be taken off ExecStart for certain (one comes "
                "from a variable, stands in quotes, or in one word with other flags), and dockerd refuses hosts in two "
                "places"
            )
        if not observed.has_systemd and observed.flags.hosts:
            return (
                f"-H {' -H '.join(observed.flags.hosts)} comes from a variable, and dockerd refuses hosts in two places"
            )
        options = observed.options
        if not observed.has_systemd and options is None:
            return "there is no options file that could run the guard before dockerd starts"
        return supervision_problem(options)

    @staticmethod
    def render(observed: Observed, listener: Listener) -> Rendered:
        line, hosts = split_hosts(observed.exec_start)
        settings: dict[str, t.Any] = {
            "hosts": [*(hosts or [DEFAULT_HOST]), *(tcp_url(entry) for entry in listener.listen)],
            **(TLS_SETTINGS if listener.tls else {"tls": False}),
        }
        if observed.options is not None and observed.options.is_supervised:
            starter = {layout.DOCKERD_WRAPPER: render_wrapper(listener)}
            return Rendered(
                files=starter, settings=settings, block=wrapper_block(observed.options, observed.flags.program)
            )
        if not observed.has_systemd:
            return Rendered(settings=settings, block=shell_check(observed, listener))
        exec_start = (
            f"# hosts is in {layout.DAEMON_JSON}.\nExecStart=\nExecStart={line}\n"
            if hosts or observed.replaces_exec_start
            else ""
        )
        guard = _guard(listener)
        # Also where there is nothing in it: it tells how the host is exposed.
        drop_in = f"{HEADER}{unit_section(listener)}\n[Service]\n{guard}{exec_start}"
        return Rendered(files={layout.EXEC_DROP_IN: drop_in}, settings=settings)


def _guard(listener: Listener) -> str:
    """Where it can't tell, dockerd does not start: the port is in the same file as what is to be checked."""
    commands = guarded(listener, guard_of_daemon_json(listener.python, "hosts"))
    if not listener.tls:
        # With TLS, the guard takes the port away by itself.
        commands = f"{{ {commands}; }} || {listener.python} -B {GUARD_WORDS} closed {layout.DAEMON_JSON}"
    return f"ExecStartPre=/bin/sh -c '{commands}'\n"
