# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemctl prints, as the runner reads it."""

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host.command import parse_show
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host


def test_no_signal_goes_to_a_group_of_processes_or_to_init(monkeypatch: pytest.MonkeyPatch) -> None:
    """C(MainPID) is 0 while dockerd is down, and kill(2) takes 0 and -1 for many processes."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    for pid in (-1, 0, 1):
        Host.hang_up(pid)
    assert sent == []
    Host.hang_up(4711)
    assert sent == [(4711, signal.SIGHUP)]


def test_systemctl_show_is_read_and_a_repeated_property_is_joined() -> None:
    text = "Id=docker.service\nListen=/run/docker.sock (Stream)\nEnvironment=A=1 B=2\nMainPID=1\nMainPID=2\n\nodd\n"
    assert parse_show(text) == {
        "Id": "docker.service",
        "Listen": "/run/docker.sock (Stream)",
        "Environment": "A=1 B=2",
        "MainPID": "1 2",
    }
