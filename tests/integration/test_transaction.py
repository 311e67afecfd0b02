# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that fail or are killed half-way: the daemon is as before, or as asked."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.controller import ROOT, Controller
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
def test_a_killed_run_is_undone_by_the_next_one(host: Host, controller: Controller) -> None:
    """Through Ansible and SSH; test_faults.py ends runs at every step."""
    before, container = snapshot(host), started_at(host)
    kill_during_apply(host, controller, 0.3)
    assert is_safe(host.address)
    assert started_at(host) == container
    outcome = controller.withdraw()
    assert outcome.code == 0, outcome.failures
    assert snapshot(host) == before
    assert started_at(host) == container
    assert controller.expose().code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_a_killed_withdrawal_leaves_a_dockerd_that_boots(host: Host, controller: Controller) -> None:
    before = snapshot(host)
    assert controller.expose().code == 0
    kill_during_apply(host, controller, 0.1, playbook="withdraw.yml")
    assert is_safe(host.address)
    host.reboot()
    assert is_safe(host.address)
    assert host.run("docker inspect --format '{{.State.Running}}' witness").stdout.strip() == "true"
    outcome = controller.withdraw()
    assert outcome.code == 0, outcome.failures
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


def kill_during_apply(host: Host, controller: Controller, delay: float, playbook: str = "expose_docker.yml") -> None:
    """SIGKILL the module on the host, C(delay) seconds after its journal appears."""
    command = [
        "ansible-playbook",
        f"--inventory={controller.inventory}",
        f"--extra-vars=expose_home={controller.home}",
        str(ROOT / "playbooks" / playbook),
    ]
    run = subprocess.Popen(command, env=controller.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    script = (
        "for i in $(seq 400); do test -e /var/lib/gangway-docker/journal.json && break; sleep 0.02; done; "
        f"sleep {delay}; pgrep -f AnsiballZ_dockerd_listene[r] | xargs -r kill -KILL"
    )
    host.run(script, check=False)
    run.wait(timeout=60)
    time.sleep(0.5)
