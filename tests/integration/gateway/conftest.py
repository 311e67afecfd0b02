# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that have HAProxy, as it comes from their distribution, and not running."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import RESET
from tests.integration.gateway.served import IN_ORDER, Served
from tests.integration.test_workflows import Desk, clear_machine
from tests.lab.hosts import Host
from tests.shown import inline

_INSTALL = """
command -v haproxy >/dev/null && exit
apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 haproxy >/dev/null
systemctl disable --quiet --now haproxy.service
"""


@pytest.fixture
def gateway_host(host: Host) -> Host:
    """As C(host), with HAProxy."""
    host.run(_INSTALL)
    return host


#: Puts a host back to where Podman listens, with one running container named C(witness), and nobody else does.
_RESET_ENGINES = """
systemctl stop 'docker-gangway*'
rm -rf $(ls -d /var/lib/gangway-docker* /run/gangway-docker* /etc/docker 2>/dev/null;
    find /etc /run/systemd/system.control -name '*gangway*' 2>/dev/null)
rmdir /etc/systemd/system/sockets.target.d 2>/dev/null
systemctl daemon-reload
nft delete table inet gangway_docker 2>/dev/null
{listen}
podman image exists bb || tar -C /opt/busybox -c . | podman import --quiet - bb
podman rm --all --force --time 0
podman run --detach --name witness bb /bin/sh -c 'trap "exit 0" TERM; sleep 1000000 & wait'
"""


@pytest.fixture
def engines_host(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """A host with HAProxy, Podman, and dockerd's programs for users, but without docker.service."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    host.run(_RESET_ENGINES.replace("{listen}", inline("docs/gateway.md", "systemctl enable --now podman.socket")))
    return host


@pytest.fixture
def desk(gateway_host: Host, client_machine: Host, tmp_path: Path) -> Desk:
    """A user's machine, and a host that is exposed to it."""
    clear_machine(client_machine)
    desk = Desk(tmp_path, gateway_host, client_machine)
    desk.expose(expose_method="gateway")
    return desk


@pytest.fixture(scope="session")
def kept() -> dict[str, Served]:
    """The hosts that the last test left served, by name."""
    return {}


@pytest.fixture
def served(
    request: pytest.FixtureRequest, lab: t.Callable[..., Host], tmp_path: Path, kept: dict[str, Served]
) -> Iterator[Served]:
    """A host whose port HAProxy serves. One that the test before has left in order is kept."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    served = kept.pop(host.name, None)
    if served is None or served.state() != IN_ORDER:
        host.run(RESET)
        host.run(_INSTALL)
        served = Served.make(host, tmp_path)
    yield served
    kept[host.name] = served
