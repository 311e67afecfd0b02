# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who reaches the port: with nftables, firewalld and ufw, from other machines, the host itself and its containers."""

from __future__ import annotations

import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack import ADMIN, CLIENT_KEY, LOCAL_USER, NETWORK, attack
from tests.integration.conftest import OUTSIDE, RESET
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.integration.snapshot import started_at
from tests.lab.engine import GATEWAY, Engine
from tests.lab.hosts import Host
from tests.shown import inline

#: The gateway's own IPv6 address, and one of it that is in no access list.
GATEWAY_IPV6, OUTSIDE_IPV6 = "fd77:6777::1", "fd77:6777::ffff"
INSIDE = [GATEWAY, GATEWAY_IPV6]
EVERYWHERE = {"expose_listen": ["any:2376"], "expose_allow": INSIDE}
_FILES = "find /etc/systemd/system /var/lib -name '*gangway*'"
_DISABLE = "systemctl disable --now firewalld.service ufw.service; ufw --force reset; rm -f /etc/ufw/*.rules.2*; "
_ENABLE = {
    # dockerd puts its bridges in a zone of its own where firewalld runs.
    "firewalld": "systemctl enable --now firewalld.service && firewall-cmd --state && systemctl restart docker.service",
    "ufw": "systemctl enable ufw.service && ufw allow 22/tcp && ufw allow 2376 && ufw --force enable && "
    "systemctl restart docker.service",
}
#: What the documentation says to type: to start it, and to see our rules.
_START = {
    "firewalld": inline("docs/troubleshooting.md", "systemctl start firewalld"),
    "ufw": inline("docs/troubleshooting.md", "ufw enable"),
}
_LOOK = {
    "firewalld": inline("docs/troubleshooting.md", "firewall-cmd --info-policy=gangway-docker"),
    "ufw": inline("docs/troubleshooting.md", "ufw status"),
}


@pytest.fixture(scope="module", autouse=True)
def _outside_ipv6(engine: Engine) -> None:
    words = ["ip", "-6", "address", "replace", f"{OUTSIDE_IPV6}/64", "dev", "gangway-lab0", "nodad"]
    subprocess.run(engine.inside(words), check=True, capture_output=True)


@pytest.fixture(params=["firewalld", "ufw"])
def firewall(request: pytest.FixtureRequest) -> str:
    return t.cast("str", request.param)


@pytest.fixture
def firewall_host(request: pytest.FixtureRequest, lab: t.Callable[..., Host], firewall: str) -> Iterator[Host]:
    """A host where one of these firewalls is in force, and has not heard of us."""
    host = lab(f"{request.config.getoption('--prefix')}-firewall", "bookworm-firewall")
    host.run(_DISABLE + RESET)
    host.run(_ENABLE[firewall])
    yield host
    host.run(_DISABLE)


@pytest.fixture
def firewall_controller(tmp_path: Path, firewall_host: Host) -> Controller:
    return Controller(tmp_path, [firewall_host])


def _seen(host: Host, controller: Controller, port: int = 2376) -> dict[str, str]:
    """What comes of connecting from everywhere."""

    def asked(address: str, source: str) -> str:
        return ask(address, bundle=controller.client(), port=port, source=source, timeout=2)

    return {
        "inside, IPv4": asked(host.address, GATEWAY),
        "inside, IPv6": asked(host.address_ipv6, GATEWAY_IPV6),
        "outside, IPv4": asked(host.address, OUTSIDE),
        "outside, IPv6": asked(host.address_ipv6, OUTSIDE_IPV6),
        "a container, the host's address": _from_container(host, host.address, port),
        "a container, the bridge's address": _from_container(host, "172.17.0.1", port),
        "a container of a network of its own": _from_container(host, host.address, port, network="own"),
    }


def _from_container(host: Host, address: str, port: int, network: str = "bridge") -> str:
    connect = f"nc -w 2 {address} {port} </dev/null >/dev/null 2>&1 && echo connected || echo dropped"
    return host.run(
        f"docker network inspect {network} >/dev/null 2>&1 || docker network create {network} >/dev/null; "
        f"docker run --rm --network {network} bb sh -c '{connect}'"
    ).stdout.strip()


#: What M(_seen) has to say where only INSIDE may connect.
ONLY_INSIDE = {
    "inside, IPv4": "answered",
    "inside, IPv6": "answered",
    "outside, IPv4": "dropped",
    "outside, IPv6": "dropped",
    "a container, the host's address": "dropped",
    "a container, the bridge's address": "dropped",
    "a container of a network of its own": "dropped",
}


def _wait_for_table(host: Host) -> None:
    host.run(
        "for _ in $(seq 100); do nft list chain inet gangway_docker gate 2>/dev/null | grep -q iif && exit; "
        "sleep 0.02; done; false"
    )


@pytest.mark.one_host
def test_without_a_list_containers_would_get_to_the_port(host: Host, controller: Controller) -> None:
    """What the other tests see dropped would be let in without the rules."""
    assert controller.expose(expose_firewall="nftables", **{**EVERYWHERE, "expose_allow": ["any"]}).code == 0
    assert set(_seen(host, controller).values()) == {"answered", "connected"}


@attack("Connects from a container, with a valid certificate", by=LOCAL_USER, expected="Its packets are dropped")
@pytest.mark.one_host
def test_without_a_list_the_table_has_the_gate(host: Host, controller: Controller) -> None:
    wanted = {"expose_method": "override", "expose_firewall": "none", **EVERYWHERE}
    outcome = controller.expose(**wanted)
    assert outcome.code == 0, outcome.failures
    assert set(_seen(host, controller).values()) == {"answered", "connected"}
    again = controller.expose(**wanted)
    assert (again.code, again.changed(host.name)) == (0, 0)
    # Narrow, as after each start of dockerd.
    host.run("nft -f /var/lib/gangway-docker/firewall.nft")
    assert set(_seen(host, controller).values()) == {"dropped"}
    assert "connected" in host.run("bash -c '</dev/tcp/127.0.0.1/2376' && echo connected").stdout


@pytest.mark.one_host
@pytest.mark.parametrize("method", ["socket", "override"])
def test_nftables_lets_in_only_who_is_listed(host: Host, controller: Controller, method: str) -> None:
    wanted = {"expose_firewall": "nftables", "expose_method": method, **EVERYWHERE}
    checked = controller.expose("--check", **wanted)
    assert (checked.code, checked.listener(host.name)["changed"]) == (0, True)
    assert host.run("nft list table inet gangway_docker", check=False).returncode != 0
    outcome = controller.expose(**wanted)
    assert outcome.code == 0, outcome.failures
    assert _seen(host, controller) == ONLY_INSIDE
    again = controller.expose(**wanted)
    assert (again.code, again.changed(host.name)) == (0, 0)


@pytest.mark.one_host
def test_only_the_addresses_that_are_listened_on_are_guarded(host: Host, controller: Controller) -> None:
    outcome = controller.expose(
        expose_firewall="nftables", expose_listen=[f"{host.address}:2376"], expose_allow=[GATEWAY]
    )
    assert outcome.code == 0, outcome.failures
    host.run("systemd-run --quiet --unit=neighbour busybox nc -lk -p 2376 -s 127.0.0.1 -e true; sleep 0.3")
    rules = host.run("nft list table inet gangway_docker").stdout
    assert f"{host.address} . 2376" in rules
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2) == "dropped"
    host.run("systemctl stop neighbour.service")


@attack(
    "Connects with a valid certificate after its address was removed from the access list",
    by=CLIENT_KEY,
    expected="Its packets are dropped",
)
@pytest.mark.one_host
def test_whoever_leaves_the_list_is_shut_out_at_once(host: Host, controller: Controller) -> None:
    wide = {**EVERYWHERE, "expose_allow": ["172.30.77.0/24", "fd77:6777::/64"]}
    assert controller.expose(expose_firewall="nftables", **wide).code == 0
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE) == "answered"
    assert ask(host.address_ipv6, bundle=controller.client(), source=OUTSIDE_IPV6) == "answered"
    assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
    assert _seen(host, controller) == ONLY_INSIDE


@attack(
    "Connects during a boot, before the nftables rules are loaded",
    by=NETWORK,
    expected="The port opens after the rules",
)
@pytest.mark.one_host
def test_the_rules_are_there_before_the_port_after_a_reboot(host: Host, controller: Controller) -> None:
    host.run("systemctl enable nftables.service")
    try:
        assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
        host.reboot()
        assert _seen(host, controller) == ONLY_INSIDE
        show = "systemctl show --value --property={} {}"
        loaded = host.run(show.format("ActiveEnterTimestampMonotonic", "docker-gangway-firewall.service")).stdout
        opened = host.run(show.format("InactiveExitTimestampMonotonic", "docker-gangway.socket")).stdout
        assert 0 < int(loaded) < int(opened)
        assert "cycle" not in host.run("journalctl --boot --unit=init.scope --unit=docker-gangway-firewall").stdout
        again = controller.expose(expose_firewall="nftables", **EVERYWHERE)
        assert (again.code, again.changed(host.name)) == (0, 0)
    finally:
        host.run("systemctl disable nftables.service")


FLUSHES = (
    "systemctl reload nftables.service",
    "systemctl restart nftables.service",
    "nft -f /etc/nftables.conf",
    "nft flush ruleset",
    "nft flush table inet gangway_docker",
    "systemctl stop nftables.service",
)


@attack("Flushes the nftables ruleset, or reloads nftables.service", by=ADMIN, expected="The rules are loaded again")
@pytest.mark.flavours("bookworm", "sid")
def test_the_rules_come_back_when_others_flush_them(host: Host, controller: Controller) -> None:
    host.run("systemctl start nftables.service")
    assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
    for flush in FLUSHES:
        host.run(flush)
        _wait_for_table(host)
        # Docker's own rules went as well, and with them its containers' network.
        seen = {
            source: ask(host.address, bundle=controller.client(), source=source, timeout=2)
            for source in (GATEWAY, OUTSIDE)
        }
        assert seen == {GATEWAY: "answered", OUTSIDE: "dropped"}, flush
    again = controller.expose(expose_firewall="nftables", **EVERYWHERE)
    assert (again.code, again.changed(host.name)) == (0, 0)
    host.run("systemctl restart docker.service")


@attack("Adds an address to the nftables table", by=ADMIN, expected="The next run removes it")
@pytest.mark.one_host
def test_rules_that_someone_changed_are_put_right(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
    # The unit that watches would put it right at once.
    host.run("systemctl stop docker-gangway-firewall-watch.service")
    host.run(f"nft add element inet gangway_docker from_ipv4 '{{ {OUTSIDE} }}'")
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE) == "answered"
    mended = controller.expose(expose_firewall="nftables", **EVERYWHERE)
    assert (mended.code, mended.listener(host.name)["changed"]) == (0, True)
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2) == "dropped"


@pytest.mark.one_host
def test_stopping_the_units_of_the_rules_opens_nothing(host: Host, controller: Controller) -> None:
    """dockerd keeps a port that it was handed, whatever becomes of the units."""
    assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
    host.run("systemctl stop docker-gangway-firewall.service")
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2) in ("dropped", "closed")


@attack("Breaks the file with the nftables rules, and reboots", by=ADMIN, expected="The port is closed; dockerd runs")
@pytest.mark.one_host
def test_rules_that_can_not_be_loaded_keep_the_port_closed(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
    host.run("echo nonsense > /var/lib/gangway-docker/firewall.nft")
    host.reboot()
    assert ask(host.address, bundle=controller.client(), timeout=2) == "closed"
    host.run("docker version")
    mended = controller.expose(expose_firewall="nftables", **EVERYWHERE)
    assert mended.code == 0, mended.failures
    assert _seen(host, controller) == ONLY_INSIDE


@pytest.mark.one_host
def test_withdrawing_takes_the_rules_away(host: Host, controller: Controller) -> None:
    before = host.run(f"nft list tables | sort; {_FILES}").stdout
    assert controller.expose(expose_firewall="nftables", **EVERYWHERE).code == 0
    assert controller.withdraw(expose_firewall="nftables").code == 0
    assert host.run(f"nft list tables | sort; {_FILES}").stdout == before
    assert host.run("pgrep --exact nft", check=False).stdout == ""


def test_firewalld_and_ufw_let_in_only_who_is_listed(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    host, controller = firewall_host, firewall_controller
    wanted = {"expose_firewall": firewall, **EVERYWHERE}
    before = _etc(host)
    checked = controller.expose("--check", **wanted)
    assert checked.code == 0, checked.failures
    assert _etc(host) == before
    outcome = controller.expose(**wanted)
    assert outcome.code == 0, outcome.failures
    assert outcome.changed(host.name) == checked.changed(host.name)
    assert _seen(host, controller) == ONLY_INSIDE
    assert "gangway-docker" in host.run(f"{_START[firewall]} && {_LOOK[firewall]}").stdout
    again = controller.expose(**wanted)
    assert (again.code, again.changed(host.name)) == (0, 0)

    host.reboot()
    assert _seen(host, controller) == ONLY_INSIDE

    gone = controller.withdraw(**wanted)
    assert gone.code == 0, gone.failures
    assert _etc(host) == before
    again = controller.withdraw(**wanted)
    assert (again.code, again.changed(host.name)) == (0, 0)


@pytest.mark.due("ufw")
def test_firewalld_and_ufw_forget_what_is_no_longer_asked_for(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    host, controller = firewall_host, firewall_controller
    first = {"expose_listen": ["any:2377"], "expose_allow": ["172.30.77.0/24", "fd77:6777::/64"]}
    assert controller.expose(expose_firewall=firewall, **first).code == 0
    before = _etc(host)
    assert "2377" in before
    assert controller.expose(expose_firewall=firewall, **EVERYWHERE).code == 0
    assert "2377" not in _etc(host)
    assert _seen(host, controller) == ONLY_INSIDE
    assert controller.expose(expose_firewall=firewall, **first).code == 0
    assert _etc(host) == before


@pytest.mark.due("firewalld")
def test_firewalld_and_ufw_guard_only_the_addresses_that_are_listened_on(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    host, controller = firewall_host, firewall_controller
    wanted = {"expose_firewall": firewall, "expose_listen": [f"{host.address}:2376"], "expose_allow": [GATEWAY]}
    assert controller.expose(**wanted).code == 0
    assert _seen(host, controller)["inside, IPv4"] == "answered"
    assert _seen(host, controller)["outside, IPv4"] == "dropped"
    # Nobody listens there, and firewalld and ufw answer as they did before.
    rules = [line for line in _etc(host).splitlines() if "gangway" in line or "2376" in line]
    assert not any(host.address_ipv6 in line for line in rules)


@pytest.mark.due("ufw")
def test_firewalld_and_ufw_are_cleared_without_their_name_while_they_are_stopped(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    host, controller = firewall_host, firewall_controller
    before = _etc(host)
    assert controller.expose(expose_firewall=firewall, **EVERYWHERE).code == 0
    host.run("systemctl stop firewalld.service; ufw disable")
    assert controller.withdraw().code == 0
    host.run(_ENABLE[firewall])
    assert _etc(host) == before


@pytest.mark.due("ufw")
def test_changing_from_one_firewall_to_another_removes_the_first_ones_rules(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    host, controller = firewall_host, firewall_controller
    before = _etc(host)
    assert controller.expose(expose_firewall=firewall, **EVERYWHERE).code == 0
    outcome = controller.expose(expose_firewall="nftables", **EVERYWHERE)
    assert outcome.code == 0, outcome.failures
    assert _etc(host) == before
    assert _seen(host, controller)["outside, IPv4"] == "dropped"


@pytest.mark.soak
def test_a_firewall_that_is_stopped_leaves_the_list_in_force(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    """After the run, nobody asks whether it still runs."""
    host, controller = firewall_host, firewall_controller
    outcome = controller.expose(expose_method="override", expose_firewall=firewall, **EVERYWHERE)
    assert outcome.code == 0, outcome.failures
    assert _seen(host, controller) == ONLY_INSIDE
    again = controller.expose(expose_method="override", expose_firewall=firewall, **EVERYWHERE)
    assert (again.code, again.changed(host.name)) == (0, 0)
    host.run("ufw disable; systemctl disable --now firewalld.service ufw.service; systemctl restart docker.service")
    assert _seen(host, controller) == ONLY_INSIDE
    host.reboot()
    assert _seen(host, controller) == ONLY_INSIDE


def test_a_firewall_that_is_not_in_force_is_not_relied_on(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    firewall_host.run("systemctl stop firewalld.service; ufw disable")
    outcome = firewall_controller.expose(expose_firewall=firewall, **EVERYWHERE)
    assert outcome.failed(firewall_host.name)
    assert outcome.failures == ["firewall_inactive"]
    assert ask(firewall_host.address) == "closed"


@attack(
    "firewalld or ufw is stopped and disabled while it holds the access list",
    by=ADMIN,
    expected="Nobody outside the access list gets through after the next run, or after the next start of dockerd",
)
@pytest.mark.due("firewalld")
def test_a_firewall_that_is_stopped_later_leaves_no_open_port(
    firewall_host: Host, firewall_controller: Controller, firewall: str
) -> None:
    host, controller = firewall_host, firewall_controller
    wanted = {"expose_firewall": firewall, **EVERYWHERE}
    container = started_at(host)
    seen = {}
    for first in ("run", "start"):
        assert controller.expose(**wanted).code == 0
        host.run("ufw disable; systemctl disable --now firewalld.service ufw.service")
        if first == "run":
            assert controller.expose(**wanted).failures == ["firewall_inactive"]
        else:
            host.run("systemctl reset-failed --all 'docker*'; systemctl restart docker.service", check=False)
        seen[first] = ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2)
        assert host.run("docker version", check=False).returncode == 0
        assert started_at(host) == container
        host.run(_ENABLE[firewall])
    assert {first: how for first, how in seen.items() if how not in ("dropped", "closed", "silent")} == {}


def _etc(host: Host) -> str:
    """All that firewalld and ufw keep."""
    return host.run("grep --recursive '' /etc/firewalld /etc/ufw | grep --invert-match /zones/docker.xml | sort").stdout
