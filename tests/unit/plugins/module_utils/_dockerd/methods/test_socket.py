# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method socket: what stands in the unit and in the drop-in."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.socket import (
    render_drop_in,
    render_socket_unit,
)


def _values(text: str, key: str, section: str) -> list[str]:
    """The values of one key in one section, in order."""
    inside, found = "", []
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip("[]")
        elif inside == section and line.startswith(f"{key}="):
            found.append(line.partition("=")[2])
    return found


@pytest.mark.parametrize(
    ("listen", "streams"),
    [
        (["10.20.0.5:2376"], ["10.20.0.5:2376"]),
        (["10.20.0.5:2376", "[2001:db8::5]:2377"], ["10.20.0.5:2376", "[2001:db8::5]:2377"]),
        (["any:2376"], ["2376"]),
        (["0.0.0.0:2376"], ["0.0.0.0:2376"]),
        (["[::]:2376"], ["[::]:2376"]),
    ],
)
def test_each_address_is_a_stream_with_its_port_and_without_a_scheme(listen: list[str], streams: list[str]) -> None:
    unit = render_socket_unit([parse_listen(text) for text in listen], [])
    assert _values(unit, "ListenStream", "Socket") == streams


@pytest.mark.parametrize(
    ("listen", "allow", "allowed"),
    [
        (["10.20.0.5"], ["10.20.0.0/24"], ["10.20.0.5/32", "10.20.0.0/24"]),
        (["[2001:db8::5]"], ["10.0.0.1/32"], ["2001:db8::5/128", "10.0.0.1/32"]),
        (["any"], ["10.0.0.1/32"], ["127.0.0.0/8", "::1/128", "10.0.0.1/32"]),
        (["0.0.0.0"], [], ["127.0.0.0/8", "::1/128"]),
        (["10.20.0.5"], ["0.0.0.0/0", "::/0"], ["10.20.0.5/32", "0.0.0.0/0", "::/0"]),
    ],
)
def test_all_are_denied_but_the_host_itself_and_the_access_list(
    listen: list[str], allow: list[str], allowed: list[str]
) -> None:
    unit = render_socket_unit([parse_listen(text) for text in listen], allow)
    assert _values(unit, "IPAddressDeny", "Socket") == ["any"]
    assert _values(unit, "IPAddressAllow", "Socket") == allowed


def test_the_socket_unit_survives_boot_and_hands_its_port_to_dockerd() -> None:
    unit = render_socket_unit([parse_listen("10.20.0.5:2376")], [])
    assert _values(unit, "FreeBind", "Socket") == ["yes"]
    assert _values(unit, "Service", "Socket") == ["docker-gangway.service"], "the drop-in alone hands the port over"
    assert "PartOf=" not in unit, "the port would close at each restart"
    assert unit.startswith("# Written by the Ansible collection gangway.docker")
    assert unit.endswith("\n")


def test_the_drop_in_closes_the_port_wherever_the_guard_does_not_say_yes() -> None:
    drop_in = render_drop_in("/usr/bin/python3")
    assert _values(drop_in, "ExecStartPre", "Service") == [
        "/bin/sh -c '{ cd /var/lib/gangway-docker && systemctl show docker.service "
        "$(systemctl show docker.service --property=TriggeredBy --value) --property=Id,ExecStart,Listen | "
        "/usr/bin/python3 -B -m guard /etc/docker/daemon.json "
        "/var/lib/gangway-docker/daemon.json.good; } || { systemctl stop docker-gangway.socket; "
        "case $(systemctl is-active docker-gangway.socket) in inactive|failed) ;; *) exit 1 ;; esac; }'"
    ]


def test_the_drop_in_takes_the_socket_and_leaves_exec_start_alone() -> None:
    drop_in = render_drop_in("/usr/bin/python3")
    assert _values(drop_in, "Sockets", "Service") == ["docker-gangway.socket"]
    assert _values(drop_in, "Wants", "Unit") == ["docker-gangway.socket"]
    assert _values(drop_in, "After", "Unit") == ["docker-gangway.socket"]
    assert _values(drop_in, "ExecStart", "Service") == []
