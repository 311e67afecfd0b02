# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gateway in front of an engine that docker.service does not run."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import ProveGateway
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import RevocationLists
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan

from ..hosts import HOSTS, Host
from ..planning import SERVER, after, decision_of, expose, step_for, task_of, withdraw

PODMAN = "/run/podman/podman.sock"
#: As the host tells of it.
PODMANS: dict[str, t.Any] = {
    "target": PODMAN,
    "mode": 0o660,
    "uid": 0,
    "gid": 0,
    "folders": [[0o700, 0, 0], [0o755, 0, 0], [0o755, 0, 0]],
    "name": "Podman Engine",
    "version": "5.4.2",
}
DOCKERDS = {**PODMANS, "target": layout.ENGINE, "gid": 102, "folders": [[0o755, 0, 0]], "name": None, "version": None}
LISTS = dataclasses.replace(SERVER, revocation_lists=RevocationLists(b"the lists\n"), key_secret="server_key")


def _with_haproxy(host: Host, **reported: t.Any) -> Host:
    tools = host.observation()["tools"]
    return host.reporting(tools={**tools, "haproxy": "/usr/sbin/haproxy"}, **reported)


def _without_docker(**reported: t.Any) -> Host:
    """A host where systemd knows no docker.service; a dockerd that something else has started may run."""
    host = HOSTS["docker-ce"].without(layout.DAEMON_JSON)
    units = {unit: shown for unit, shown in host.observation()["units"].items() if "docker" not in unit}
    return _with_haproxy(host, units=units, unit_files={}, engine=None, **reported)


def _expose(host: Host, **options: t.Any) -> Plan:
    return expose(host, "gateway", server=LISTS, clients=(Client("admin"),), **options)


def _refusal(host: Host, **options: t.Any) -> Failure:
    with pytest.raises(Failure) as caught:
        decision_of(host, task_of(firewall="none", **options))
    return caught.value


def test_podman_needs_no_docker_service() -> None:
    plan = _expose(_without_docker(socket=PODMANS), socket=PODMAN)
    text = step_for(plan, layout.GATEWAY_CONFIGURATION).content or ""
    unit = step_for(plan, layout.GATEWAY_UNIT).content or ""
    assert "    uid 0\n    gid 0\n" in text
    assert f"unix@{PODMAN}\n" in text
    assert "\nCapabilityBoundingSet=\n" in unit
    assert "\nProtectHome=yes\n" in unit
    assert [step.engine for step in plan.steps if isinstance(step, ProveGateway)] == [PODMAN]
    # The process that the host reports is none of docker.service's, with which the host would compare it.
    assert plan.pid == 0
    assert not plan.restarted


def test_what_is_in_place_stays() -> None:
    host = _without_docker(socket=PODMANS)
    exposed = after(host, _expose(host, socket=PODMAN))
    assert withdraw(exposed).changed
    decision = decision_of(exposed, task_of(firewall="none", socket=PODMAN))
    assert decision.gateway is not None
    assert (decision.method.name, decision.gateway.name, decision.gateway.version) == (
        "gateway",
        "Podman Engine",
        "5.4.2",
    )


def test_dockerd_is_passed_to_its_group() -> None:
    plan = _expose(_with_haproxy(HOSTS["docker-ce"], socket=DOCKERDS))
    text = step_for(plan, layout.GATEWAY_CONFIGURATION).content or ""
    unit = step_for(plan, layout.GATEWAY_UNIT).content or ""
    assert "    user haproxy\n    gid 102\n" in text
    assert "\nCapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL\n" in unit
    assert [step.engine for step in plan.steps if isinstance(step, ProveGateway)] == [None]


@pytest.mark.parametrize("path", ["/run/user/1000/docker.sock", "/home/joe/docker.sock"])
def test_a_users_socket_is_seen_through_the_sandbox(path: str) -> None:
    theirs = {**PODMANS, "target": path, "uid": 1000, "gid": 1000, "name": "Engine", "version": "28.5.2"}
    host = _without_docker(socket=theirs)
    assert "\nProtectHome=read-only\n" in (step_for(_expose(host, socket=path), layout.GATEWAY_UNIT).content or "")
    decision = decision_of(host, task_of(firewall="none", method="gateway", socket=path))
    assert decision.gateway is not None
    assert decision.gateway.name == "Docker Engine"


def test_the_snap_has_the_path_of_dockerd_and_no_docker_service() -> None:
    snap = {**DOCKERDS, "gid": 0, "name": "Engine", "version": "28.4.0"}
    host = _without_docker(socket=snap, installations={"snap": True, "rootless": []})
    assert _refusal(host).key == "docker_snap"
    assert "expose_method: gateway" in _refusal(host).cure
    decision = decision_of(host, task_of(firewall="none", method="gateway"))
    assert decision.gateway is not None
    assert (decision.gateway.is_dockerd, decision.gateway.name) == (False, "Docker Engine")


@pytest.mark.parametrize("daemon_json", [b"{", b'{"hosts": ["tcp://0.0.0.0:2375"]}'])
def test_nothing_of_dockerd_is_judged_for_another_engine(daemon_json: bytes) -> None:
    host = _with_haproxy(HOSTS["docker-ce"].write(layout.DAEMON_JSON, daemon_json), socket=PODMANS)
    refused = _refusal(host.reporting(socket=DOCKERDS), method="gateway").key
    assert refused in ("daemon_json_malformed", "hosts_in_daemon_json", "other_listener")
    plan = _expose(host, socket=PODMAN)
    assert layout.DAEMON_JSON not in [getattr(step, "path", "") for step in plan.steps]
    assert withdraw(after(host, plan)).changed


def test_a_link_to_dockerds_socket_is_dockerds() -> None:
    host = _with_haproxy(HOSTS["docker-ce"].write(layout.DAEMON_JSON, b"{"), socket=DOCKERDS)
    assert _refusal(host, method="gateway", socket="/srv/docker.sock").key == "daemon_json_malformed"


@pytest.mark.parametrize(
    ("host", "options", "key"),
    [
        (_without_docker(socket=None), {"method": "gateway", "socket": PODMAN}, "engine_socket_missing"),
        (_without_docker(socket=None), {"method": "gateway"}, "dockerd_missing"),
        (_without_docker(socket=PODMANS), {"socket": PODMAN}, "socket_unsupported"),
        (_without_docker(socket=PODMANS), {"method": "socket", "socket": PODMAN}, "socket_unsupported"),
        (HOSTS["sysvinit"], {"method": "override", "socket": PODMAN}, "socket_unsupported"),
        (HOSTS["sysvinit"], {"method": "gateway", "socket": PODMAN}, "method_unsupported"),
    ],
)
def test_what_can_not_be_is_refused(host: Host, options: dict[str, t.Any], key: str) -> None:
    assert _refusal(host, **options).key == key


def test_an_engine_that_does_not_answer_gets_no_gateway() -> None:
    silent = {**PODMANS, "name": None, "version": None}
    host = _without_docker(socket=silent)
    with pytest.raises(Failure) as caught:
        _expose(host, socket=PODMAN)
    assert caught.value.key == "engine_silent"
