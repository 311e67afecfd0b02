# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task, parsed from the module's options."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.task import Task

_OPTIONS: dict[str, t.Any] = {
    "listen": ["10.20.0.5", "10.20.0.6:9002"],
    "allow": ["10.20.0.0/24"],
    "method": "auto",
    "firewall": "auto",
    "adopt": False,
    "tls": True,
    "insecure": False,
    "live_restore": True,
    "allow_downtime": False,
    "client": "admin",
    "clients": [],
    "log": "connections",
    "socket": "/run/docker.sock",
}


@pytest.mark.parametrize(("options", "port"), [({}, 2376), ({"tls": False, "insecure": True}, 2375)])
def test_a_listener_without_a_port_is_where_clients_look_for_it(options: dict[str, t.Any], port: int) -> None:
    task = Task.of({**_OPTIONS, **options})
    assert [entry.port for entry in task.listen] == [port, 9002]
    assert task.port == port


@pytest.mark.parametrize(
    ("options", "clients"),
    [
        ({}, (Client("admin"),)),
        ({"client": "ci"}, (Client("ci"),)),
        ({"client": "ci", "clients": ["bob", {"name": "ci", "rights": "read"}]}, (Client("bob"), Client("ci", "read"))),
        ({"clients": ["bob", {"name": "ci", "state": "revoked"}]}, (Client("bob"),)),
    ],
)
def test_without_clients_the_one_that_looks_has_access(options: dict[str, t.Any], clients: tuple[Client, ...]) -> None:
    assert Task.of({**_OPTIONS, **options}).clients == clients
