# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: only the host itself reaches the port, until it has turned a stranger away."""

from __future__ import annotations

import time

import pytest

from tests.attack import ADMIN, attack
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.integration.snapshot import started_at
from tests.integration.test_methods import METHODS
from tests.lab.hosts import Host

_PID = "systemctl show docker.service --property=MainPID --value"
_FOREIGN = (
    "cp /etc/docker/gangway/ca.pem /run/ca.pem; openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=foreign "
    "-keyout /dev/null -out /etc/docker/gangway/ca.pem 2>/dev/null"
)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(
            method, marks=pytest.mark.flavours("trixie") if method in ("socket", "override") else pytest.mark.soak
        )
        for method in METHODS
    ],
)
def test_the_port_opens_after_a_restart_and_closes_to_the_network_when_dockerd_ends(
    host: Host, controller: Controller, method: str
) -> None:
    assert controller.expose(expose_method=method).code == 0
    client = controller.client()
    assert ask(host.address, bundle=client) == "answered"
    host.run("systemctl restart docker.service")
    _wait_for(host, controller, "answered")
    host.run("kill -KILL $(pidof dockerd)")
    _wait_for(host, controller, "answered")
    host.run("systemctl reset-failed docker.service; systemctl stop docker.service")
    assert ask(host.address, bundle=client, timeout=2) in ("closed", "dropped")
    assert host.run(_PID).stdout.strip() == "0", "no client on the network starts dockerd"
    # Three starts in a minute are all that the unit allows.
    host.run("systemctl reset-failed docker.service docker.socket; systemctl start docker.socket; docker version")
    _wait_for(host, controller, "answered")
    assert controller.expose(expose_method=method).changed(host.name) == 0


@pytest.mark.one_host
@pytest.mark.parametrize("method", ["socket", "override"])
def test_another_access_list_restarts_nothing(host: Host, controller: Controller, method: str) -> None:
    assert controller.expose(expose_method=method).code == 0
    pid, client = host.run(_PID).stdout, controller.client()
    wide = {"expose_method": method, "expose_allow": [f"{host.address.rpartition('.')[0]}.0/24"]}
    outcome = controller.expose(**wide)
    assert outcome.code == 0, outcome.failures
    assert not outcome.listener(host.name)["restarted"]
    assert ask(host.address, bundle=client, source=OUTSIDE) == "answered"
    assert controller.expose(**wide).changed(host.name) == 0
    assert controller.expose(expose_method=method).code == 0
    assert ask(host.address, bundle=client, source=OUTSIDE, timeout=2) == "dropped"
    assert ask(host.address, bundle=client) == "answered"
    assert host.run(_PID).stdout == pid


@pytest.mark.one_host
def test_the_port_is_up_after_a_boot_where_only_the_socket_is_enabled(host: Host, controller: Controller) -> None:
    host.run("systemctl disable docker.service && systemctl enable docker.socket")
    try:
        assert controller.expose().code == 0
        host.reboot()
        # Nobody has used the unix socket.
        _wait_for(host, controller, "answered")
        assert controller.expose().changed(host.name) == 0
    finally:
        host.run("systemctl enable docker.service")


@attack(
    "The CA of the clients is replaced by a foreign one, and dockerd restarts",
    by=ADMIN,
    expected="The port is closed and the journal says why; the next run puts the CA back",
)
@pytest.mark.one_host
@pytest.mark.parametrize("method", ["socket", "options_file"])
def test_what_failed_the_proof_opens_again_once_a_run_has_put_it_right(
    host: Host, controller: Controller, method: str
) -> None:
    assert controller.expose(expose_method=method).code == 0
    container = started_at(host)
    host.run(f"{_FOREIGN}; systemctl restart docker.service")
    assert ask(host.address, bundle=controller.client(), timeout=3) in ("closed", "dropped")
    journal = host.run("journalctl --no-pager --unit='docker*' --lines=200").stdout
    assert "another CA than the one that was put there" in journal
    outcome = controller.expose(expose_method=method)
    assert outcome.code == 0, outcome.failures
    assert outcome.changed(host.name)
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert started_at(host) == container


def _wait_for(host: Host, controller: Controller, expected: str) -> None:
    deadline = time.monotonic() + 30
    while (seen := ask(host.address, bundle=controller.client(), timeout=2)) != expected:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
