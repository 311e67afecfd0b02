# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DOCKER_HOST as people write it."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.target import Target, parse_target
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.mark.parametrize(
    ("written", "target"),
    [
        ("tcp://web1:2376", Target("tcp", "web1", 2376)),
        ("web1:9002", Target("tcp", "web1", 9002)),
        (" 10.0.0.5:2376 ", Target("tcp", "10.0.0.5", 2376)),
        ("tcp://[2001:db8::5]:2376", Target("tcp", "2001:db8::5", 2376)),
        ("https://web1:2376/", Target("https", "web1", 2376)),
        ("http://web1:2375", Target("http", "web1", 2375)),
    ],
)
def test_a_host_and_a_port(written: str, target: Target) -> None:
    assert parse_target(written) == target


@pytest.mark.parametrize(
    "written",
    [
        *("tcp://web1", "web1", "tcp://10.0.0.5", "tcp://:2376", "tcp://web1:0", "tcp://web1:99999", "tcp://web1:x"),
        *("unix:///run/docker.sock", "ssh://web1", "npipe:////./pipe/docker_engine", "fd://"),
        *("tcp://user@web1:2376", "tcp://web1:2376/path", "tcp://2001:db8::5:2376", "tcp://[2001:db8::5", "", "://"),
    ],
)
def test_what_is_none(written: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_target(written)
    assert failure.value.key == "invalid_docker_host"


def test_urls_have_brackets_again() -> None:
    assert parse_target("[::1]:2376").url == "tcp://[::1]:2376"
