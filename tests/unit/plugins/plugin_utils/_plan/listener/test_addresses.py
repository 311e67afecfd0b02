# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users write for addresses, and what they are told where it is wrong."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import (
    Listen,
    check_plain_tcp,
    is_everyone,
    parse_allow,
    parse_listen,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("10.20.0.5:2376", "10.20.0.5", 2376),
        ("10.20.0.5:12376", "10.20.0.5", 12376),
        ("10.20.0.5", "10.20.0.5", 2376),
        ("tcp://10.20.0.5:2377", "10.20.0.5", 2377),
        ("tcp://10.20.0.5", "10.20.0.5", 2376),
        ("[2001:db8::5]:2377", "2001:db8::5", 2377),
        ("[2001:db8::5]", "2001:db8::5", 2376),
        ("[2001:DB8:0:0::5]:2376", "2001:db8::5", 2376),
        ("tcp://[::1]:2376", "::1", 2376),
        ("0.0.0.0:2376", "0.0.0.0", 2376),
        ("[::]:2376", "::", 2376),
        ("any:2376", "any", 2376),
        ("any", "any", 2376),
        ("docker.example.com:2376", "docker.example.com", 2376),
        ("Docker.Example.COM", "docker.example.com", 2376),
        ("web_1:1", "web_1", 1),
        ("web1:65535", "web1", 65535),
        ("br-1f2e:2376", "br-1f2e", 2376),
        ("eth0.100", "eth0.100", 2376),
        ("enp3s0f0np0:2376", "enp3s0f0np0", 2376),
        ("enP2p1s0:2376", "enp2p1s0", 2376),
    ],
)
def test_each_form_is_read(text: str, host: str, port: int) -> None:
    assert parse_listen(text) == Listen(host, port)


@pytest.mark.parametrize("text", ["10.20.0.5:2376", "[2001:db8::5]:2377", "any:2376", "web1:2376", "[::]:2376"])
def test_what_is_printed_reads_back_the_same(text: str) -> None:
    assert str(parse_listen(text)) == text


@pytest.mark.parametrize(
    ("text", "wildcard", "address"),
    [
        ("any", True, False),
        ("0.0.0.0", True, True),
        ("[::]", True, True),
        ("127.0.0.1", False, True),
        ("[::1]", False, True),
        ("web1", False, False),
    ],
)
def test_wildcards_and_addresses_are_told_apart(text: str, wildcard: bool, address: bool) -> None:
    entry = parse_listen(text)
    assert (entry.is_wildcard, entry.is_address) == (wildcard, address)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        (":2376", "any:2376"),
        ("tcp://:2376", "any:2376"),
        ("", "any:2376"),
        ("[]:2376", "any:2376"),
        ("2001:db8::5", "[2001:db8::5]:2376"),
        ("::1", "[::1]:2376"),
        ("10.20.0.5:0", "10.20.0.5:2376"),
        ("10.20.0.5:65536", "10.20.0.5:2376"),
        ("web1:99999", "web1:2376"),
        ("10.20.0.256:2376", "Correct the address"),
        ("10.20.5:2376", "Correct the address"),
        ("2376", "Correct the address"),
        ("[2001:db8::x]:2376", "Correct the address"),
        ("we b:2376", "Correct the address"),
        ("wéb:2376", "Correct the address"),
        ("web1\n:2376", "Correct the address"),
        ("http://web1", "ADDRESS:2376"),
        ("web1/path:2376", "ADDRESS:2376"),
        ("web1:", "ADDRESS:2376"),
        ("web1:docker", "ADDRESS:2376"),
        ("unix:///run/docker.sock", "2376"),
        ("eth0@if5:2376", "Correct the address"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_cure(text: str, cure: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_listen(text)
    assert failure.value.key == "invalid_listen"
    assert repr(text) in str(failure.value)
    assert cure in str(failure.value)


@pytest.mark.parametrize(
    ("entries", "networks"),
    [
        ([], ()),
        (["10.20.0.5"], ("10.20.0.5/32",)),
        (["10.20.0.0/24"], ("10.20.0.0/24",)),
        (["10.20.0.0/255.255.255.0"], ("10.20.0.0/24",)),
        (["2001:db8::/32"], ("2001:db8::/32",)),
        (["2001:DB8::5"], ("2001:db8::5/128",)),
        (["any"], ("0.0.0.0/0", "::/0")),
        (["0.0.0.0/0"], ("0.0.0.0/0",)),
        (["10.20.0.5", "10.20.0.5/32", "10.20.0.5"], ("10.20.0.5/32",)),
        (["::1", "10.0.0.10", "10.0.0.9", "10.0.0.0/8"], ("10.0.0.0/8", "10.0.0.9/32", "10.0.0.10/32", "::1/128")),
    ],
)
def test_the_access_list_becomes_sorted_networks(entries: list[str], networks: tuple[str, ...]) -> None:
    assert parse_allow(entries) == networks


@pytest.mark.parametrize(
    ("entry", "cure"),
    [
        ("10.20.0.5/24", "10.20.0.0/24 for the network, or 10.20.0.5 for this one machine"),
        ("2001:db8::5/64", "2001:db8::/64 for the network, or 2001:db8::5 for this one machine"),
        ("office", "10.20.0.0/24"),
        ("10.20.0.0/33", "10.20.0.0/24"),
        ("10.20.0", "10.20.0.0/24"),
        ("", "10.20.0.0/24"),
        ("ANY ", "10.20.0.0/24"),
        ("10.20.0.0-10.20.0.9", "10.20.0.0/24"),
    ],
)
def test_a_wrong_access_list_entry_is_refused_with_its_cure(entry: str, cure: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_allow(["127.0.0.1", entry])
    assert failure.value.key == "invalid_allow"
    assert repr(entry) in str(failure.value)
    assert cure in str(failure.value)


@pytest.mark.parametrize(
    ("entries", "everyone"),
    [
        (["any"], True),
        (["0.0.0.0/0"], True),
        (["::/0"], True),
        (["10.0.0.5", "::/0"], True),
        (["0.0.0.0/1", "128.0.0.0/1"], True),
        (["128.0.0.0/1"], True),
        (["2000::/3"], True),
        (["10.0.0.0/7"], True),
        (["10.0.0.0/8", "12.0.0.0/8"], True),
        ([f"{first}.0.0.0/8" for first in range(0, 256, 2)], True),
        (["10.0.0.0/8"], False),
        (["10.0.0.0/8", "10.20.0.0/16", "10.0.0.0/9"], False),
        (["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/16", "fd00::/8"], False),
        (["10.20.0.5"], False),
        ([], False),
    ],
)
def test_everyone_is_known_in_parts_too(entries: list[str], everyone: bool) -> None:
    assert is_everyone(parse_allow(entries)) is everyone


@pytest.mark.parametrize(
    ("insecure", "allow", "failure_key", "cure"),
    [
        (False, ["10.0.0.0/24"], "insecure_not_confirmed", "expose_insecure"),
        (False, ["any"], "insecure_not_confirmed", "expose_insecure"),
        (True, ["any"], "insecure_everyone", "expose_allow"),
    ],
)
def test_plain_tcp_is_refused_unless_meant_and_for_few(
    insecure: bool, allow: list[str], failure_key: str, cure: str
) -> None:
    with pytest.raises(Failure) as failure:
        check_plain_tcp(insecure, parse_allow(allow))
    assert failure.value.key == failure_key
    assert cure in str(failure.value)
    check_plain_tcp(True, parse_allow(["10.0.0.0/24"]))
    check_plain_tcp(True, ())
