# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task: the options of dockerd_listener that a plan depends on, parsed once."""

from __future__ import annotations

__all__ = ("Task",)

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .._options.clients import Client, parse_clients
from .gateway.socket_path import parse_socket
from .listener.addresses import DEFAULT_PORT, PLAIN_PORT, Listen, check_plain_tcp, parse_allow, parse_listen


@dataclass(frozen=True)
class Task:
    """See the module's options."""

    listen: tuple[Listen, ...] = ()
    #: Networks in CIDR form; none: the machine that Ansible connects from.
    allow: tuple[str, ...] = ()
    method: str = "auto"
    firewall: str = "auto"
    adopt: bool = False
    tls: bool = True
    insecure: bool = False
    live_restore: bool = True
    allow_downtime: bool = False
    clients: tuple[Client, ...] = ()
    #: The engine's, for method C(gateway).
    socket: str = layout.ENGINE
    #: HAProxy counts as installed.
    installs: bool = False
    #: What HAProxy logs.
    log: str = "connections"

    @classmethod
    def of(cls, args: t.Mapping[str, t.Any]) -> Task:
        """Parse a task's options: bad input shows before any host is asked.

        Failures: C(invalid_listen), C(invalid_allow), C(invalid_client), C(insecure_not_confirmed),
        C(insecure_everyone), C(invalid_socket).
        """
        port = _port(tls=args["tls"])
        task = cls(
            listen=tuple(parse_listen(text, port) for text in args["listen"]),
            allow=parse_allow(args["allow"]),
            method=args["method"],
            firewall=args["firewall"],
            adopt=args["adopt"],
            tls=args["tls"],
            insecure=args["insecure"],
            live_restore=args["live_restore"],
            allow_downtime=args["allow_downtime"],
            clients=tuple(c for c in parse_clients(args["clients"] or [args["client"]]) if not c.is_revoked),
            log=args["log"],
            socket=parse_socket(args["socket"]),
        )
        if not task.tls:
            check_plain_tcp(task.insecure, task.allow)
        return task

    @property
    def port(self) -> int:
        """The port where the options name none."""
        return _port(tls=self.tls)

    @property
    def may_need_filtering(self) -> bool:
        """Whether the host should see if systemd can filter packets."""
        return self.method in ("auto", "socket", "gateway") and self.firewall != "nftables"


def _port(*, tls: bool) -> int:
    return DEFAULT_PORT if tls else PLAIN_PORT
