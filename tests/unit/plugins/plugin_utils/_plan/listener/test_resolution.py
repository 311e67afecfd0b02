# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that listen and allow stand for on a host, from what it reported."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observation import Observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import Listen, parse_listen
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.resolution import (
    allow_of,
    interfaces_in,
    listen_of,
    names_to_resolve,
)

from ..hosts import HOSTS


def _observation(**reported: t.Any) -> Observation:
    """A host with eth1, wg0 without an address, an interface with a domain's name, and two that differ in case."""
    places = [
        ("lo", "127.0.0.1", True),
        ("lo", "::1", True),
        ("eth0", "10.0.0.4", True),
        ("eth0", "10.0.0.5", True),
        ("eth1", "10.0.0.8", True),
        ("eth1", "fd00::8", True),
        ("eth1", "fe80::8", False),
        ("docker.example.com", "10.0.0.9", True),
        ("enP2p1s0", "10.0.0.10", True),
        ("tun0", "fe80::1", False),
    ]
    return parse_observation(
        HOSTS["docker-ce"]
        .reporting(
            interfaces=["lo", "eth0", "eth1", "wg0", "docker.example.com", "enP2p1s0", "tun0", "Vpn", "vpn"],
            addresses=[{"interface": i, "address": a, "usable": usable} for i, a, usable in places],
            **reported,
        )
        .observation()
    )


def _resolved(name: str, *addresses: str) -> Observation:
    found = {"addresses": list(addresses)} if addresses else {"error": "Name or service not known"}
    return _observation(resolved={name: found})


@pytest.mark.parametrize("text", ["10.0.0.5:2376", "[::1]:2376", "any:2376", "0.0.0.0:2376"])
def test_addresses_and_wildcards_are_not_looked_up(text: str) -> None:
    entry = parse_listen(text)
    assert names_to_resolve([entry]) == []
    assert listen_of([entry], _observation(), 2376) == (entry,)


def test_names_are_asked_for_once() -> None:
    assert names_to_resolve(map(parse_listen, ["web1:1", "10.0.0.5", "web1:2", "any", "eth1"])) == ["web1", "eth1"]


@pytest.mark.parametrize(
    ("name", "addresses", "resolved"),
    [
        ("web1", ["10.0.0.5"], ["10.0.0.5"]),
        ("web1", ["10.0.0.5", "10.0.0.5", "10.0.0.4"], ["10.0.0.4", "10.0.0.5"]),
        ("web1", ["127.0.1.1", "10.0.0.5"], ["10.0.0.5"]),
        ("web1", ["10.0.0.77", "10.0.0.5", "192.0.2.1"], ["10.0.0.5"]),
        ("web1", ["fe80::1%eth0"], ["fe80::1"]),
        ("localhost", ["127.0.0.1", "::1"], ["127.0.0.1", "::1"]),
    ],
)
def test_a_name_becomes_the_addresses_that_lead_outward(name: str, addresses: list[str], resolved: list[str]) -> None:
    observation = _resolved(name, *addresses)
    assert listen_of([Listen(name, 2377)], observation, 2376) == tuple(Listen(address, 2377) for address in resolved)
    assert interfaces_in([Listen(name, 2377)], observation) == []


@pytest.mark.parametrize("addresses", [[], ["127.0.1.1"], ["::1", "127.0.0.1"]])
def test_a_name_that_leads_nowhere_from_outside_is_refused(addresses: list[str]) -> None:
    with pytest.raises(Failure) as failure:
        listen_of([Listen("web1", 2376)], _resolved("web1", *addresses), 2376)
    assert failure.value.key == "listen_unresolvable"
    assert "listen entry web1:2376" in str(failure.value)


@pytest.mark.parametrize("addresses", [["10.0.0.77"], ["192.0.2.1", "127.0.0.1"]])
def test_a_name_of_another_machine_is_refused(addresses: list[str]) -> None:
    with pytest.raises(Failure, match="no network interface there has that") as failure:
        listen_of([Listen("web1", 2376)], _resolved("web1", *addresses), 2376)
    assert failure.value.key == "listen_unresolvable"


def test_a_name_that_is_no_interface_and_can_not_be_resolved_names_the_interfaces() -> None:
    with pytest.raises(Failure, match=r"it has lo, eth0, eth1, wg0, .*Name or service not known"):
        listen_of([Listen("eth9", 2376)], _resolved("eth9"), 2376)


@pytest.mark.parametrize(
    ("name", "resolved"),
    [("eth1", ["10.0.0.8", "fd00::8"]), ("docker.example.com", ["10.0.0.9"]), ("enp2p1s0", ["10.0.0.10"])],
)
def test_an_interface_becomes_its_addresses_whatever_its_name_means_elsewhere(name: str, resolved: list[str]) -> None:
    observation = _resolved(name, "192.0.2.1")
    assert listen_of([Listen(name, 2377)], observation, 2376) == tuple(Listen(address, 2377) for address in resolved)
    assert interfaces_in([Listen(name, 2377)], observation) == [name]


def test_loopback_is_used_only_if_asked_for() -> None:
    assert listen_of([Listen("lo", 2376)], _observation(), 2376) == (Listen("127.0.0.1", 2376), Listen("::1", 2376))


@pytest.mark.parametrize("name", ["wg0", "tun0"])
def test_an_interface_without_an_address_is_refused_and_not_looked_up(name: str) -> None:
    with pytest.raises(Failure) as failure:
        listen_of([Listen(name, 2376)], _resolved(name, "192.0.2.1"), 2376)
    assert failure.value.key == "listen_unresolvable"
    assert f"{name}:2376" in str(failure.value)
    assert "has no address" in str(failure.value)
    assert "Give the interface an address" in str(failure.value)


def test_interfaces_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(Failure, match="Vpn and vpn differ in case only"):
        listen_of([Listen("vpn", 2376)], _observation(), 2376)


def test_several_entries_give_each_address_once() -> None:
    entries = [parse_listen(text) for text in ("eth1:2376", "10.0.0.8:2376", "10.0.0.8:2377")]
    assert [str(entry) for entry in listen_of(entries, _observation(), 2376)] == [
        "10.0.0.8:2376",
        "[fd00::8]:2376",
        "10.0.0.8:2377",
    ]


def test_without_a_list_it_is_both_ends_of_the_connection() -> None:
    observation = _observation(connection={"client": "10.0.0.1", "server": "10.0.0.8"})
    assert listen_of((), observation, 2376) == (Listen("10.0.0.8", 2376),)
    assert allow_of((), observation) == ("10.0.0.1/32",)
    assert allow_of(("10.0.0.0/24",), observation) == ("10.0.0.0/24",)


def test_without_a_list_and_a_connection_it_is_refused() -> None:
    observation = _observation(connection=None)
    with pytest.raises(Failure) as failure:
        listen_of((), observation, 2376)
    assert failure.value.key == "listen_unknown"
    with pytest.raises(Failure) as failure:
        allow_of((), observation)
    assert failure.value.key == "allow_unknown"
