# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemctl prints, as the runner reads it."""

from __future__ import annotations

from ansible_collections.gangway.docker.plugins.module_utils._host.runner import parse_show


def test_systemctl_show_is_read_and_a_repeated_property_is_joined() -> None:
    text = "Id=docker.service\nListen=/run/docker.sock (Stream)\nEnvironment=A=1 B=2\nMainPID=1\nMainPID=2\n\nodd\n"
    assert parse_show(text) == {
        "Id": "docker.service",
        "Listen": "/run/docker.sock (Stream)",
        "Environment": "A=1 B=2",
        "MainPID": "1 2",
    }
