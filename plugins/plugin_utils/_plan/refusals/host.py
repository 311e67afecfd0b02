# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known to go wrong is refused before anything is touched: the state of the host and of its dockerd."""

from __future__ import annotations

__all__ = (
    "check_addresses",
    "check_answers",
    "check_daemon",
    "check_daemon_json",
    "check_installed",
    "check_key_can_be_made",
    "check_swarm",
    "check_systemd",
    "check_writable",
)

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import (
    MalformedDaemonJson,
    encoding_problem,
    parse,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..host.observation import Observation
from ..host.observed import SCRIPT, Observed
from ..listener.addresses import ANY, Listen, is_covered_by

_INSTALL = (
    "Install Docker Engine on the host first (docker-ce, or the distribution's docker.io or moby-engine). For another "
    "engine, set expose_method: gateway and expose_socket"
)


def check_systemd(observation: Observation) -> None:
    """Refuse a host whose systemd does not answer. Failure: C(systemd_missing)."""
    if observation.systemd_error is not None and observation.init == "systemd":
        raise Failure(
            "systemd_missing",
            thing="systemctl",
            reason=f"systemd does not answer on this host ({observation.systemd_error})",
            cure="Check why 'systemctl status' fails there",
        )


def check_installed(observation: Observation) -> None:
    """Refuse a host whose init system does not start a dockerd.

    Failures: C(dockerd_masked), C(dockerd_missing), C(docker_snap), C(docker_rootless).
    """
    if observation.init != "systemd":
        if SCRIPT not in observation.files:
            raise _missing(SCRIPT, f"{observation.init} has no script that starts dockerd")
        if not observation.program:
            raise _missing("dockerd", "this host has no such program")
        return
    state = observation.unit(layout.DOCKER_SERVICE).get("LoadState")
    if state == "masked":
        raise Failure(
            "dockerd_masked",
            thing=layout.DOCKER_SERVICE,
            reason="the unit is masked, so systemd does not start it",
            cure=f"Unmask it first: systemctl unmask {layout.DOCKER_SERVICE}",
        )
    if state != "loaded":
        _check_other_installations(observation)
        raise _missing(layout.DOCKER_SERVICE, f"systemd has no such unit (LoadState={state})")


def _missing(thing: str, reason: str) -> Failure:
    return Failure("dockerd_missing", thing=thing, reason=reason, cure=_INSTALL)


def _check_other_installations(observation: Observation) -> None:
    if observation.has_snap:
        raise Failure(
            "docker_snap",
            thing="Docker from the snap store",
            reason="the snap starts dockerd by its own wrapper, which takes no drop-in, and can't read /etc/docker",
            cure="Set expose_method: gateway, which needs no drop-in, or replace the snap with docker.io, moby-engine "
            "or docker-ce",
        )
    if observation.rootless:
        raise Failure(
            "docker_rootless",
            thing=f"rootless Docker ({', '.join(observation.rootless)})",
            reason="it runs as a user's own service in its own network namespace, and this host has no docker.service",
            cure=f"Set expose_method: gateway and expose_socket: {observation.rootless[0]}, or expose a dockerd that "
            "runs as root",
        )


def check_daemon_json(observed: Observed) -> None:
    """Refuse a daemon.json that dockerd can't read. Failure: C(daemon_json_malformed)."""
    text, engine = observed.daemon_json(), observed.engine
    try:
        parse(text)
        # Without an engine, the version is unknown, and a start that fails is rolled back.
        problem = None if engine is None else encoding_problem(text, lambda: engine.version)
        if problem is not None:
            raise MalformedDaemonJson(problem)
    except MalformedDaemonJson as exc:
        raise Failure(
            "daemon_json_malformed",
            thing=layout.DAEMON_JSON,
            reason=f"dockerd could not start with it again: {exc}",
            cure="Correct the file; nothing was changed",
        ) from exc


def check_daemon(observed: Observed) -> None:
    """Refuse a dockerd that no method gets along with.

    Failures: C(dockerd_missing), C(live_restore_flag), C(config_file_elsewhere).
    """
    flags, engine = observed.flags, observed.engine
    if flags.program and observed.observation.programs.get(flags.program) is False:
        starter = layout.DOCKER_SERVICE if observed.has_systemd else SCRIPT
        raise _missing(flags.program, f"{starter} starts this program, and it does not exist")
    if flags.live_restore and engine is not None and not engine.live_restore and not engine.swarm:
        raise Failure(
            "live_restore_flag",
            thing="--live-restore on dockerd's command line",
            reason="it is not in force in the running dockerd, so the restart would stop the containers; and dockerd "
            "refuses to start with it in daemon.json as well",
            cure=f'Remove the flag (also if it says false) and put "live-restore": true into {layout.DAEMON_JSON}',
        )
    if flags.config_file not in (None, layout.DAEMON_JSON):
        raise Failure(
            "config_file_elsewhere",
            thing=f"--config-file {flags.config_file}",
            reason=f"the listener's settings go into {layout.DAEMON_JSON}, which this dockerd does not read",
            cure=f"Move that file to {layout.DAEMON_JSON} and remove the flag",
        )


def check_answers(observed: Observed) -> None:
    """Refuse to restart a dockerd that can't be asked about its containers. Failure: C(dockerd_silent)."""
    if observed.is_running and observed.engine is None:
        raise Failure(
            "dockerd_silent",
            thing="dockerd's unix socket",
            reason="dockerd runs and does not answer there, so it is unknown whether its containers would live through "
            "a restart",
            cure="Check why 'docker info' fails on the host; only /run/docker.sock is tried",
        )


def check_swarm(observed: Observed, *, allow_downtime: bool) -> None:
    """Refuse a restart that stops containers, unless it is allowed. Failure: C(swarm_mode)."""
    engine = observed.engine
    if engine is not None and engine.swarm and not allow_downtime:
        names = ", ".join(sorted(engine.containers or ()))
        raise Failure(
            "swarm_mode",
            thing="the engine's swarm mode",
            reason="swarm mode does not support live-restore, so the restart that this change needs would stop "
            f"{names or 'every container on the host (none runs now)'}",
            cure="Drain the node and set allow_downtime: true (expose_allow_downtime in the role)",
        )


def check_writable(observed: Observed) -> None:
    """Refuse a host where our files could not be written. Failure: C(not_writable)."""
    for path, is_writable in observed.observation.writable.items():
        if not is_writable:
            raise Failure(
                "not_writable",
                thing=path,
                reason="root can't write there: the file system is read-only",
                cure="Make the file system writable",
            )


def check_addresses(observed: Observed, listen: t.Sequence[Listen], own: t.Collection[int]) -> None:
    """Refuse addresses that can't be listened on. C(own): ports that dockerd, or systemd for it, holds through us.

    Failures: C(address_missing), C(port_taken).
    """
    there = {address.address for address in observed.observation.addresses}
    for entry in listen:
        # No address at all: the kernel did not list them.
        if there and not entry.is_wildcard and entry.host not in there and not entry.host.startswith("127."):
            raise Failure(
                "address_missing",
                thing=f"listen entry {entry}",
                reason="the host has no such address",
                cure="Write one that 'ip address' shows there; behind NAT that is not the one clients use",
            )
        for seen in observed.observation.listening:
            if seen.port != entry.port or not _overlap(entry, seen.address):
                continue
            if seen.port in own and seen.program in ("dockerd", "systemd", "haproxy"):
                continue
            raise Failure(
                "port_taken",
                thing=f"listen entry {entry}",
                reason=f"the port is taken by {seen.program or 'another program'}",
                cure="Stop that program, or choose another port",
            )


def _overlap(entry: Listen, address: str) -> bool:
    """Whether the kernel refuses one of them if the other is there."""
    if entry.host in (ANY, "::"):
        return True
    if entry.is_wildcard:
        return ":" not in address or address == "::"
    return is_covered_by(entry, address)


def check_key_can_be_made(observed: Observed) -> None:
    """Refuse a host that can't make a key. Failure: C(openssl_missing)."""
    if not observed.observation.can_make_keys:
        raise Failure(
            "openssl_missing",
            thing="the server's key",
            reason="this host has neither the openssl command nor the Python package cryptography to make one with",
            cure="Install openssl (or python3-cryptography) there, or set key_origin: controller (expose_key_origin "
            "in the role), which makes the key on the controller and copies it to the host",
        )
