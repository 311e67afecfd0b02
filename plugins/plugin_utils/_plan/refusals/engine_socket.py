# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose unix socket a gateway is put in front of, and what is refused of it."""

from __future__ import annotations

__all__ = ("check_engine_answers", "check_engine_socket", "check_socket", "is_dockerds", "serves_other_engine")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..host.observation import Observation
from ..task import Task

if t.TYPE_CHECKING:
    from ..desired import Gateway


def is_dockerds(observation: Observation, path: str) -> bool:
    """Whether docker.service's dockerd has the socket; by its path, where there is none yet."""
    if observation.unit(layout.DOCKER_SERVICE).get("LoadState") != "loaded":
        return False
    target = path if observation.socket is None else observation.socket.target
    listen = observation.unit(layout.DOCKER_SOCKET).get("Listen", "")
    return target == layout.ENGINE or f"{target} (Stream)" in listen


def serves_other_engine(task: Task, observation: Observation) -> bool:
    """Whether HAProxy is to serve another engine than docker.service's.

    The snap's dockerd has the same path for its socket, and no docker.service.
    """
    if observation.init != "systemd" or not _takes_gateway(task, observation):
        return False
    if is_dockerds(observation, task.socket):
        return False
    return task.socket != layout.ENGINE or observation.socket is not None


def check_socket(task: Task, observation: Observation) -> None:
    """Refuse a socket with a method that does not use it. Failure: C(socket_unsupported)."""
    if task.socket != layout.ENGINE and not _takes_gateway(task, observation):
        raise Failure(
            "socket_unsupported",
            thing=f"socket {task.socket}",
            reason=f"method {task.method} makes docker.service's dockerd listen, and has no use for a socket",
            cure="Set method: gateway (expose_method in the role), or leave socket (expose_socket) out",
        )


def check_engine_socket(observation: Observation, path: str) -> None:
    """Refuse a socket that is not there, unless systemd makes it for dockerd. Failure: C(engine_socket_missing)."""
    if observation.socket is None and not is_dockerds(observation, path):
        raise Failure(
            "engine_socket_missing",
            thing=path,
            reason="this host has no such unix socket",
            cure="Have the engine listen there first, for Podman: systemctl enable --now podman.socket",
        )


def check_engine_answers(gateway: Gateway) -> None:
    """Refuse to put HAProxy in front of an engine that does not answer. Failure: C(engine_silent)."""
    if not gateway.is_dockerd and gateway.name is None:
        raise Failure(
            "engine_silent",
            thing=f"the engine behind {gateway.engine}",
            reason="it does not answer there",
            cure="Start it, or find out what its log says",
        )


def _takes_gateway(task: Task, observation: Observation) -> bool:
    # Its unit is gone where the port had to be closed.
    return task.method == "gateway" or (task.method == "auto" and layout.GATEWAY_CONFIGURATION in observation.files)
