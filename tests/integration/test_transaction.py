# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that fail half-way, a power cut, and two runs at once: the daemon is as before, or as asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.controller import Controller
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

#: Real ways for the restart to fail once our files are there, and only then.
_FAULT = (
    "mkdir -p /etc/systemd/system/{0}.d; printf '[{1}]\\nExecStartPre={2}\\n' > /etc/systemd/system/{0}.d/99-fault.conf"
)
FAULTS = {
    "dockerd_start_failed": _FAULT.format(
        "docker.service", "Service", '/bin/sh -c "test ! -e /etc/systemd/system/docker-gangway.socket"'
    ),
    "socket_start_failed": _FAULT.format("docker-gangway.socket", "Socket", "/bin/false"),
    "port_closed": _FAULT.format("docker.service", "Service", "-/bin/systemctl stop docker-gangway.socket"),
}


@pytest.mark.one_host
@pytest.mark.parametrize("failure", FAULTS)
def test_a_failed_run_puts_everything_back(host: Host, controller: Controller, failure: str) -> None:
    host.run(f"{FAULTS[failure]}; systemctl daemon-reload")
    before, container = snapshot(host), started_at(host)
    outcome = controller.expose()
    assert outcome.failures == [failure]
    assert outcome.listener(host.name)["rolled_back"] is True
    assert snapshot(host) == before
    assert started_at(host) == container
    assert host.run("docker info --format '{{.LiveRestoreEnabled}}'").stdout.strip() == "false"
    assert ask(host.address) == "closed"
    host.run("rm -r /etc/systemd/system/docker-gangway.socket.d", check=False)


@pytest.mark.one_host
def test_a_dockerd_that_was_down_is_down_again_after_a_failed_run(host: Host, controller: Controller) -> None:
    host.run(f"{FAULTS['dockerd_start_failed']}; systemctl daemon-reload; systemctl stop docker.service")
    etc = "cd /etc && find docker systemd/system -type f -exec sha256sum {} +"
    before = host.run(etc).stdout
    assert controller.expose().failures == ["dockerd_start_failed"]
    assert host.run("systemctl is-active docker.service", check=False).stdout.strip() in ("inactive", "failed")
    assert host.run(etc).stdout == before
    host.run("rm /etc/systemd/system/docker.service.d/99-fault.conf; systemctl daemon-reload")
    assert controller.expose().code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_a_failed_change_leaves_the_listener_as_it_was(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    fault = "'[Service]\\nExecStartPre=/bin/sh -c \"! grep -q 9002 /etc/systemd/system/docker-gangway.socket\"\\n'"
    host.run(f"printf {fault} > /etc/systemd/system/docker.service.d/99-fault.conf; systemctl daemon-reload")
    before, container = snapshot(host), started_at(host)
    outcome = controller.expose(expose_listen=[f"{host.address}:9002"])
    assert outcome.failures == ["dockerd_start_failed"]
    assert snapshot(host) == before
    assert started_at(host) == container
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert ask(host.address, port=9002) == "closed"


@pytest.mark.one_host
def test_a_power_cut_during_a_withdrawal_leaves_a_dockerd_that_boots(host: Host, controller: Controller) -> None:
    """The recovery ends with it, so the next run rolls back. test_interrupted.py has the rest."""
    before = snapshot(host)
    assert controller.expose().code == 0
    run = controller.start_playbook("withdraw")
    host.run(
        "for _ in $(seq 4000); do test -e /var/lib/gangway-docker/journal.json && break; sleep 0.005; done; sleep 0.1; "
        "systemctl kill --signal=KILL docker-gangway-recovery; pkill -KILL -f AnsiballZ_dockerd_listene[r]"
    )
    run.wait(timeout=60)
    assert is_safe(host.address)
    host.reboot()
    assert is_safe(host.address)
    assert host.run("docker inspect --format '{{.State.Running}}' witness").stdout.strip() == "true"
    outcome = controller.withdraw()
    assert outcome.code == 0, outcome.failures
    assert any("interrupted" in text and host.name in text for text in outcome.warnings(host.name))
    assert snapshot(host) == before


@pytest.mark.one_host
def test_two_runs_at_once_wait_for_each_other(host: Host, controller: Controller) -> None:
    container = started_at(host)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _number: controller.expose(), range(2)))
    assert [outcome.failures for outcome in outcomes] == [[], []]
    assert started_at(host) == container
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose().changed(host.name) == 0
