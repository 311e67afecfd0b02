# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module dockerd_info shows of an observation: chosen by name, so that no secret is in it. Pure."""

from __future__ import annotations

__all__ = ("report",)

import ipaddress
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .._plan.host.observation import Observation, PortAnswer
from .._plan.methods.choice import METHODS
from .places import DEFAULT_SOCKET, Place, Places, find_places

_SCRIPT = "/etc/init.d/docker"
_OUR_BLOCK = "# BEGIN gangway.docker"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class _Listener:
    address: str
    kind: str
    place: t.Optional[str]
    written: t.Optional[str]
    tls: t.Optional[str] = None
    is_open: t.Optional[bool] = None

    def as_data(self) -> dict[str, t.Any]:
        return {
            "address": self.address,
            "kind": self.kind,
            "place": self.place,
            "written": self.written,
            "tls": self.tls,
            "open_without_certificate": self.is_open,
        }


def report(observation: Observation) -> dict[str, t.Any]:
    """Return the module's result."""
    places = find_places(observation)
    listeners = _listeners(observation, places)
    engine = observation.engine
    connection = observation.connection
    return {
        "engine_version": engine.version if engine else None,
        "init": observation.init,
        "dockerd": {
            "running": observation.pid != 0,
            "pid": observation.pid or None,
            "started_by": _started_by(observation),
        },
        "listeners": [listener.as_data() for listener in listeners],
        "daemon_json": [
            {"key": setting.name, "place": setting.place, "written": setting.written}
            for setting in places.settings
            if setting.is_key
        ],
        "live_restore": engine.live_restore if engine else None,
        "swarm": engine.swarm if engine else None,
        "exposed": _exposed(observation, places),
        "interfaces": _interfaces(observation),
        "connection": {"client": connection.client, "server": connection.server} if connection else None,
        "interrupted": observation.interrupted,
        "warnings": _warnings(observation, places, listeners),
    }


def _started_by(observation: Observation) -> str | None:
    if observation.init != "systemd":
        return _SCRIPT if _SCRIPT in observation.files else None
    is_loaded = observation.unit(layout.DOCKER_SERVICE).get("LoadState") == "loaded"
    return layout.DOCKER_SERVICE if is_loaded else None


def _listeners(observation: Observation, places: Places) -> list[_Listener]:
    """Return what files set up, and what dockerd holds though no file says so."""
    left = list(observation.answers)
    found = []
    for listener in places.listeners:
        if listener.kind != "tcp":
            tls = "unknown" if listener.kind == "vsock" else None
            found.append(_Listener(listener.address, listener.kind, listener.place, listener.written, tls))
            continue
        matching = [answer for answer in observation.answers if _matches(listener, answer)]
        left = [answer for answer in left if answer not in matching]
        found.append(_judged(listener.address.rpartition("://")[2], matching, listener))
    hosts = [word for word in observation.command_line if "tcp:" in word or ":" in word]
    is_swarm = observation.engine is not None and observation.engine.swarm
    for answer in left:
        # dockerd has other ports as well: swarm's, and that of its metrics.
        is_api = answer.is_open or (answer.tls == "refused" and not is_swarm)
        if is_api or any(host.endswith(f":{answer.port}") for host in hosts):
            found.append(_judged(_joined(answer.address, answer.port), [answer], None))
    if not any(entry.kind in ("unix", "fd", "tcp") for entry in found) and _started_by(observation):
        found.append(_Listener(DEFAULT_SOCKET, "unix", None, None))
    return found


def _judged(address: str, answers: t.Sequence[PortAnswer], place: Place | None) -> _Listener:
    tls, is_open = "unknown", None
    if any(answer.is_open for answer in answers):
        tls, is_open = ("none" if any(answer.plain == "answered" for answer in answers) else "server_only"), True
    elif any(answer.tls == "refused" for answer in answers):
        tls, is_open = "mutual", False
    return _Listener(address, "tcp", place.place if place else None, place.written if place else None, tls, is_open)


def _matches(listener: Place, answer: PortAnswer) -> bool:
    """Tell whether this is the socket of this -H or ListenStream=."""
    host, port = _host_and_port(listener)
    if port != answer.port:
        return False
    try:
        wanted, held = ipaddress.ip_address(host), ipaddress.ip_address(answer.address)
    except ValueError:
        # A name, or a variable that only a shell knows.
        return True
    # Go and systemd open one socket for both families.
    return wanted == held or (wanted.is_unspecified and held.is_unspecified)


def _host_and_port(listener: Place) -> tuple[str, int]:
    """Return where it listens, with the defaults of dockerd or systemd.socket(5)."""
    is_stream = listener.written.startswith("ListenStream=")
    host, colon, port = listener.address.rpartition("://")[2].rstrip("/").rpartition(":")
    if not colon and is_stream:
        host = "::"
    elif not port.isdigit():
        # Without a port it is 2375, also with TLS.
        host, port = listener.address.rpartition("://")[2], "2375"
    return host.strip("[]") or _LOOPBACK, int(port) if port.isdigit() and len(port) < 6 else 0


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _exposed(observation: Observation, places: Places) -> str | None:
    """Return the method by which this collection has exposed the daemon."""
    try:
        kept = json.loads(observation.text(layout.ORIGINALS) or "{}")
    except (ValueError, RecursionError):
        kept = {}
    method = kept.get("method") if isinstance(kept, dict) else None
    if method in [known.name for known in METHODS]:
        return str(method)
    # Someone has removed that file; the others show it as well.
    if layout.SOCKET_UNIT in observation.files:
        return "socket"
    has_block = any(_OUR_BLOCK in observation.text(path) for path in observation.files)
    if layout.LISTENER_FLAGS in observation.files:
        return "options_file" if has_block else "override"
    in_json = any(setting.name == "hosts" and "tcp:" in setting.written for setting in places.settings)
    if has_block or layout.EXEC_DROP_IN in observation.files:
        return "daemon_json" if in_json else "options_file" if has_block else "override"
    return None


def _interfaces(observation: Observation) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in observation.addresses:
        if entry.is_usable:
            found.setdefault(entry.interface, []).append(entry.address)
    return found


def _warnings(observation: Observation, places: Places, listeners: t.Sequence[_Listener]) -> list[str]:
    found = []
    for listener in listeners:
        if listener.is_open:
            how = "without TLS" if listener.tls == "none" else "without asking for a certificate"
            found.append(f"dockerd answers on {listener.address} {how}: anyone who can reach it has root on this host.")
    if not places.is_set("tlsverify"):
        found += [
            f"dockerd is set up to listen on {listener.address} without asking for a certificate ({listener.place}). "
            "Once it does, anyone who can reach it has root on this host."
            for listener in listeners
            if listener.kind == "tcp" and listener.tls == "unknown"
        ]
    elif not places.is_set("tlscacert"):
        found.append("dockerd has tlsverify without tlscacert: it accepts clients with a certificate of any public CA.")
    if places.problem:
        found.append(f"{places.problem}.")
    if observation.unit(layout.DOCKER_SERVICE).get("NeedDaemonReload") == "yes":
        found.append("The unit files of docker.service were changed, and systemd has not read them yet.")
    if observation.interrupted:
        found.append("A run of gangway.docker was interrupted on this host, and has not been rolled back yet.")
    if observation.systemd_error:
        found.append(f"systemd does not answer on this host: {observation.systemd_error}")
    if observation.has_snap:
        found.append("Docker from the snap store is installed; its files are not looked at.")
    if observation.rootless:
        found.append(f"Rootless Docker is not looked at ({', '.join(observation.rootless)}).")
    return found
