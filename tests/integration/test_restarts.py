# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restarts of dockerd: what clients see of one, and many of them in a minute."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller
from tests.integration.fleet.load import Load
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import started_at
from tests.integration.test_faults import put_code, python_on_host
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host

#: Asks dockerd on its unix socket all the time, and so has systemd start it whenever it is down.
_CLIENT = """
import socket, time
while True:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect("/run/docker.sock")
            client.sendall(b"GET /_ping HTTP/1.0\\r\\n\\r\\n")
            client.recv(4096)
        except OSError:
            pass
    time.sleep(0.005)
"""


@pytest.mark.one_host
def test_a_restart_loses_no_request_but_those_in_flight(
    host: Host, controller: Controller, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eight clients, a new connection for each request; with method override the port is closed meanwhile."""
    told = []
    lost = {}
    for method in ("socket", "override"):
        assert controller.expose(expose_method=method).code == 0
        bundles = {f"client {number}": controller.client() for number in range(4)}
        with Load({host.name: host.address}, bundles, controller.environment()) as load:
            for name in ("one.example", "two.example"):
                outcome = controller.expose(expose_method=method, expose_tls_sans=[name])
                assert outcome.listener(host.name)["restarted"], outcome.failures
        requests = sum(count.requests for count in load.counts)
        in_flight = sum(count.retried for count in load.counts)
        lost[method] = [failure for count in load.counts for failure in count.failures]
        told.append(
            f"{host.flavour}, method {method}: 2 restarts under 8 clients, {requests} requests, {in_flight} in flight "
            f"and well on retry, {len(lost[method])} lost"
        )
        assert len(load.counts) == 8
        assert requests > 50
        assert in_flight <= 8 * 2
    with capsys.disabled():
        print("\n" + "\n".join(told))
    assert lost["socket"] == []


@pytest.mark.one_host
@pytest.mark.parametrize("firewall", ["systemd", "nftables"])
@pytest.mark.due("systemd")
def test_clients_that_start_dockerd_while_the_access_list_changes_do_no_harm(
    host: Host, controller: Controller, firewall: str
) -> None:
    """Each client of docker.sock starts a dockerd that is stopped, in the middle of a run as well."""
    options = {"expose_firewall": firewall, "expose_method": "socket"}
    assert controller.expose(**options, expose_allow=[f"{GATEWAY}/32"]).code == 0
    container = started_at(host)
    host.run(
        f"printf %s {shlex.quote(_CLIENT)} > /run/client.py; "
        "for _ in 1 2 3; do setsid python3 /run/client.py & echo $! >> /run/clients; done"
    )
    try:
        # They do start it.
        assert (
            host.run("systemctl stop docker.service; sleep 3; systemctl is-active docker.service").stdout == "active\n"
        )
        for allow in ([f"{GATEWAY}/32", f"{OUTSIDE}/32"], [f"{GATEWAY}/32"], [f"{GATEWAY}/32", f"{OUTSIDE}/32"]):
            changed = controller.expose(**options, expose_allow=allow)
            assert changed.code == 0, changed.failures
            assert changed.warnings(host.name) == []
            assert ask(host.address, bundle=controller.client()) == "answered"
            seen = ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2)
            assert seen == ("answered" if f"{OUTSIDE}/32" in allow else "dropped")
            assert is_safe(host.address)
        assert started_at(host) == container
        assert controller.expose(**options, expose_allow=allow).changed(host.name) == 0
        withdrawn = controller.withdraw()
        assert withdrawn.code == 0, withdrawn.failures
        assert started_at(host) == container
    finally:
        host.run("kill $(cat /run/clients); rm -f /run/client.py /run/clients", check=False)


@pytest.mark.soak
@pytest.mark.parametrize("method", ["socket", "override"])
def test_twenty_runs_in_a_minute_never_trip_the_start_limit(
    host: Host, controller: Controller, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    container = started_at(host)
    put_code(host)
    ran = host.run(f"{python_on_host()} runs {method} {host.address}", check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    with capsys.disabled():
        print(f"\n{host.flavour}, method {method}: {told['runs']} runs with a restart each in {told['seconds']:.0f} s")
    assert told["runs"] == 20
    assert told["seconds"] < 60
    assert started_at(host) == container
    # From here, it is not in the list.
    assert ask(host.address, timeout=2) == "dropped"
