# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our block where a shell reads the options file (sysvinit, OpenRC): what systemd does with units is done here."""

from __future__ import annotations

__all__ = ("shell_block", "shell_check")

from .. import layout
from ..observe import Observed
from .guarding import check_of_flags, guard_of_daemon_json
from .method import Exposure


def shell_block(exposure: Exposure, variable: str, flags: str) -> str:
    """Return the lines that add the flags for the port, only while mutual TLS and the access list can be had."""
    conditions = [f"cd {layout.STATE}"]
    if exposure.tls:
        conditions.append(check_of_flags(exposure))
    if exposure.firewall == "nftables":
        conditions.append(f"nft -f {layout.FIREWALL_RULES}")
    return f'if ({" && ".join(conditions)}); then\n    {variable}="${variable} {flags}"\nfi\n'


def shell_check(observed: Observed, exposure: Exposure) -> str:
    """Return the lines that have the guard look at daemon.json; where it can't, the service does not start."""
    conditions = [f"cd {layout.STATE}"]
    if exposure.firewall == "nftables":
        conditions.append(f"nft -f {layout.FIREWALL_RULES}")
    if exposure.tls:
        variable = "" if observed.options is None else f" ${observed.options.variable}"
        show = f'echo "argv[]={observed.flags.program}{variable} ; ignore_errors="'
        conditions.append(guard_of_daemon_json(exposure.python, "hosts", show))
    return f"({' && '.join(conditions)}) || exit 1\n"
