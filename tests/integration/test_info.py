# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd_info on real hosts: what listens, by file and line; nothing changes, and no secret is shown."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.integration.controller import Controller
from tests.integration.snapshot import snapshot, started_at
from tests.integration.test_adopt import OPEN
from tests.lab.hosts import Host

_DROP_INS = "/etc/systemd/system/docker.service.d"
_SECRET = "hunter2-not-to-be-seen"


@pytest.fixture
def tidy(host: Host):  # type: ignore[no-untyped-def]
    """Remove what the reset between tests does not know."""
    yield
    host.run(
        "systemctl --quiet disable --now docker-tcp.socket 2>/dev/null; rm -f /etc/systemd/system/docker-tcp.socket; "
        "rm -rf /etc/systemd/system/docker.socket.d; systemctl daemon-reload; systemctl stop docker.service; "
        "systemctl restart docker.socket; systemctl reset-failed docker.service; true"
    )


def _info(controller: Controller, host: Host, *words: str, become: bool = False) -> dict[str, t.Any]:
    """Run the module, and see that it changes nothing."""
    before = snapshot(host)
    task = {"name": "Look", "gangway.docker.dockerd_info": {}}
    play = {"hosts": "all", "gather_facts": False, "become": become, "tasks": [task]}
    (result,) = controller.play([play], *words).results(host.name)
    assert snapshot(host) == before
    assert not result["changed"]
    assert "observation" not in result
    return result


def _tcp(result: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return [listener for listener in result["listeners"] if listener["kind"] == "tcp"]


def test_a_host_that_was_never_exposed(host: Host, controller: Controller) -> None:
    result = _info(controller, host)
    assert [(listener["kind"], listener["address"]) for listener in result["listeners"]] == [
        ("fd", "fd://"),
        ("unix", "/run/docker.sock"),
    ]
    assert all(listener["place"].startswith("/") for listener in result["listeners"])
    assert result["dockerd"]["started_by"] == "docker.service"
    assert (result["exposed"], result["interrupted"], result["daemon_json"]) == (None, False, [])
    assert host.address in result["interfaces"]["eth0"]
    assert result["connection"]["server"] == host.address
    assert result["engine_version"] in host.run("docker version --format '{{.Server.Version}}'").stdout
    assert "warnings" not in result
    assert _info(controller, host, "--check")["listeners"] == result["listeners"]


@pytest.mark.one_host
@pytest.mark.parametrize("kind", OPEN)
@pytest.mark.due("options file", "docker.socket", "package's unit")
def test_an_open_port_is_named_by_file_and_line(host: Host, controller: Controller, tidy: None, kind: str) -> None:
    preparation, place, port = OPEN[kind]
    host.run(f"mkdir -p /etc/docker; {preparation}; systemctl daemon-reload; systemctl restart docker.service")
    result = _info(controller, host)
    (listener,) = _tcp(result)
    # Newer systemd names the folder behind the link /lib.
    assert listener["place"].removeprefix("/usr").startswith(place)
    assert str(port) in listener["written"]
    assert (listener["tls"], listener["open_without_certificate"]) == ("none", True)
    assert any("without TLS" in warning for warning in result["warnings"])


@pytest.mark.one_host
def test_a_drop_in_in_the_clear(host: Host, controller: Controller) -> None:
    host.run(OPEN["override.conf"][0] + "; systemctl daemon-reload; systemctl restart docker.service")
    (listener,) = _tcp(_info(controller, host))
    assert listener == {
        "address": "0.0.0.0:2375",
        "kind": "tcp",
        "place": f"{_DROP_INS}/override.conf:4",
        "written": "-H tcp://0.0.0.0:2375",
        "tls": "none",
        "open_without_certificate": True,
    }


def test_an_exposed_host(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    container = started_at(host)
    result = _info(controller, host)
    (listener,) = _tcp(result)
    assert listener["address"] == f"{host.address}:2376"
    assert listener["place"].startswith("/etc/systemd/system/docker-gangway.socket:")
    assert (listener["tls"], listener["open_without_certificate"]) == ("mutual", False)
    assert result["exposed"] == "socket"
    assert [entry["key"] for entry in result["daemon_json"]] == ["tlsverify", "tlscacert", "tlscert", "tlskey"]
    assert "warnings" not in result
    assert started_at(host) == container


@pytest.mark.one_host
def test_secrets_are_not_shown(host: Host, controller: Controller) -> None:
    config = {
        "registry-mirrors": [f"https://bot:{_SECRET}@mirror.example"],
        "proxies": {"https-proxy": f"http://u:{_SECRET}@proxy"},
    }
    host.run(
        f"mkdir -p {_DROP_INS} /etc/docker; printf '%s' '{json.dumps(config)}' > /etc/docker/daemon.json; "
        f"printf '[Service]\\nEnvironment=HTTPS_PROXY=http://u:{_SECRET}@proxy\\n' > {_DROP_INS}/proxy.conf; "
        f"echo 'DOCKER_OPTS=\"--label token={_SECRET}\"' >> /etc/default/docker; "
        "systemctl daemon-reload; systemctl restart docker.service || "
        # Older engines have no proxies in daemon.json.
        f"{{ rm /etc/docker/daemon.json; systemctl reset-failed docker.service; systemctl start docker.service; }}"
    )
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"gangway.docker.dockerd_info": {}}]}
    site = controller.folder / "site.yml"
    site.write_text(json.dumps([play]))
    done = controller.raw(site, "-vvv")
    assert done.returncode == 0
    assert "docker.sock" in done.stdout
    assert _SECRET not in done.stdout + done.stderr


@pytest.mark.one_host
def test_a_dockerd_that_is_down_stays_down(host: Host, controller: Controller) -> None:
    host.run("systemctl stop docker.service")
    result = _info(controller, host)
    assert host.run("systemctl is-active docker.service", check=False).stdout.strip() == "inactive"
    assert (result["dockerd"]["running"], result["engine_version"]) == (False, None)
    assert [listener["kind"] for listener in result["listeners"]] == ["fd", "unix"]


@pytest.mark.one_host
def test_a_host_without_docker(host: Host, controller: Controller) -> None:
    unit = "/run/systemd/system/docker.service"
    host.run(
        "systemctl stop docker.service docker.socket; mount --bind /bin/true /usr/sbin/dockerd; "
        f"mkdir -p /run/systemd/system; ln -s /dev/null {unit}; systemctl daemon-reload"
    )
    try:
        result = _info(controller, host)
    finally:
        host.run(f"umount /usr/sbin/dockerd; rm {unit}; systemctl daemon-reload; systemctl start docker.service")
    assert result["dockerd"] == {"running": False, "pid": None, "started_by": None}


@pytest.mark.one_host
def test_an_engine_that_hangs_does_not_hang_the_module(host: Host, controller: Controller) -> None:
    host.run("kill -STOP $(systemctl show docker.service --property MainPID --value)")
    try:
        result = _info(controller, host)
    finally:
        host.run("kill -CONT $(systemctl show docker.service --property MainPID --value)")
    assert result["dockerd"]["running"]
    assert result["engine_version"] is None


@pytest.mark.one_host
def test_a_plain_user_is_refused_and_become_helps(host: Host, tmp_path: Path) -> None:
    controller = Controller(tmp_path, [host], ansible_user="deploy")
    result = _info(controller, host)
    assert (result["failed"], result["failure"]) == (True, "not_root")
    assert "become: true" in result["msg"]
    assert _info(controller, host, become=True)["connection"]["server"] == host.address


def test_hosts_without_systemd(other_init: Host, tmp_path: Path) -> None:
    controller = Controller(tmp_path, [other_init])
    result = _info(controller, other_init)
    assert (result["init"], result["dockerd"]["started_by"]) == (other_init.init, "/etc/init.d/docker")
    assert result["dockerd"]["running"]
    assert [listener["kind"] for listener in result["listeners"]] == ["unix"]
