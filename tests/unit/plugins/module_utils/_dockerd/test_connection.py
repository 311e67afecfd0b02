# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where Ansible is connected, and what names in the listen list mean on the host."""

from __future__ import annotations

import os
import socket
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import connection
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen, parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.connection import (
    Connection,
    ansible_connection,
    resolve,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

SSH = b"SSH_CONNECTION=10.0.0.1 51234 10.0.0.2 22"


def _processes(monkeypatch: pytest.MonkeyPatch, *environments: bytes) -> None:
    """Pretend that this process and its parents, up to init, have these environments."""
    pids = [os.getpid(), *range(900, 900 - len(environments) + 1, -1)]
    environ: dict[int, bytes] = dict(zip(pids, environments))
    parents: dict[int, int] = dict(zip(pids, [*pids[1:], 1]))

    def read(pid: int, name: str) -> bytes:
        if name == "environ":
            return environ.get(pid, b"")
        return f"{pid} (odd) name (x)) S {parents[pid]} 1 1".encode()

    monkeypatch.setattr(connection, "_read", read)


@pytest.mark.parametrize(
    "environments",
    [
        [b"PATH=/bin\0" + SSH + b"\0HOME=/root\0"],
        [b"PATH=/bin\0", b"SUDO_USER=me\0", SSH + b"\0"],
        [b"", b"", b"", SSH],
    ],
)
def test_the_connection_is_found_in_this_process_or_above_it(
    environments: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _processes(monkeypatch, *environments)
    assert ansible_connection() == Connection(client="10.0.0.1", server="10.0.0.2")


@pytest.mark.parametrize(
    "environments",
    [[b"PATH=/bin\0", b""], [b"XSSH_CONNECTION=10.0.0.1 1 10.0.0.2 22\0"], [b"SSH_CONNECTION=\0"], [b"\xff\xfe=\0"]],
)
def test_what_is_no_ssh_connection_is_told_as_such(environments: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    _processes(monkeypatch, *environments)
    assert ansible_connection() is None


def test_the_nearest_connection_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    _processes(monkeypatch, b"", b"SSH_CONNECTION=10.9.9.1 1 10.9.9.2 22", SSH)
    assert ansible_connection() == Connection("10.9.9.1", "10.9.9.2")


@pytest.fixture(autouse=True)
def _interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with eth1, wg0, which has no address yet, and an interface with a domain's name."""
    own = {"eth1": ["10.0.0.8", "fd00::8"], "wg0": [], "docker.example.com": ["10.0.0.9"]}
    monkeypatch.setattr(connection, "addresses_of", own.get)


def _dns(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(_host: str, port: int, **_options: t.Any) -> list[t.Any]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("text", ["10.0.0.5:2376", "[::1]:2376", "any:2376", "0.0.0.0:2376"])
def test_addresses_and_wildcards_are_not_looked_up(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _dns(monkeypatch)
    assert resolve(parse_listen(text)) == [parse_listen(text)]


@pytest.mark.parametrize(
    ("name", "addresses", "resolved"),
    [
        ("web1", ["10.0.0.5"], ["10.0.0.5"]),
        ("web1", ["10.0.0.5", "10.0.0.5", "10.0.0.4"], ["10.0.0.4", "10.0.0.5"]),
        ("web1", ["127.0.1.1", "10.0.0.5"], ["10.0.0.5"]),
        ("web1", ["fe80::1%eth0"], ["fe80::1"]),
        ("localhost", ["127.0.0.1", "::1"], ["127.0.0.1", "::1"]),
    ],
)
def test_a_name_becomes_the_addresses_that_lead_outward(
    name: str, addresses: list[str], resolved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _dns(monkeypatch, *addresses)
    assert resolve(Listen(name, 2377)) == [Listen(address, 2377) for address in resolved]


@pytest.mark.parametrize("addresses", [[], ["127.0.1.1"], ["::1", "127.0.0.1"]])
def test_a_name_that_leads_nowhere_from_outside_is_refused(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _dns(monkeypatch, *addresses)
    with pytest.raises(Failure) as failure:
        resolve(Listen("web1", 2376))
    assert failure.value.key == "listen_unresolvable"


@pytest.mark.parametrize(
    ("name", "resolved"), [("eth1", ["10.0.0.8", "fd00::8"]), ("docker.example.com", ["10.0.0.9"])]
)
def test_an_interface_becomes_its_addresses_whatever_its_name_means_elsewhere(
    name: str, resolved: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _dns(monkeypatch, "192.0.2.1")
    assert resolve(Listen(name, 2377)) == [Listen(address, 2377) for address in resolved]


def test_an_interface_without_an_address_is_refused_and_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    _dns(monkeypatch, "192.0.2.1")
    with pytest.raises(Failure) as failure:
        resolve(Listen("wg0", 2376))
    assert failure.value.key == "listen_unresolvable"
    assert "wg0:2376" in str(failure.value)
    assert "Give the interface an address" in str(failure.value)


def test_a_host_that_can_not_list_its_interfaces_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str) -> t.NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(connection, "addresses_of", refuse)
    with pytest.raises(Failure, match="Operation not permitted") as failure:
        resolve(Listen("eth1", 2376))
    assert failure.value.key == "listen_unresolvable"
