# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TCP sockets that listen, from a /proc of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe.files import Files
from ansible_collections.gangway.docker.plugins.module_utils._observe.listening import listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def _line(address: str, inode: int, state: str = "0A") -> str:
    return f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """systemd (1) and dockerd (42) share a socket; others are systemd's, dockerd's and nginx's (77)."""
    net = tmp_path / "proc" / "net"
    net.mkdir(parents=True)
    net.joinpath("tcp").write_text(
        HEAD
        + _line("0500000A:0948", 1001)  # 10.0.0.5:2376, of both
        + _line("00000000:0016", 1002)  # 0.0.0.0:22, systemd's
        + _line("0100007F:0050", 1003)  # 127.0.0.1:80, nginx's
        + _line("0100007F:2710", 1004, "01")  # a connection
        + _line("0100007F:1F90", 1005)  # 127.0.0.1:8080, of a process that is gone
    )
    net.joinpath("tcp6").write_text(
        HEAD
        + _line("00000000000000000000000000000000:0947", 1006)  # [::]:2375, dockerd's
        + _line("0000000000000000FFFF00000500000A:0949", 1007)  # ::ffff:10.0.0.5:2377, dockerd's
        + _line("B80D0120000000000000000005000000:0948", 1008)  # 2001:db8::5:2376, dockerd's
    )
    for pid, name, inodes in (
        (1, "systemd", [1001, 1002]),
        (42, "dockerd", [1001, 1006, 1007, 1008]),
        (77, "nginx", [1003]),
    ):
        folder = tmp_path / "proc" / str(pid) / "fd"
        folder.mkdir(parents=True)
        (folder.parent / "comm").write_text(f"{name}\n")
        (folder / "0").symlink_to("/dev/null")
        for number, inode in enumerate(inodes, 3):
            (folder / str(number)).symlink_to(f"socket:[{inode}]")
    return tmp_path


def _found(root: Path, dockerd: int = 42, *, systemd: bool = True, ports: tuple[int, ...] = ()) -> list[str]:
    found = listening(Files(str(root)), dockerd, systemd=systemd, ports=ports)
    return [f"{entry.address}|{entry.port} {entry.program}" for entry in found]


def test_what_is_handed_over_is_dockerds(root: Path) -> None:
    assert _found(root) == [
        "0.0.0.0|22 systemd",
        "::|2375 dockerd",
        "10.0.0.5|2376 dockerd",
        "2001:db8::5|2376 dockerd",
        "10.0.0.5|2377 dockerd",
    ]


def test_with_dockerd_down_the_port_is_systemds(root: Path) -> None:
    assert _found(root, 0) == ["0.0.0.0|22 systemd", "10.0.0.5|2376 systemd"]
    assert _found(root, 0, systemd=False) == []


def test_others_are_looked_for_on_ports_that_are_asked_for(root: Path) -> None:
    assert _found(root, 0, systemd=False, ports=(80,)) == ["127.0.0.1|80 nginx"]
    # Its holder is in another namespace, or gone.
    assert _found(root, 0, systemd=False, ports=(8080, 9999)) == ["127.0.0.1|8080 "]


def test_a_host_without_proc_is_no_error(tmp_path: Path) -> None:
    assert _found(tmp_path, ports=(80,)) == []
