# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that no init system starts a dockerd on are refused with what is there instead."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..hosts import HOSTS, SCRIPT, Host
from ..planning import decision_of, task_of


def _refusal(host: Host) -> Failure:
    with pytest.raises(Failure) as caught:
        decision_of(host, task_of(firewall="none"))
    return caught.value


def _with_state(load_state: str, **reported: t.Any) -> Host:
    host = HOSTS["docker-ce"]
    units = host.observation()["units"]
    units[layout.DOCKER_SERVICE]["LoadState"] = load_state
    return host.reporting(units=units, **reported)


@pytest.mark.parametrize(
    ("load_state", "key"),
    [("not-found", "dockerd_missing"), ("masked", "dockerd_masked"), ("error", "dockerd_missing")],
)
def test_a_unit_that_systemd_can_not_start(load_state: str, key: str) -> None:
    assert _refusal(_with_state(load_state)).key == key


@pytest.mark.parametrize(
    ("installations", "key"),
    [
        ({"snap": True, "rootless": []}, "docker_snap"),
        ({"snap": False, "rootless": ["/run/user/1000/docker.sock"]}, "docker_rootless"),
        ({"snap": False, "rootless": []}, "dockerd_missing"),
    ],
)
def test_another_kind_of_docker_is_named(installations: dict[str, t.Any], key: str) -> None:
    assert _refusal(_with_state("not-found", installations=installations)).key == key


@pytest.mark.parametrize("installations", [{"snap": True, "rootless": ["/run/user/1000/docker.sock"]}])
def test_another_kind_beside_docker_service_does_not_matter(installations: dict[str, t.Any]) -> None:
    decision_of(HOSTS["docker-ce"].reporting(installations=installations), task_of(firewall="none"))


def test_a_unit_whose_program_is_gone() -> None:
    failure = _refusal(HOSTS["docker-ce"].reporting(programs={"/usr/bin/dockerd": False}))
    assert (failure.key, "/usr/bin/dockerd" in str(failure)) == ("dockerd_missing", True)


@pytest.mark.parametrize("error", ["System has not been booted with systemd", "exit status 1"])
def test_a_systemd_that_does_not_answer(error: str) -> None:
    failure = _refusal(HOSTS["docker-ce"].reporting(units={}, systemd_error=error))
    assert (failure.key, error in str(failure)) == ("systemd_missing", True)


@pytest.mark.parametrize("init", ["sysvinit", "openrc"])
def test_a_host_without_a_script(init: str) -> None:
    assert _refusal(HOSTS[init].without(SCRIPT)).key == "dockerd_missing"


@pytest.mark.parametrize("init", ["sysvinit", "openrc"])
def test_a_script_without_dockerd(init: str) -> None:
    dockerd = {"pid": 0, "command_line": [], "program": "", "exists": False}
    assert _refusal(HOSTS[init].but(is_running=False).reporting(dockerd=dockerd)).key == "dockerd_missing"
