# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What method C(gateway) needs, and what the others can't do."""

from __future__ import annotations

__all__ = ("check_gateway", "check_rights")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..._options.clients import Client
from ..desired import Gateway
from ..files.originals import Originals
from ..gateway.worker import worker_of
from ..host.observation import Observation
from ..task import Task
from .engine_socket import check_engine_socket, is_dockerds
from .existing_listener import Adoption

_HOMES = ("/home/", "/root/", "/run/user/")
#: Where packages have it.
_INSTALLED = "/usr/sbin/haproxy"


def check_gateway(observation: Observation, task: Task, originals: Originals, adoption: Adoption) -> Gateway:
    """Return what goes in front of the engine. C(adoption): a listener of dockerd's own beside us.

    Failures: C(haproxy_missing), C(gateway_without_tls), C(adopted_listener), C(engine_socket_missing).
    """
    if not task.tls:
        raise Failure(
            "gateway_without_tls",
            thing="method gateway",
            reason="HAProxy is there to demand certificates; without TLS, dockerd listens by itself",
            cure="Leave TLS on, or choose another method (expose_method in the role)",
        )
    if originals.adopted:
        raise Failure(
            "adopted_listener",
            thing=", ".join(originals.adopted),
            reason="these files had a listener of their own, which was adopted, and with method gateway dockerd is to "
            "have none; it would come back",
            cure="Withdraw first (expose_state: absent), and remove that listener",
        )
    if adoption.texts or adoption.ports:
        raise Failure(
            "adopted_listener",
            thing=", ".join(adoption.texts) or layout.DOCKER_SERVICE,
            reason="dockerd has a listener of its own there, and with method gateway its files are left as they are; "
            "the listener would bypass HAProxy",
            cure="Remove that listener first, or choose another method (expose_method in the role)",
        )
    program = observation.tools.get("haproxy") or (_INSTALLED if task.installs else None)
    if program is None:
        raise Failure(
            "haproxy_missing",
            thing="haproxy",
            reason="method gateway needs it, and this host has no such program",
            cure="Set expose_install: true, which installs the distribution's package, or install it by yourself",
        )
    check_engine_socket(observation, task.socket)
    socket = observation.socket
    paths = [task.socket, *([] if socket is None else [socket.target])]
    return Gateway(
        program=program,
        clients=task.clients,
        engine=task.socket,
        worker=worker_of(socket),
        is_dockerd=is_dockerds(observation, task.socket),
        name=None if socket is None else socket.name,
        version=None if socket is None else socket.version,
        log=task.log,
        in_home=any(path.startswith(_HOMES) for path in paths),
    )


def check_rights(clients: t.Iterable[Client], method: str) -> None:
    """Refuse rights that dockerd can't enforce. Failure: C(rights_unsupported)."""
    limited = [client.name for client in clients if client.rights != "full"]
    if limited:
        raise Failure(
            "rights_unsupported",
            thing=f"client {', '.join(limited)} with the right to read",
            reason=f"with method {method}, dockerd checks certificates by itself, and whoever gets in may do "
            "everything",
            cure="Choose method gateway (expose_method in the role), or give the client no certificate",
        )
