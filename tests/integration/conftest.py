# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the lab for the tests: one of each flavour, put back to how it was before each test."""

from __future__ import annotations

import contextlib
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.controller import Controller
from tests.lab.engine import Engine, find_or_start_engine
from tests.lab.hosts import Host

FLAVOURS = ("bookworm", "trixie", "sid")
#: An address of the lab's gateway that is in no access list: packets from it come from outside.
OUTSIDE = "172.30.77.2"

_OURS = (
    "/etc/docker/gangway /var/lib/gangway-docker /run/gangway-docker* /etc/systemd/system/docker-gangway.* "
    "/etc/systemd/system/docker.service.d /etc/systemd/system/docker.socket.d /etc/docker/daemon.json*"
)
RESET = f"""
docker ps --all --quiet 2>/dev/null | xargs -r docker rm --force >/dev/null 2>&1
sed -i '/^DOCKER_OPTS=/d' /etc/default/docker
rm -f /etc/docker/alt.json
test -e /usr/bin/python3.away && mv /usr/bin/python3.away /usr/bin/python3
mountpoint -q /etc && umount /etc
test -e /usr/bin/openssl.away && mv /usr/bin/openssl.away /usr/bin/openssl
docker swarm leave --force >/dev/null 2>&1
if ls -d {_OURS} 2>/dev/null | grep -q . || ! systemctl --quiet is-active docker.service; then
    for unit in docker-gangway.socket docker-gangway.service docker.service; do systemctl stop $unit 2>/dev/null; done
    rm -rf {_OURS}
    systemctl daemon-reload
    systemctl reset-failed docker.service docker.socket 2>/dev/null
    systemctl start docker.socket docker.service
fi
docker ps --all --quiet | xargs -r docker rm --force >/dev/null
docker image inspect bb >/dev/null 2>&1 || tar -C /opt/busybox -c . | docker import - bb >/dev/null
docker run --detach --name witness --restart always bb \\
    /bin/sh -c 'trap "exit 0" TERM; sleep 1000000 & wait' >/dev/null
"""


@contextlib.contextmanager
def without_ssh(host: Host) -> Iterator[None]:
    """For Ansible the host is down, by connections that are open already as well; its daemon runs on."""
    host.run("systemctl stop ssh.socket ssh.service 2>/dev/null; pkill sshd; true")
    try:
        yield
    finally:
        host.run("systemctl start ssh.service")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--prefix", default="it", help="of the hosts' names, so that two runs do not share hosts")
    parser.addoption("--flavour", choices=FLAVOURS, help="only this kind of host; each may run in a pytest of its own")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a host runs on each flavour."""
    chosen = metafunc.config.getoption("--flavour")
    for fixture in ("host", "unfiltered"):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, [chosen] if chosen else FLAVOURS, indirect=True)


@pytest.fixture(scope="session")
def engine() -> Engine:
    engine = find_or_start_engine()
    subprocess.run(
        engine.inside(["ip", "address", "replace", f"{OUTSIDE}/24", "dev", "gangway-lab0"]),
        check=True,
        capture_output=True,
    )
    return engine


@pytest.fixture(scope="session")
def lab(engine: Engine) -> Iterator[t.Callable[..., Host]]:
    """Start hosts by name and flavour; all of them end with the session."""
    started: dict[str, Host] = {}

    def start(name: str, flavour: str, **options: t.Any) -> Host:
        if name not in started:
            started[name] = Host.start(engine, name, flavour, **options)
            started[name].wait_until_ready()
        return started[name]

    yield start
    for host in started.values():
        host.stop()


@pytest.fixture
def host(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """A host as it comes from its distribution, with one running container named C(witness)."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    host.run(RESET)
    return host


@pytest.fixture
def unfiltered(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """A host whose kernel refuses bpf(2), so that systemd can't filter packets by cgroup."""
    return lab(f"{request.config.getoption('--prefix')}-{request.param}-nobpf", request.param, filtering=False)


@pytest.fixture
def controller(tmp_path: Path, host: Host) -> Controller:
    return Controller(tmp_path, [host])
