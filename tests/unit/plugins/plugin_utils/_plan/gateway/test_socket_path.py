# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of sockets that HAProxy and systemd take as they are."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.socket_path import parse_socket


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/run/docker.sock", "/run/docker.sock"),
        ("/var/run/docker.sock", "/run/docker.sock"),
        ("/run//podman/./podman.sock", "/run/podman/podman.sock"),
        ("/run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
        ("/" + "x" * 95, "/" + "x" * 95),
    ],
)
def test_a_path_has_one_form(text: str, path: str) -> None:
    assert parse_socket(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "run/docker.sock",
        "unix:///run/docker.sock",
        "/run/a b.sock",
        "/run/$X.sock",
        "/run/%h.sock",
        "/run/x.sock\n",
        '/run/".sock',
        "/run/ü.sock",
        "/" + "x" * 96,
        "/tmp/x.sock",
        "/var/tmp/x.sock",
        "/run/../tmp/x.sock",
    ],
)
def test_another_is_refused(text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_socket(text)
    assert caught.value.key == "invalid_socket"
