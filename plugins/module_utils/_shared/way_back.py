# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a host goes back to how it was if a run fails: part of a plan, as data."""

from __future__ import annotations

__all__ = ("WayBack",)

import typing as t
from dataclasses import dataclass

from .steps import Command


@dataclass(frozen=True)
class WayBack:
    """How the host goes back to how it was, beside its files; known before the first step."""

    #: dockerd ran before.
    was_running: bool = True
    #: dockerd may start with live-restore in daemon.json: not in swarm mode, nor beside the flag.
    live_restore: bool = True
    #: Our units that may hold the port: stopped before any file goes back.
    close_units: t.Tuple[str, ...] = ()
    #: Those of them that listened before: started again before dockerd.
    open_units: t.Tuple[str, ...] = ()
    #: False: the engine stays out of it, whatever happens. It may be restarted by others meanwhile.
    touches_dockerd: bool = True
    #: HAProxy serves the port throughout, and reads its files again.
    reload_gateway: bool = False
    #: Socket units of others: stopped, and started again if systemd still wants them.
    other_sockets: t.Tuple[str, ...] = ()
    #: Commands that bring back the firewall's rules as they were, before dockerd starts.
    load_rules: t.Tuple[Command, ...] = ()
    #: Commands that take away rules that were not there, once the port is closed.
    unload_rules: t.Tuple[Command, ...] = ()
    #: A file below /run that goes when the other file is not there after going back: pairs of (file, other).
    remove_without: t.Tuple[t.Tuple[str, str], ...] = ()
    #: If even going back fails, these files are removed and dockerd is restarted without the port.
    last_resort: t.Tuple[str, ...] = ()
    #: Options files that may hold our marked block; it goes with them.
    options_files: t.Tuple[str, ...] = ()
