# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(daemon_json): C(hosts) in daemon.json, beside the TLS keys.

dockerd refuses to start with hosts in both places, so where the unit's ExecStart has C(-H), a drop-in takes it off
there. Under systemd the drop-in also runs the guard, which takes TCP out of C(hosts) where mutual TLS is not in force;
elsewhere the options file does, which a shell reads before dockerd starts.
"""

from __future__ import annotations

__all__ = ("DaemonJson",)

import os
import typing as t

from .. import layout
from ..observe import Observed
from ..unit import daemon_flags, split_hosts, words_of
from .flags import DEFAULT_HOST
from .guarding import guard_of_daemon_json, unit_section
from .method import HEADER, TLS_SETTINGS, Exposure, Rendered, tcp_url
from .shell_block import shell_check


class DaemonJson:
    """See the module's docstring, and M(Method)."""

    name = "daemon_json"
    sets_flags = False

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if os.path.basename(observed.flags.program) != "dockerd":
            return "what starts on this host is not dockerd itself"
        elsewhere = _hosts_in_variables(observed)
        if elsewhere:
            return f"-H {' -H '.join(elsewhere)} comes from a variable, and dockerd refuses hosts in two places"
        if observed.init != "systemd" and observed.options is None:
            return "there is no options file that could run the guard before dockerd starts"
        return None

    @staticmethod
    def render(observed: Observed, exposure: Exposure) -> Rendered:
        line, hosts = split_hosts(observed.exec_start)
        settings: dict[str, t.Any] = {
            "hosts": [*(hosts or [DEFAULT_HOST]), *(tcp_url(entry) for entry in exposure.listen)],
            **(TLS_SETTINGS if exposure.tls else {"tls": False}),
        }
        if observed.init != "systemd":
            return Rendered(settings=settings, block=shell_check(observed, exposure))
        exec_start = f"# hosts is in {layout.DAEMON_JSON}.\nExecStart=\nExecStart={line}\n" if hosts else ""
        # Where it can't tell, dockerd does not start: the port is in the same file as what is to be checked.
        guard = f"ExecStartPre=/bin/sh -c '{guard_of_daemon_json(exposure.python, 'hosts')}'\n" if exposure.tls else ""
        files = {}
        if exec_start or guard or exposure.firewall == "nftables":
            files[layout.EXEC_DROP_IN] = f"{HEADER}{unit_section(exposure)}\n[Service]\n{guard}{exec_start}"
        return Rendered(files=files, settings=settings)


def _hosts_in_variables(observed: Observed) -> list[str]:
    """Return the hosts that dockerd's command line takes from a variable."""
    in_line = daemon_flags(words_of(observed.exec_start), {}).hosts
    return [host for host in observed.flags.hosts if host not in in_line]
