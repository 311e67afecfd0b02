# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where Ansible is connected."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe.connection import ansible_connection
from ansible_collections.gangway.docker.plugins.module_utils._observe.files import Files

SSH = b"SSH_CONNECTION=10.0.0.1 51234 10.0.0.2 22"


def _connection(root: Path, *environments: bytes) -> dict[str, str] | None:
    """Look from a process with parents, up to init, that have these environments."""
    for number, environment in enumerate(environments):
        folder = root / "proc" / str(100 - number)
        folder.mkdir(parents=True)
        (folder / "environ").write_bytes(environment)
        parent = 1 if number + 1 == len(environments) else 99 - number
        (folder / "stat").write_text(f"{100 - number} (odd) name (x)) S {parent} 1 1")
    return ansible_connection(Files(str(root)), 100)


@pytest.mark.parametrize(
    "environments",
    [
        [b"PATH=/bin\0" + SSH + b"\0HOME=/root\0"],
        [b"PATH=/bin\0", b"SUDO_USER=me\0", SSH + b"\0"],
        [b"", b"", b"", SSH],
        [b"", SSH, b"SSH_CONNECTION=10.9.9.1 1 10.9.9.2 22"],
        [b"SSH_CONNECTION=::ffff:10.0.0.1 51234 10.0.0.2%eth0 22"],
    ],
)
def test_the_nearest_connection_counts(environments: list[bytes], tmp_path: Path) -> None:
    assert _connection(tmp_path, *environments) == {"client": "10.0.0.1", "server": "10.0.0.2"}


@pytest.mark.parametrize(
    "environments",
    [
        [b"PATH=/bin\0", b""],
        [b"XSSH_CONNECTION=10.0.0.1 1 10.0.0.2 22\0"],
        [b"SSH_CONNECTION=\0"],
        [b"SSH_CONNECTION=a 1 b 22"],
        [b"\xff\xfe=\0"],
        [],
    ],
)
def test_other_connections_are_none(environments: list[bytes], tmp_path: Path) -> None:
    assert _connection(tmp_path, *environments) is None
