# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probing side by side, against sockets on loopback."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._overview.live import Visit, probe_all

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_endpoints_that_hang_wait_side_by_side() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        url = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        visits = [Visit("default", f"web{number}", url, None) for number in range(40)]
        began = time.monotonic()
        seen = probe_all(visits, timeout=1)
        took = time.monotonic() - began
    assert {each.state for each in seen.values()} == {"silent"}
    assert list(seen) == [("default", f"web{number}") for number in range(40)]
    # One after another, they would take 40 s.
    assert took < 10


def test_a_bundle_that_is_not_there_is_the_state_of_its_endpoint_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    visits = [
        Visit("default", "web1", closed, tmp_path / "nosuch"),
        Visit("default", "web2", closed, None),
        Visit("default", "web3", "unix:///run/docker.sock", None),
    ]
    seen = probe_all(visits, timeout=5)
    assert [each.state for each in seen.values()] == ["file_unreadable", "nothing_listens", "invalid_docker_host"]
    assert all(each.reason for each in seen.values())


def test_nothing_to_probe_is_no_error() -> None:
    assert probe_all([], timeout=1) == {}
