# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where dockerd listens, and how: network interfaces, addresses that are not up yet, plain TCP, live-restore."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from tests.attack import ADMIN, attack
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller
from tests.integration.port import ask, ask_in_the_clear, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.integration.test_methods import METHODS
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host


@pytest.fixture
def second(host: Host) -> Iterator[str]:
    """A second address for the host, in the lab's network, which nobody else has."""
    network, _dot, number = host.address.rpartition(".")
    second = f"{network}.{int(number) + 128}"
    yield second
    host.run(f"ip address delete {second}/24 dev eth0", check=False)


def add(host: Host, address: str) -> None:
    # Tell neighbours, who may know it as that of a host that is gone.
    host.run(f"ip address add {address}/24 dev eth0; busybox arping -q -U -c 1 -I eth0 {address} || true")


@pytest.mark.one_host
def test_an_interface_is_followed_when_its_addresses_change(host: Host, controller: Controller, second: str) -> None:
    asked = {"expose_listen": ["eth0:2376"], "expose_allow": ["172.30.77.0/24", "fd77:6777::/64"]}
    first = controller.expose(**asked)
    assert first.code == 0, first.failures
    endpoint = first.listener(host.name)["endpoint"]
    assert endpoint["listen"] == [f"{host.address}:2376", f"[{host.address_ipv6}]:2376"]
    assert endpoint["url"] == f"tcp://{host.address}:2376"
    assert "eth0" not in endpoint["server_names"]
    ca = controller.client() / "ca.pem"
    assert ask(host.address_ipv6, bundle=controller.client(), ca=ca) == "answered"
    assert controller.expose(**asked).changed(host.name) == 0

    add(host, second)
    followed = controller.expose(**asked)
    assert followed.code == 0, followed.failures
    assert second in followed.listener(host.name)["reason"]
    assert ask(second, bundle=controller.client(), ca=ca) == "answered"
    # A renewal knows nothing of the interface but what the record says.
    renewed = controller.playbook("renew")
    assert renewed.changed(host.name) == 0
    host.run(f"ip address delete {second}/24 dev eth0")
    gone = controller.expose(**asked)
    assert gone.code == 0, gone.failures
    assert gone.listener(host.name)["endpoint"]["listen"] == endpoint["listen"]
    assert controller.expose(**asked).changed(host.name) == 0


@pytest.mark.one_host
def test_an_interface_that_is_not_there_is_refused(host: Host, controller: Controller) -> None:
    outcome = controller.expose(expose_listen=["eth7:2376"])
    assert outcome.failures == ["listen_unresolvable"]
    assert "no network interface of this name" in str(outcome.listener(host.name)["msg"])


@pytest.mark.one_host
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.due("socket", "override")
def test_an_address_that_is_not_up_at_boot_does_not_keep_dockerd_down(
    host: Host, controller: Controller, method: str, second: str
) -> None:
    add(host, second)
    listen = [f"{host.address}:2376", f"{second}:2376"]
    assert controller.expose(expose_listen=listen, expose_method=method).code == 0
    host.reboot()
    assert host.run("docker version", check=False).returncode == 0
    bundle = controller.client()
    if method == "socket":
        assert ask(host.address, bundle=bundle) == "answered"
    add(host, second)
    if method != "socket":
        # dockerd itself can't wait for an address: the port is there from its next start on.
        assert ask(host.address, bundle=bundle, timeout=2) == "dropped"
        assert controller.expose(expose_listen=listen, expose_method=method).code == 0
        assert ask(host.address, bundle=bundle) == "answered"
    assert ask(second, bundle=bundle) == "answered"
    assert is_safe(second)


@pytest.mark.one_host
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.due("socket")
def test_plain_tcp_for_those_who_ask_twice(host: Host, controller: Controller, method: str) -> None:
    before, container = snapshot(host), started_at(host)
    plain = {"expose_tls": False, "expose_insecure": True, "expose_method": method, "expose_allow": [GATEWAY]}
    outcome = controller.expose(**plain)
    assert outcome.code == 0, outcome.failures
    assert any("root" in warning for warning in outcome.warnings(host.name))
    assert outcome.listener(host.name)["endpoint"]["tls"] is False
    assert not controller.fleet.joinpath("authority").exists()
    # What clients take where the URL has no port.
    assert outcome.listener(host.name)["endpoint"]["url"] == f"tcp://{host.address}:2375"
    assert ask_in_the_clear(host.address, 2375) == "answered"
    assert ask(host.address, port=2375, source=OUTSIDE, timeout=2) == "dropped"
    assert started_at(host) == container
    again = controller.expose(**plain)
    assert again.changed(host.name) == 0
    assert any("root" in warning for warning in again.warnings(host.name))
    begun, ended = map(float, host.run("date +%s.%N; systemctl restart docker; date +%s.%N").stdout.split())
    assert ended - begun < 12, "without the explicit flag, dockerd waits for 16 s"

    secured = controller.expose(expose_method=method)
    assert secured.code == 0, secured.failures
    assert is_safe(host.address)
    assert ask_in_the_clear(host.address, 2375) == "closed"
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.withdraw().code == 0
    assert snapshot(host) == before


@attack(
    "Sets `expose_tls: false` by mistake, or with an access list that is everyone",
    by=ADMIN,
    expected="Refused (`insecure_not_confirmed`, `insecure_everyone`)",
)
@pytest.mark.one_host
@pytest.mark.parametrize(
    ("failure", "variables"),
    [
        ("insecure_not_confirmed", {"expose_tls": False}),
        ("insecure_everyone", {"expose_tls": False, "expose_insecure": True, "expose_allow": ["any"]}),
    ],
)
def test_plain_tcp_is_refused_unless_it_is_meant(
    host: Host, controller: Controller, failure: str, variables: dict[str, object]
) -> None:
    before = snapshot(host)
    assert controller.expose(**variables).failures == [failure]
    assert snapshot(host) == before


@pytest.mark.one_host
@pytest.mark.parametrize("method", ["socket", "daemon_json"])
@pytest.mark.due("daemon_json")
def test_live_restore_stays_as_it_was_where_it_is_not_wanted(host: Host, controller: Controller, method: str) -> None:
    before, container = snapshot(host), started_at(host)
    options = {"expose_live_restore": False, "expose_method": method}
    predicted = controller.expose("--check", **options)
    exposed = controller.expose(**options)
    assert exposed.code == 0, exposed.failures
    assert predicted.listener(host.name)["actions"] == exposed.listener(host.name)["actions"]
    assert "live-restore" not in host.run("cat /etc/docker/daemon.json").stdout
    assert host.run("docker info --format '{{.LiveRestoreEnabled}}'").stdout.strip() == "false"
    assert started_at(host) == container
    assert controller.expose(**options).changed(host.name) == 0
    assert controller.expose(**options, expose_listen=[f"{host.address}:9002"]).code == 0
    assert started_at(host) == container
    assert controller.withdraw().code == 0
    assert snapshot(host) == before
    assert started_at(host) == container


@pytest.mark.one_host
def test_swarm_mode_names_the_containers_that_would_stop(host: Host, controller: Controller) -> None:
    host.run("docker swarm init --advertise-addr 127.0.0.1")
    refused = controller.expose()
    assert refused.failures == ["swarm_mode"]
    assert "would stop witness" in refused.listener(host.name)["msg"]
    allowed = controller.expose(expose_allow_downtime=True)
    assert allowed.code == 0, allowed.failures
    assert any("witness" in warning for warning in allowed.warnings(host.name))
    assert ask(host.address, bundle=controller.client(), version=ssl.TLSVersion.TLSv1_2) == "answered"
    assert controller.expose(expose_allow_downtime=True).changed(host.name) == 0
