# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Method gateway: put in place, changed from and to every other method, changed, and taken away to the byte."""

from __future__ import annotations

import pytest

from tests.integration.attacks.conftest import make_foreign
from tests.integration.attacks.knocking import Knocking
from tests.integration.controller import Controller, same
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.integration.test_methods import METHODS, assert_open, methods_in_place
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host

SERVICE = "docker-gangway-gateway.service"


def pid_of(host: Host, unit: str = "docker.service") -> str:
    return host.run(f"systemctl show {unit} --property=MainPID --value").stdout.strip()


def test_it_comes_and_goes_without_dockerd(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    before, container, dockerd = snapshot(host), started_at(host), pid_of(host)
    config = host.run("cat /etc/docker/daemon.json 2>&1; systemctl cat docker.service docker.socket").stdout

    predicted = controller.expose("--check", "--diff", expose_method="gateway")
    assert snapshot(host) == before
    exposed = controller.expose("--diff", expose_method="gateway")
    assert_open(host, controller, exposed, container)
    assert same(predicted, exposed, host)
    assert exposed.listener(host.name)["restarted"] is False
    assert controller.expose(expose_method="gateway").changed(host.name) == 0
    assert controller.expose().changed(host.name) == 0, "what is in place stays where nobody names another"
    assert controller.docker(host, "ps", "--format", "{{.Names}}").stdout == "witness\n"
    assert host.run("cat /etc/docker/daemon.json 2>&1; systemctl cat docker.service docker.socket").stdout == config

    moved = controller.expose(expose_listen=[f"{host.address}:9002"], expose_method="gateway")
    assert_open(host, controller, moved, container, port=9002)
    assert ask(host.address, bundle=controller.client()) == "closed"
    assert pid_of(host) == dockerd

    host.reboot()
    assert ask(host.address, bundle=controller.client(), port=9002) == "answered"
    assert is_safe(host.address, port=9002)
    assert controller.expose(expose_listen=[f"{host.address}:9002"]).changed(host.name) == 0

    dockerd = pid_of(host)
    predicted = controller.withdraw("--check", "--diff")
    withdrawn = controller.withdraw("--diff")
    assert withdrawn.code == 0, withdrawn.failures
    assert same(predicted, withdrawn, host)
    assert snapshot(host) == before
    assert ask(host.address, port=9002) == "closed"
    assert pid_of(host) == dockerd


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(method, marks=pytest.mark.flavours(*engines))
        for method, engines in zip(METHODS, (("bookworm",), ("trixie",), (), ("sid",)))
    ],
)
def test_it_is_changed_from_and_to_the_other_methods(gateway_host: Host, controller: Controller, other: str) -> None:
    host = gateway_host
    before, container = snapshot(host), started_at(host)
    assert_open(host, controller, controller.expose(expose_method=other), container)

    predicted = controller.expose("--check", "--diff", expose_method="gateway")
    with Knocking(host.address, make_foreign(controller.folder / "foreign", "admin")) as strangers:
        switched = controller.expose("--diff", expose_method="gateway")
    print(f"to gateway: {strangers}")
    assert strangers.answers == []
    assert_open(host, controller, switched, container)
    assert same(predicted, switched, host)
    assert host.run(f"systemctl is-active {SERVICE}").stdout == "active\n"
    # The socket unit is the gateway's, too.
    assert [method for method in methods_in_place(host) if method != "socket"] == []
    assert controller.expose(expose_method="gateway").changed(host.name) == 0

    predicted = controller.expose("--check", "--diff", expose_method=other)
    with Knocking(host.address, controller.folder / "foreign") as strangers:
        back = controller.expose("--diff", expose_method=other)
    print(f"to {other}: {strangers}")
    assert strangers.answers == []
    assert_open(host, controller, back, container)
    assert same(predicted, back, host)
    assert methods_in_place(host) == [other]
    assert host.run(f"systemctl is-active {SERVICE}", check=False).stdout == "inactive\n"
    assert controller.expose(expose_method=other).changed(host.name) == 0

    assert controller.withdraw().code == 0
    assert snapshot(host) == before


@pytest.mark.one_host
def test_its_access_list_changes_while_it_serves(gateway_host: Host, controller: Controller) -> None:
    host, site = gateway_host, {"expose_method": "gateway"}
    assert controller.expose(**site).code == 0
    process = pid_of(host, SERVICE)
    assert ask(host.address, source="172.30.77.2", timeout=1) == "dropped"

    wider = controller.expose(**site, expose_allow=[f"{GATEWAY}/32", "172.30.77.2/32"])
    assert wider.code == 0, wider.failures
    assert ask(host.address, source="172.30.77.2") == "refused"
    assert ask(host.address, bundle=controller.client(), source="172.30.77.2") == "answered"
    assert controller.expose(**site, expose_allow=[f"{GATEWAY}/32", "172.30.77.2/32"]).changed(host.name) == 0
    assert controller.expose(**site, expose_allow=[f"{GATEWAY}/32"]).code == 0
    assert ask(host.address, source="172.30.77.2", timeout=1) == "dropped"
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert pid_of(host, SERVICE) == process


@pytest.mark.one_host
@pytest.mark.parametrize("firewall", ["nftables", "none"])
@pytest.mark.due("nftables")
def test_other_firewalls_guard_its_port_too(gateway_host: Host, controller: Controller, firewall: str) -> None:
    host = gateway_host
    before, container = snapshot(host), started_at(host)
    assert_open(host, controller, controller.expose(expose_method="gateway", expose_firewall=firewall), container)
    outside = ask(host.address, source="172.30.77.2", timeout=1)
    assert outside == ("refused" if firewall == "none" else "dropped")
    assert controller.expose(expose_method="gateway", expose_firewall=firewall).changed(host.name) == 0
    process = pid_of(host, SERVICE)
    assert_open(host, controller, controller.expose(expose_method="gateway", expose_firewall="auto"), container)
    assert ask(host.address, source="172.30.77.2", timeout=1) == "dropped"
    assert pid_of(host, SERVICE) == process
    assert controller.expose(expose_method="gateway", expose_firewall="auto").changed(host.name) == 0
    assert controller.withdraw().code == 0
    assert snapshot(host) == before


@pytest.mark.one_host
def test_its_sandbox_is_tight(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    assert controller.expose(expose_method="gateway").code == 0
    level = host.run(f"systemd-analyze security {SERVICE} | tail -1").stdout
    print(level)
    assert float(level.split()[-3]) <= 2.2
    owners = host.run(
        "for pid in $(pgrep --exact haproxy); do stat --format '%U %G' /proc/$pid; grep CapEff /proc/$pid/status; done"
    ).stdout
    print(owners)
    assert "haproxy docker\nCapEff:\t0000000000000000" in owners
    assert host.run("ls -ln /run/docker-gangway-gateway | grep server.pem").stdout.split()[:4] == [
        "-rw-------",
        "1",
        "0",
        "0",
    ]


@pytest.mark.one_host
def test_a_host_without_haproxy_is_told_so(host: Host, controller: Controller) -> None:
    before = snapshot(host)
    haproxy = host.run("command -v haproxy", check=False).stdout.strip()
    if haproxy:
        host.run(f"mv {haproxy} {haproxy}.away")
    try:
        outcome = controller.expose(expose_method="gateway")
        assert outcome.failures == ["haproxy_missing"]
        assert snapshot(host) == before
    finally:
        if haproxy:
            host.run(f"mv {haproxy}.away {haproxy}")
