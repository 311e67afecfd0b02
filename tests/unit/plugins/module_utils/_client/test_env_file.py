# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Env files, read by a real shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._client.env_file import render_env_file
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

PATHS = (
    "/home/ci/.docker",
    "/opt/docker certs",
    '/opt/"quoted"',
    "/opt/$HOME/`id`",
    "/opt/back\\slash\\$x",
    "/opt/it's;#&*",
    "/opt/ö",
    "/opt/~/x",
)


@pytest.mark.parametrize("path", PATHS)
def test_a_shell_reads_what_was_meant(tmp_path: Path, path: str) -> None:
    file = tmp_path / "web1.env"
    file.write_bytes(render_env_file(Connection("tcp://[2001:db8::1]:2376", path)))
    show = f'set -a; . {file}; printf \'%s\\n\' "$DOCKER_HOST" "$DOCKER_TLS_VERIFY" "$DOCKER_CERT_PATH"'
    done = subprocess.run(["/bin/sh", "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["tcp://[2001:db8::1]:2376", "1", path]


def test_there_are_no_quotes_where_it_goes_without() -> None:
    assert render_env_file(Connection("tcp://web1:2376", "/home/ci/.docker")).decode().splitlines() == [
        "DOCKER_HOST=tcp://web1:2376",
        "DOCKER_TLS_VERIFY=1",
        "DOCKER_CERT_PATH=/home/ci/.docker",
    ]


@pytest.mark.parametrize("path", PATHS)
def test_each_value_is_in_one_line(path: str) -> None:
    assert render_env_file(Connection("tcp://web1:2376", path)).count(b"\n") == 3


def test_an_endpoint_without_tls_empties_what_another_one_has_set(tmp_path: Path) -> None:
    files = [tmp_path / "web1.env", tmp_path / "lab.env"]
    files[0].write_bytes(render_env_file(Connection("tcp://web1:2376", "/home/ci/.docker")))
    files[1].write_bytes(render_env_file(Connection("tcp://lab:2375", None)))
    show = f'set -a; . {files[0]}; . {files[1]}; printf \'%s\\n\' "$DOCKER_HOST" "$DOCKER_TLS_VERIFY$DOCKER_CERT_PATH"'
    done = subprocess.run(["/bin/sh", "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["tcp://lab:2375", ""]
