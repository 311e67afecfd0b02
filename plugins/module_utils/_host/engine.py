# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking dockerd itself, or another engine, through its unix socket on the host; no docker CLI is needed there."""

from __future__ import annotations

__all__ = ("EngineState", "listening_pid", "read_engine", "read_version", "running_containers")

import http.client
import json
import os
import socket
import struct
import typing as t
from dataclasses import dataclass

_SOCKETS = ("/run/docker.sock", "/var/run/docker.sock")
_TIMEOUT = 10.0


@dataclass(frozen=True)
class EngineState:
    """What dockerd reports about itself."""

    version: str
    live_restore: bool
    swarm: bool


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)


def read_engine() -> EngineState | None:
    """Return the engine's state, or None if nothing answers on its unix socket."""
    info = _get("/info")
    if info is None:
        return None
    swarm = (info.get("Swarm") or {}).get("LocalNodeState", "inactive")
    return EngineState(
        version=str(info.get("ServerVersion", "")),
        live_restore=bool(info.get("LiveRestoreEnabled")),
        swarm=swarm not in ("", "inactive"),
    )


def read_version(path: str) -> tuple[str, str] | None:
    """Return name and version of the engine behind a unix socket, or None if none answers.

    dockerd calls itself "Engine", Podman "Podman Engine". A socket that systemd holds starts its service.
    """
    answer = _ask(path, "/version")
    if not isinstance(answer, dict):
        return None
    components = answer.get("Components")
    first = components[0] if isinstance(components, list) and components else {}
    if not isinstance(first, dict):
        return None
    return str(first.get("Name", "Engine")), str(first.get("Version", answer.get("Version", "")))


def running_containers() -> dict[str, tuple[str, str]]:
    """Return (name, StartedAt) of each running container by its id."""
    running = {}
    for summary in _get("/containers/json") or []:
        details = _get(f"/containers/{summary['Id']}/json")
        if details is not None:
            running[summary["Id"]] = (details["Name"].lstrip("/"), details["State"]["StartedAt"])
    return running


def listening_pid() -> int:
    """Return the process that has bound the unix socket (SO_PEERCRED, unix(7)); 0: none has. By activation, systemd."""
    for path in _SOCKETS:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(path)
                size = struct.calcsize("3i")
                pid, _uid, _gid = struct.unpack(
                    "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
                )
        except OSError:
            continue
        return int(pid)
    return 0


def _get(path: str) -> t.Any:
    existing = next((s for s in _SOCKETS if os.path.exists(s)), None)
    return None if existing is None else _ask(existing, path)


def _ask(unix_socket: str, path: str) -> t.Any:
    connection = _UnixConnection(unix_socket)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        return json.loads(body) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
