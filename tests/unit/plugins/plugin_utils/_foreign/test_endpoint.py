# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs and bundles of daemons that others expose."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._foreign.endpoint import BundleFiles, parse_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("tcp://10.0.0.5:2376", "tcp://10.0.0.5:2376"),
        ("https://Docker.Example.com:9002/", "tcp://docker.example.com:9002"),
        ("http://lab:2375", "tcp://lab:2375"),
        ("web1:2376", "tcp://web1:2376"),
        ("tcp://[2001:db8::1]:2376", "tcp://[2001:db8::1]:2376"),
    ],
)
def test_each_url_is_written_as_clients_take_it(text: str, url: str) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "web1",
        "tcp://web1",
        "tcp://:2376",
        "tcp://web1:0",
        "tcp://web1:99999",
        "tcp://web1:port",
        "tcp://2001:db8::1:2376",
        "tcp://[2001:db8::1:2376",
        "tcp://user@web1:2376",
        "tcp://web1:2376/v1.41",
        "tcp://web1:2376?x",
        "unix:///var/run/docker.sock",
        "ssh://web1:22",
        "npipe:////./pipe/docker_engine",
    ],
)
def test_what_no_client_could_use_is_refused(text: str) -> None:
    with pytest.raises(Failure) as error:
        parse_url(text)
    assert error.value.key == "invalid_url"


def test_a_bundle_in_dockers_layout_is_a_folder() -> None:
    files = BundleFiles.in_folder(Path("/certs"))
    assert files.folder == Path("/certs")
    assert files._replace(key=Path("/keys/key.pem")).folder is None
    assert files._replace(cert=Path("/certs/client.pem")).folder is None
