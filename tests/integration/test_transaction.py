# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that fail half-way, a power cut, and two runs at once: the daemon is as before, or as asked."""

from __future__ import annotations

import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attack import ADMIN, LOCAL_USER, attack
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
    # For all sockets: a drop-in of ours alone is refused.
    "socket_start_failed": _FAULT.format("socket", "Socket", "/bin/false"),
    "port_closed": _FAULT.format("docker.service", "Service", "-/bin/systemctl stop docker-gangway.socket"),
}

#: Locks every folder and file that it can open, and tries for the runs' own lock all the time.
_BLOCKER = """
import fcntl, os, time
held = []
places = ["/", "/etc", "/etc/docker", "/etc/systemd/system", "/run", "/run/systemd", "/var/lib", "/usr/bin/python3"]
while True:
    for place in [*places, "/run/gangway-docker.lock"]:
        try:
            descriptor = os.open(place, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        held.append(descriptor)
        print(place, flush=True)
    places = []
    time.sleep(0.001)
"""


@pytest.mark.one_host
@pytest.mark.parametrize("failure", FAULTS)
def test_a_failed_run_puts_everything_back(host: Host, controller: Controller, failure: str) -> None:
    host.run(f"{FAULTS[failure]}; systemctl daemon-reload")
    try:
        before, container = snapshot(host), started_at(host)
        outcome = controller.expose()
        assert outcome.failures == [failure]
        assert outcome.listener(host.name)["rolled_back"] is True
        assert snapshot(host) == before
        assert started_at(host) == container
        assert host.run("docker info --format '{{.LiveRestoreEnabled}}'").stdout.strip() == "false"
        assert ask(host.address) == "closed"
    finally:
        host.run("rm -rf /etc/systemd/system/socket.d; systemctl daemon-reload")


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


@attack(
    "Cuts the power during a run", by=ADMIN, expected="dockerd boots, and nobody gets an answer without a certificate"
)
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


#: Prints what the journal has of each file, as text.
_IMAGES = """
import base64, json
with open("/root/seen/journal.json") as stream:
    for entry in json.load(stream)["entries"]:
        print(entry["path"], base64.b64decode(entry.get("content") or b"").decode(errors="replace"))
"""


@pytest.mark.one_host
def test_a_killed_change_of_the_key_puts_the_old_one_back_and_the_journal_never_had_it(
    host: Host, controller: Controller
) -> None:
    assert controller.expose().code == 0
    before, container = snapshot(host), started_at(host)
    key = host.run("cat /etc/docker/gangway/key.pem").stdout
    run = controller.start_playbook("expose_docker", expose_key_type="ed25519")
    host.run(
        "for _ in $(seq 8000); do test -e /var/lib/gangway-docker/journal.json && break; sleep 0.005; done; "
        "for _ in $(seq 400); do cmp -s /etc/docker/gangway/key.pem /var/lib/gangway-docker/key.pem.before || break; "
        "sleep 0.005; done; rm -rf /root/seen; cp --archive /var/lib/gangway-docker /root/seen; "
        "pkill -KILL -f AnsiballZ_dockerd_listene[r]"
    )
    run.wait(timeout=60)
    host.run("for _ in $(seq 600); do test -e /run/gangway-docker-recovered.json && exit; sleep 0.1; done; exit 1")
    try:
        assert host.run("stat -c %a /root/seen /root/seen/key.pem.before").stdout.split() == ["700", "600"]
        assert host.run("cat /root/seen/key.pem.before").stdout == key
        images = host.run(f"python3 -c {shlex.quote(_IMAGES)}").stdout
        assert "/etc/docker/gangway/cert.pem -----BEGIN CERTIFICATE-----" in images
        assert "PRIVATE KEY" not in images
    finally:
        host.run("rm -r /root/seen")
    # The new key waits in memory for a certificate that does not come.
    host.run("rm -r /run/gangway-docker-recovered.json /run/gangway-docker")
    assert host.run("cat /etc/docker/gangway/key.pem").stdout == key
    assert snapshot(host) == before
    assert started_at(host) == container
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose(expose_key_type="ed25519").code == 0
    assert host.run("ls /var/lib/gangway-docker/").stdout.count("key") == 0


@attack("Locks every file and folder that it can open", by=LOCAL_USER, expected="Runs do not wait")
@pytest.mark.one_host
def test_no_local_user_can_keep_a_run_waiting(host: Host, controller: Controller) -> None:
    """As nobody, lock all that can be opened, and try for the run's own lock all the time."""
    host.run(
        f"printf %s {shlex.quote(_BLOCKER)} > /run/blocker.py; chmod 644 /run/blocker.py; "
        "setsid setpriv --reuid=nobody --regid=nogroup --clear-groups python3 /run/blocker.py > /run/blocked 2>&1 & "
        "echo $! > /run/blocker; sleep 1"
    )
    try:
        assert "/etc/systemd/system" in host.run("cat /run/blocked").stdout
        exposed = controller.expose()
        assert exposed.code == 0, exposed.failures
        assert host.run("stat -c '%a %U' /run/gangway-docker.lock").stdout.split() == ["600", "root"]
        changed = controller.expose(expose_tls_sans=["other.example"])
        assert (changed.code, changed.changed(host.name) > 0) == (0, True)
        assert controller.withdraw().code == 0
        assert "gangway-docker.lock" not in host.run("cat /run/blocked; kill -0 $(cat /run/blocker)").stdout
    finally:
        host.run("kill $(cat /run/blocker); rm -f /run/blocke*", check=False)


@pytest.mark.one_host
def test_two_runs_at_once_wait_for_each_other(host: Host, controller: Controller) -> None:
    container = started_at(host)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _number: controller.expose(), range(2)))
    assert [outcome.failures for outcome in outcomes] == [[], []]
    assert started_at(host) == container
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose().changed(host.name) == 0
