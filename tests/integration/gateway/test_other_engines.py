# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Method gateway in front of other engines than docker.service's: Podman, rootless Docker, one without a service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.integration.controller import Controller, same
from tests.integration.gateway.test_method import SERVICE, pid_of
from tests.integration.gateway.test_trust import fingerprint
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import snapshot
from tests.lab.hosts import Host
from tests.shown import shown

#: A test runs on one of them without --soak.
pytestmark = pytest.mark.flavours("trixie-engines")

PODMAN = "/run/podman/podman.sock"
ROOTLESS = "/run/user/1000/docker.sock"
CLIENTS = ["admin", {"name": "grafana", "rights": "read"}]


@pytest.fixture
def controller(tmp_path: Path, engines_host: Host) -> Controller:
    return Controller(tmp_path, [engines_host])


def state(host: Host) -> str:
    """Return what has to be as before: what any host has, and Podman's socket."""
    units = "systemctl show podman.socket --property=ActiveState,UnitFileState,DropInPaths,NAccepted"
    return snapshot(host) + host.run(f"{units}; stat --format '%A %u %g' /run/podman {PODMAN}").stdout


def workers(host: Host) -> list[str]:
    """Return user, group and effective capabilities of the processes that speak with clients."""
    return host.run(
        f"for pid in $(pgrep --parent $(systemctl show {SERVICE} --property=MainPID --value)); do "
        "echo $(stat --format '%u %g' /proc/$pid) $(grep CapEff /proc/$pid/status | cut --fields 2); done"
    ).stdout.splitlines()


def assert_used(host: Host, controller: Controller, *, name: str) -> None:
    """Containers run, and rights hold."""
    ran = controller.docker(host, "run", "--rm", "--network", "none", "bb", "/bin/sh", "-c", "echo it runs")
    assert ran.stdout == "it runs\n", ran.stderr
    into = controller.docker(host, "exec", name, "/bin/sh", "-c", "echo inside")
    assert into.stdout == "inside\n", into.stderr
    for client in ("admin", "grafana"):
        assert name in controller.docker(host, "ps", "--format", "{{.Names}}", client=client).stdout
    refused = controller.docker(host, "exec", name, "/bin/sh", "-c", "true", client="grafana")
    assert refused.returncode != 0
    assert "may only read" in refused.stderr
    assert ask(host.address) == "refused"
    assert is_safe(host.address)


def test_podman_is_exposed_renewed_and_withdrawn(engines_host: Host, controller: Controller) -> None:
    host = engines_host
    play = yaml.safe_load(shown("docs/gateway.md", "expose_socket: /run/podman/podman.sock"))
    site = {**play[0]["roles"][0]["vars"], "expose_validity": "20d"}
    assert (site["expose_socket"], site["expose_clients"]) == (PODMAN, CLIENTS)
    before = state(host)
    predicted = controller.expose("--check", "--diff", **site)
    assert state(host) == before
    exposed = controller.expose("--diff", **site)
    assert exposed.code == 0, exposed.failures
    assert same(predicted, exposed, host)
    endpoint = exposed.listener(host.name)["endpoint"]
    version = host.run("podman version --format '{{.Server.Version}}'").stdout.strip()
    assert (endpoint["engine"], endpoint["engine_version"], endpoint["verified"]) == ("Podman Engine", version, True)
    assert controller.expose(**site).changed(host.name) == 0
    assert workers(host) == ["0 0 0000000000000000"]
    assert "Podman Engine" in controller.docker(host, "version").stdout
    assert_used(host, controller, name="witness")

    process, certificate = pid_of(host, SERVICE), fingerprint(controller, host)
    renewed = controller.playbook("renew", expose_renew_before="30d")
    assert renewed.code == 0, renewed.failures
    assert fingerprint(controller, host) != certificate
    assert pid_of(host, SERVICE) == process
    assert ask(host.address, bundle=controller.client()) == "answered"

    host.reboot()
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert is_safe(host.address)
    # No method is named: the one in place stays.
    assert controller.expose(expose_socket=PODMAN, expose_clients=CLIENTS).changed(host.name) == 0

    predicted = controller.withdraw("--check", "--diff")
    withdrawn = controller.withdraw("--diff")
    assert withdrawn.code == 0, withdrawn.failures
    assert same(predicted, withdrawn, host)
    assert state(host) == before
    assert ask(host.address) == "closed"


@pytest.mark.soak
def test_a_group_that_may_use_podmans_socket_is_enough(engines_host: Host, controller: Controller) -> None:
    """The administrator has opened it to a group; HAProxy needs no more than that."""
    host = engines_host
    folder = "/etc/systemd/system/podman.socket.d"
    settings = "[Socket]\\nSocketGroup=adm\\nExecStartPost=chmod 0711 /run/podman\\n"
    host.run(
        f"mkdir {folder} && printf '{settings}' > {folder}/x.conf && systemctl daemon-reload && "
        "systemctl restart podman.socket"
    )
    try:
        before = state(host)
        exposed = controller.expose(expose_method="gateway", expose_socket=PODMAN, expose_clients=CLIENTS)
        assert exposed.code == 0, exposed.failures
        assert workers(host) == [f"{host.run('id --user haproxy').stdout.strip()} 4 0000000000000000"]
        assert_used(host, controller, name="witness")
        assert controller.withdraw().code == 0
        assert state(host) == before
    finally:
        host.run(f"rm -r {folder}; systemctl daemon-reload; systemctl restart podman.socket; chmod 0700 /run/podman")


@contextmanager
def rootless_dockerd(host: Host) -> Iterator[None]:
    """A dockerd that the user deploy runs, by dockerd's own script for that."""
    host.run(
        "mkdir -p /dev/net; test -e /dev/net/tun || mknod -m 0666 /dev/net/tun c 10 200;"
        # The user's folder, as a login would have it.
        " runtime=user-runtime-dir@1000.service;"
        " systemd-run --quiet --unit=rootless --property=Requires=$runtime --property=After=$runtime"
        " --property=User=deploy --property=Delegate=yes"
        " --setenv=XDG_RUNTIME_DIR=/run/user/1000 --setenv=HOME=/home/deploy"
        " /usr/share/docker.io/contrib/dockerd-rootless.sh --iptables=false --bridge=none --storage-driver=vfs"
        # As systemd would have it, it needs a session of the user below the root of the cgroups.
        " --exec-opt native.cgroupdriver=cgroupfs;"
        f" export DOCKER_HOST=unix://{ROOTLESS};"
        " for _ in $(seq 300); do docker version >/dev/null 2>&1 && break; sleep 0.1; done;"
        " tar -C /opt/busybox -c . | docker import - bb >/dev/null"
    )
    try:
        yield
    finally:
        host.run("systemctl stop rootless.service; systemctl reset-failed")


@pytest.mark.soak
def test_rootless_docker_is_exposed_and_withdrawn(engines_host: Host, controller: Controller) -> None:
    host = engines_host
    with rootless_dockerd(host):
        before = state(host)
        assert controller.expose(expose_method="socket").failures == ["docker_rootless"]
        site = {"expose_method": "gateway", "expose_socket": ROOTLESS, "expose_clients": CLIENTS}
        exposed = controller.expose(**site)
        assert exposed.code == 0, exposed.failures
        assert exposed.listener(host.name)["endpoint"]["engine"] == "Docker Engine"
        assert [line.split()[0] for line in workers(host)] == ["1000"]
        started = controller.docker(
            host, "run", "--detach", "--name", "theirs", "--network", "none", "bb", "sleep", "99"
        )
        assert started.returncode == 0, started.stderr
        assert "name=rootless" in controller.docker(host, "info", "--format", "{{.SecurityOptions}}").stdout
        assert_used(host, controller, name="theirs")
        assert controller.expose(**site).changed(host.name) == 0
        assert controller.withdraw().code == 0
        assert state(host) == before


@pytest.mark.soak
def test_what_is_missing_is_named(engines_host: Host, controller: Controller) -> None:
    host = engines_host
    before = state(host)
    assert controller.expose(expose_method="gateway").failures == ["dockerd_missing"]
    assert controller.expose(expose_socket=PODMAN).failures == ["socket_unsupported"]
    missing = controller.expose(expose_method="gateway", expose_socket="/run/none.sock")
    assert missing.failures == ["engine_socket_missing"]
    assert "systemctl enable --now podman.socket" in missing.listener(host.name)["msg"]
    host.run("systemctl stop podman.socket podman.service; mkdir -p /run/podman; touch /run/x")
    try:
        host.run(f"python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{PODMAN}.old\")'")
        silent = controller.expose(expose_method="gateway", expose_socket=f"{PODMAN}.old")
        assert silent.failures == ["engine_silent"]
    finally:
        host.run(f"rm -f {PODMAN}.old /run/x; systemctl start podman.socket")
    assert state(host) == before
