# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As whom HAProxy connects to a socket."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.worker import Worker, worker_of
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observation import Attributes, EngineSocket

OPEN = (Attributes(0o755), Attributes(0o755))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "folders", "worker"),
    [
        pytest.param(0o660, 0, 102, OPEN, Worker("user haproxy", "gid 102"), id="dockerd"),
        pytest.param(0o600, 0, 102, OPEN, Worker("uid 0", "gid 0"), id="not for the group"),
        pytest.param(0o660, 0, 0, OPEN, Worker("uid 0", "gid 0"), id="root alone"),
        pytest.param(0o660, 0, 0, (Attributes(0o700), *OPEN), Worker("uid 0", "gid 0"), id="Podman"),
        pytest.param(0o660, 0, 102, (Attributes(0o700), *OPEN), Worker("uid 0", "gid 0"), id="closed folder"),
        pytest.param(
            0o660, 0, 102, (Attributes(0o750, 0, 102),), Worker("user haproxy", "gid 102"), id="folder of the group"
        ),
        pytest.param(0o660, 0, 102, (Attributes(0o705, 0, 102),), Worker("uid 0", "gid 0"), id="but not of this one"),
        pytest.param(
            0o1660, 1000, 1000, (Attributes(0o700, 1000, 1000), *OPEN), Worker("uid 1000", "gid 1000"), id="rootless"
        ),
        pytest.param(
            0o660, 1000, 100102, OPEN, Worker("uid 1000", "gid 100102"), id="rootless, group of the namespace"
        ),
    ],
)
def test_workers_have_no_more_rights_than_the_socket_asks_for(
    mode: int, uid: int, gid: int, folders: tuple[Attributes, ...], worker: Worker
) -> None:
    assert worker_of(EngineSocket("/run/x.sock", Attributes(mode, uid, gid), folders)) == worker


def test_a_socket_that_docker_socket_is_yet_to_make_is_for_the_group_docker() -> None:
    assert worker_of(None) == Worker("user haproxy", "group docker")
