# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network interfaces: the kernel's addresses of them, and at which of them daemons can be reached."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe import interfaces
from ansible_collections.gangway.docker.plugins.module_utils._observe.interfaces import Address, parse_addresses

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
        Address(LO, ipaddress.ip_address("127.0.0.1").packed, PERMANENT),
        Address(ETH1, ipaddress.ip_address("10.0.0.8").packed, PERMANENT),
        Address(ETH1, ipaddress.ip_address("fd00::8").packed, TENTATIVE),
    ]
    assert parse_addresses(datagram) == (addresses, False)
    assert parse_addresses(datagram + DONE) == (addresses, True)
    assert parse_addresses(DONE) == ([], True)


@pytest.mark.parametrize(("own", "peer"), [("10.8.0.1", "10.8.0.2"), ("fd00::1", "fd00::2")])
def test_of_a_tunnel_it_is_this_end_that_counts(own: str, peer: str) -> None:
    ((address,), _ended) = parse_addresses(_message(ETH1, own, peer=peer))
    assert interfaces.as_text(address.packed) == own


def test_what_the_kernel_refuses_is_an_error() -> None:
    refusal = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -errno.EPERM) + b"\0" * 16
    with pytest.raises(OSError, match="the kernel") as error:
        parse_addresses(refusal)
    assert error.value.errno == errno.EPERM


@pytest.mark.parametrize("datagram", [b"", b"\0" * 8, _message(ETH1, "10.0.0.8")[:20] + b"\0" * 8])
def test_what_is_cut_off_keeps_nobody_waiting(datagram: bytes) -> None:
    assert parse_addresses(datagram)[0] == []


NAMES = {LO: "lo", ETH1: "eth1"}


def _addresses(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, str, int]) -> list[tuple[str, str, bool]]:
    kernel = [Address(index, ipaddress.ip_address(text).packed, flags) for index, text, flags in found]
    monkeypatch.setattr(interfaces, "_ask_kernel", lambda: kernel)
    return [(entry["interface"], entry["address"], entry["usable"]) for entry in interfaces.addresses(NAMES)]


def test_addresses_come_in_the_same_order_always(monkeypatch: pytest.MonkeyPatch) -> None:
    own = [
        (ETH1, "fd00::8", PERMANENT),
        (ETH1, "10.0.0.7", PERMANENT | TEMPORARY),
        (ETH1, "10.0.0.8", PERMANENT),
        (ETH1, "2001:db8::8", DEPRECATED),
        (LO, "127.0.0.1", PERMANENT),
        (ETH1 + 1, "10.9.9.9", PERMANENT),
    ]
    for found in (own, own[::-1]):
        # The interface of the last one is gone already.
        assert _addresses(monkeypatch, *found) == [
            ("eth1", "10.0.0.8", True),
            ("lo", "127.0.0.1", True),
            ("eth1", "10.0.0.7", True),
            ("eth1", "2001:db8::8", True),
            ("eth1", "fd00::8", True),
        ]


@pytest.mark.parametrize(
    ("address", "flags"),
    [("fe80::1", PERMANENT), ("169.254.3.4", 0), ("2001:db8::9", TEMPORARY), ("fd00::9", DUPLICATE)],
)
def test_addresses_that_change_or_lead_nowhere_are_not_usable(
    address: str, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _addresses(monkeypatch, (ETH1, address, flags)) == [("eth1", address, False)]


def test_a_kernel_without_netlink_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> list[Address]:
        raise OSError(errno.EPERM, "the kernel does not list its addresses")

    monkeypatch.setattr(interfaces, "_ask_kernel", refuse)
    assert interfaces.addresses(NAMES) == []


def test_a_name_is_resolved_or_its_error_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(0, 0, 0, "", (address, 0)) for address in ("fe80::1%eth1", "10.0.0.5", "10.0.0.5", "10.0.0.4")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_words, **_options: found)
    assert interfaces.resolve("web1") == {"addresses": ["10.0.0.4", "10.0.0.5", "fe80::1"]}

    def fail(*_words: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert interfaces.resolve("web1") == {"error": "Name or service not known"}


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_the_kernel_of_this_machine_answers() -> None:
    names = interfaces.interface_names()
    assert "lo" in names.values()
    assert "127.0.0.1" in [entry["address"] for entry in interfaces.addresses(names) if entry["interface"] == "lo"]
