# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listeners that are there already: refused with file and line, or taken over and brought back."""

from __future__ import annotations

import pytest

from tests.attack import ADMIN, attack
from tests.integration.controller import Controller
from tests.integration.port import ask, ask_in_the_clear, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

_DROP_INS = "/etc/systemd/system/docker.service.d"
_UNIT = "/lib/systemd/system/docker.service"
#: What the field's guides leave behind; each listens in the clear, on 2375 or 2376, and the place that is to be named.
#: Some say so (tls false), or each start would take 16 s.
OPEN = {
    "override.conf": (
        f"mkdir -p {_DROP_INS}; printf '[Service]\\nLimitNOFILE=524288\\nExecStart=\\nExecStart=/usr/sbin/dockerd "
        "-H fd:// -H tcp://0.0.0.0:2375 --tls=false --label keep=this\\n' > "
        f"{_DROP_INS}/override.conf",
        f"{_DROP_INS}/override.conf:4",
        2375,
    ),
    "daemon.json": (
        f"mkdir -p {_DROP_INS}; "
        "printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd\\n' > "
        f"{_DROP_INS}/exec.conf; "
        'printf \'{\\n  "hosts": ["unix:///var/run/docker.sock", "tcp://0.0.0.0:2375"],\\n  "tls": false,\\n'
        '  "debug": true\\n}\\n\' > /etc/docker/daemon.json',
        "/etc/docker/daemon.json:2",
        2375,
    ),
    "daemon.json with sockets of systemd": (
        f"sed -i 's# -H fd://##' {_UNIT}; "
        'printf \'{\\n  "hosts": ["fd://", "tcp://0.0.0.0:2375"],\\n  "tls": false\\n}\\n\' > /etc/docker/daemon.json',
        "/etc/docker/daemon.json:2",
        2375,
    ),
    "package's unit": (
        f"sed -i 's#-H fd://#-H fd:// -H tcp://0.0.0.0:2375 --tls=false --label keep=this#' {_UNIT}",
        f"{_UNIT}:",
        2375,
    ),
    "options file": (
        "printf '# ours\\nDOCKER_OPTS=\"-H tcp://0.0.0.0:2376 --tls=false --label keep=this\"\\n' "
        ">> /etc/default/docker",
        "/etc/default/docker:",
        2376,
    ),
    "socket unit": (
        "printf '[Socket]\\nListenStream=2375\\nService=docker.service\\n[Install]\\nWantedBy=sockets.target\\n' "
        "> /etc/systemd/system/docker-tcp.socket; systemctl daemon-reload; systemctl stop docker.service; "
        "systemctl --quiet enable --now docker-tcp.socket",
        "/etc/systemd/system/docker-tcp.socket:2",
        2375,
    ),
    "docker.socket": (
        "mkdir -p /etc/systemd/system/docker.socket.d; printf '[Socket]\\nListenStream=2375\\n' "
        "> /etc/systemd/system/docker.socket.d/tcp.conf; systemctl daemon-reload; systemctl stop docker.service; "
        "systemctl restart docker.socket",
        "/etc/systemd/system/docker.socket.d/tcp.conf:2",
        2375,
    ),
}


@pytest.fixture
def tidy(host: Host):  # type: ignore[no-untyped-def]
    """What these listeners leave beyond what is put back before each test."""
    yield
    host.run(
        "systemctl --quiet disable --now docker-tcp.socket 2>/dev/null; rm -f /etc/systemd/system/docker-tcp.socket*; "
        "rm -rf /etc/systemd/system/docker.socket.d; "
        "systemctl daemon-reload; systemctl stop docker.service; "
        "systemctl restart docker.socket; systemctl reset-failed docker.service; true"
    )


@attack(
    "Exposes a host whose dockerd already listens without TLS",
    by=ADMIN,
    expected="Refused with file and line, or replaced (`expose_adopt`); withdrawing restores it, with a warning",
)
@pytest.mark.one_host
@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("kind", OPEN)
@pytest.mark.due("override.conf", "daemon.json")
def test_an_insecure_host_becomes_a_secure_one_in_one_run(host: Host, controller: Controller, kind: str) -> None:
    setup, place, port = OPEN[kind]
    host.run(f"{setup}; systemctl daemon-reload; systemctl reset-failed docker.service; systemctl restart docker")
    host.run("docker start witness")
    assert ask_in_the_clear(host.address, port=port) == "answered"
    before, container = snapshot(host), started_at(host)

    refused = controller.expose()
    assert refused.failures in (["other_listener"], ["hosts_in_daemon_json"])
    assert place in refused.listener(host.name)["msg"]
    assert snapshot(host) == before

    predicted = controller.expose("--check", expose_adopt=True)
    adopted = controller.expose(expose_adopt=True)
    assert adopted.code == 0, adopted.failures
    assert predicted.listener(host.name)["actions"] == adopted.listener(host.name)["actions"]
    assert started_at(host) == container
    assert is_safe(host.address, port=port)
    assert ask_in_the_clear(host.address, port=2375) == "closed"
    assert ask(host.address, bundle=controller.client()) == "answered"
    if "keep=this" in setup:
        assert "keep=this" in host.run("docker info --format '{{.Labels}}'").stdout
    # Whether or not it is still asked for.
    assert controller.expose(expose_adopt=True).changed(host.name) == 0
    assert controller.expose().changed(host.name) == 0
    host.reboot()
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert ask_in_the_clear(host.address, port=2375) == "closed"

    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert any("is back" in warning for warning in withdrawn.warnings(host.name))
    assert snapshot(host) == before
    assert ask_in_the_clear(host.address, port=port) == "answered"
