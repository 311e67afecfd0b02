# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network interfaces: what the kernel tells of their addresses, and which of them daemons can be reached at."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import interfaces
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.interfaces import (
    Address,
    addresses_of,
    is_interface,
    parse_addresses,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

PERMANENT, TEMPORARY, DUPLICATE, DEPRECATED, TENTATIVE = 0x80, 0x01, 0x08, 0x20, 0x40
LO, ETH1 = 1, 7
DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def _message(index: int, address: str, *, flags: int = PERMANENT, peer: str | None = None) -> bytes:
    """An RTM_NEWADDR as the kernel writes it; IFA_LABEL comes along to be passed over."""
    ip = ipaddress.ip_address(address)
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    body = struct.pack("=BBBBI", family, 24, flags, 0, index)
    attributes = [(1, ipaddress.ip_address(peer).packed if peer else ip.packed), (3, b"eth1\0")]
    if peer or ip.version == 4:
        attributes.append((2, ip.packed))
    for kind, value in attributes:
        body += struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def test_a_dump_is_read_from_both_families_until_its_end() -> None:
    datagram = _message(LO, "127.0.0.1") + _message(ETH1, "10.0.0.8") + _message(ETH1, "fd00::8", flags=TENTATIVE)
    addresses = [
        Address(LO, ipaddress.ip_address("127.0.0.1"), PERMANENT),
        Address(ETH1, ipaddress.ip_address("10.0.0.8"), PERMANENT),
        Address(ETH1, ipaddress.ip_address("fd00::8"), TENTATIVE),
    ]
    assert parse_addresses(datagram) == (addresses, False)
    assert parse_addresses(datagram + DONE) == (addresses, True)
    assert parse_addresses(DONE) == ([], True)


@pytest.mark.parametrize(("own", "peer"), [("10.8.0.1", "10.8.0.2"), ("fd00::1", "fd00::2")])
def test_of_a_tunnel_it_is_this_end_that_counts(own: str, peer: str) -> None:
    ((address,), _ended) = parse_addresses(_message(ETH1, own, peer=peer))
    assert str(address.ip) == own


def test_what_the_kernel_refuses_is_an_error() -> None:
    refusal = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -errno.EPERM) + b"\0" * 16
    with pytest.raises(OSError, match="the kernel") as error:
        parse_addresses(refusal)
    assert error.value.errno == errno.EPERM


@pytest.mark.parametrize("datagram", [b"", b"\0" * 8, _message(ETH1, "10.0.0.8")[:20] + b"\0" * 8])
def test_what_is_cut_off_keeps_nobody_waiting(datagram: bytes) -> None:
    assert parse_addresses(datagram)[0] == []


def _host(
    monkeypatch: pytest.MonkeyPatch, *addresses: tuple[int, str, int], names: tuple[str, ...] = ("eth1",)
) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(LO, "lo"), *((ETH1 + n, x) for n, x in enumerate(names))])
    told = [Address(index, ipaddress.ip_address(text), flags) for index, text, flags in addresses]
    monkeypatch.setattr(interfaces, "_ask_kernel", lambda: told)


def test_all_usable_addresses_come_in_the_same_order_always(monkeypatch: pytest.MonkeyPatch) -> None:
    own = [
        (ETH1, "fd00::8", PERMANENT),
        (ETH1, "10.0.0.7", PERMANENT | TEMPORARY),
        (ETH1, "10.0.0.8", PERMANENT),
        (ETH1, "2001:db8::8", DEPRECATED),
        (LO, "127.0.0.1", PERMANENT),
        (ETH1 + 1, "10.9.9.9", PERMANENT),
    ]
    for told in (own, own[::-1]):
        _host(monkeypatch, *told)
        # The second address of a network (IFA_F_SECONDARY, which is the same bit as IFA_F_TEMPORARY) comes last.
        assert addresses_of("eth1") == ["10.0.0.8", "10.0.0.7", "2001:db8::8", "fd00::8"]


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        ("fe80::8", PERMANENT),
        ("169.254.0.8", PERMANENT),
        ("2001:db8::abcd", TEMPORARY),
        ("2001:db8::abcd", PERMANENT | DUPLICATE),
    ],
)
def test_addresses_that_change_or_lead_nowhere_are_none(
    address: str, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _host(monkeypatch, (ETH1, address, flags))
    assert addresses_of("eth1") == []
    _host(monkeypatch, (ETH1, address, flags), (ETH1, "10.0.0.8", PERMANENT))
    assert addresses_of("eth1") == ["10.0.0.8"]


def test_the_loopback_interface_is_its_loopback_addresses_unless_it_has_others(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback = [(LO, "127.0.0.1", PERMANENT), (LO, "::1", PERMANENT)]
    _host(monkeypatch, *loopback)
    assert addresses_of("lo") == ["127.0.0.1", "::1"]
    _host(monkeypatch, *loopback, (LO, "192.0.2.1", PERMANENT))
    assert addresses_of("lo") == ["192.0.2.1"]


def test_what_is_no_interface_is_told_from_one_without_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    _host(monkeypatch)
    assert (addresses_of("web1"), is_interface("web1")) == (None, False)
    assert (addresses_of("eth1"), is_interface("eth1")) == ([], True)


def test_capitals_do_not_matter_where_names_are_told_apart_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _host(monkeypatch, (ETH1, "10.0.0.8", PERMANENT), names=("enP2p1s0",))
    assert addresses_of("enp2p1s0") == ["10.0.0.8"]
    _host(monkeypatch, names=("lan", "LAN"))
    with pytest.raises(Failure) as failure:
        is_interface("lan")
    assert failure.value.key == "listen_unresolvable"
    assert "LAN and lan" in str(failure.value)


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_kernel_of_this_machine_tells() -> None:
    assert is_interface("lo")
    assert "127.0.0.1" in [str(address.ip) for address in interfaces._ask_kernel()]
    assert all(
        isinstance(address, str) for _index, name in socket.if_nameindex() for address in addresses_of(name) or []
    )
