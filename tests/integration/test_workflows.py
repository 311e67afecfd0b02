# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people do with an exposed daemon, from a machine of their own that the role C(client) has set up."""

from __future__ import annotations

import json
import shlex
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.controller import Controller
from tests.integration.test_client import as_user, play_of
from tests.lab.hosts import Host

#: Where the hosts and their clients are.
_NETWORK = ["172.30.77.0/24", "fd77:6777::/64"]


@pytest.fixture
def machine(client_machine: Host) -> Host:
    """A machine with the docker command and compose, without dockerd; its user has nothing yet."""
    clear_machine(client_machine)
    return client_machine


def clear_machine(client_machine: Host) -> None:
    """Remove what a user had there before."""
    clear = "pkill tcpdump; rm -rf /home/deploy/.docker /home/deploy/work /tmp/capture; mkdir -p /home/deploy/work; "
    client_machine.run(f"{clear}chown deploy /home/deploy/work; sed -i /exposed.example/d /tmp/hosts 2>/dev/null; true")


class Desk:
    """A user's machine, and the exposed host that the user works with."""

    def __init__(self, folder: Path, host: Host, machine: Host) -> None:
        self.host, self.machine = host, machine
        self.controller = Controller(folder, [host, machine])
        env_file = f"~/.docker/gangway/{host.name}.env"
        self._facts = f". {env_file}; export DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH\n"

    def expose(self, **variables: t.Any) -> None:
        """Expose the host, and give the user an identity and the facts."""
        given = {"expose_clients": ["admin", "ci"], "expose_allow": _NETWORK, **variables}
        outcome = self.controller.expose("--limit", self.host.name, **given)
        assert outcome.code == 0, outcome.failures
        if not given.get("expose_tls", True):
            # No identity is needed: the address is all that there is to know.
            self._facts = f"export DOCKER_HOST=tcp://{self.host.address}:2375\n"
            return
        play = play_of(self.controller, self.machine, docker_client_endpoints=[self.host.name])
        outcome = self.controller.play(play)
        assert outcome.code == 0, outcome.failures

    def type(self, script: str, *, check: bool = True, variables: bool = True) -> str:
        """Type these lines into the user's shell, in an empty folder; return what it prints."""
        lines = f"set -e\ncd ~/work\n{self._facts if variables else ''}{script}"
        return as_user(self.machine, f"bash -c {shlex.quote(lines)}", check=check)


def _plain(desk: Desk) -> dict[str, t.Any]:
    return {"expose_tls": False, "expose_insecure": True, "expose_allow": [desk.machine.address, "172.30.77.1"]}


@pytest.fixture
def desk(host: Host, machine: Host, tmp_path: Path) -> Desk:
    return Desk(tmp_path, host, machine)


_EVERYDAY = """\
docker ps --format '{{.Names}}' | grep -x witness
docker images --format '{{.Repository}}' | grep -x bb
docker inspect witness --format '{{.Name}}' | grep -x /witness
test "$(docker run --rm bb /bin/sh -c 'echo hello')" = hello
"""
_DUMP = """\
head -c 50000000 /dev/urandom > dump
docker exec -i witness /bin/sh -c 'cat > /restored' < dump
docker exec witness /bin/cat /restored | cmp - dump
docker exec witness /bin/sh -c ': > /restored'
"""
#: On every engine the builder of old, and BuildKit.
_BUILD = """\
mkdir app; cd app
printf 'FROM bb\\nCOPY . /app/\\n' > Dockerfile
echo from here > file; echo mine > secret; echo secret > .dockerignore
for buildkit in 0 1; do
    DOCKER_BUILDKIT=$buildkit docker build --quiet --tag built:$buildkit . 2>/dev/null
    docker run --rm built:$buildkit /bin/sh -c 'cat /app/file; test ! -e /app/secret' | grep -x 'from here'
done
docker rmi --force built:0 built:1 >/dev/null
"""
_COMPOSE = """\
cat > prod.yml <<END
services:
  web:
    image: bb
    command: /bin/sh -c 'echo up and running; sleep 1000'
    stop_grace_period: 0s
END
docker compose --file prod.yml up --detach
docker compose --file prod.yml ps --format '{{.Service}} {{.State}}' | grep -x 'web running'
for _ in $(seq 50); do
    docker compose --file prod.yml logs 2>/dev/null | grep 'up and running' && break; sleep 0.1
done
docker compose --file prod.yml down
test -z "$(docker ps --all --quiet --filter label=com.docker.compose.project)"
"""
_SDK = "python3 -c 'import docker; print([found.name for found in docker.from_env().containers.list()])'\n"
_CURL = 'curl --silent --fail --cacert ~/.docker/ca.pem --cert ~/.docker/cert.pem --key ~/.docker/key.pem "$@"'


def test_a_day_at_another_machine(desk: Desk) -> None:
    desk.expose()
    host = desk.host
    desk.type(_EVERYDAY)
    desk.type(_DUMP)
    desk.type(_BUILD)
    desk.type(_COMPOSE)
    assert host.run("find / -xdev -name prod.yml").stdout == "", "the compose file stays with the client"
    assert desk.type(_SDK).strip() == "['witness']"
    curl = f"curl_() {{ {_CURL}; }}; curl_ https://{host.address}:2376/v1.41"
    containers = json.loads(desk.type(f"{curl}/containers/json"))
    assert [container["Names"] for container in containers] == [["/witness"]]
    assert json.loads(desk.type(f"{curl}/info"))["LiveRestoreEnabled"] is True
    # The hosts' images have no curl; ours sees their files.
    socket = f"/proc/{host.pid()}/root/run/docker.sock"
    words = ["curl", "--silent", "--fail", "--unix-socket", socket, "http://localhost/containers/json"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert [container["Names"] for container in json.loads(answer)] == [["/witness"]]
    # The role's user finds in the journal what dockerd says of its listeners.
    assert f"API listen on {host.address}:2376" in host.run("journalctl -u docker --no-pager").stdout
    assert host.run("stat -c '%a %U %G' /run/docker.sock").stdout.strip() == "660 root docker"


@pytest.mark.one_host
def test_every_way_to_say_where_the_daemon_is(desk: Desk) -> None:
    """By address, by name, over IPv6, at another port; with variables, options, files at home and contexts."""
    host, names = desk.host, "docker ps --format '{{.Names}}'"
    there, v6 = f"{host.address}:9002", f"[{host.address_ipv6}]:9002"
    desk.expose(expose_listen=[there, v6], expose_tls_sans=["exposed.example"])
    desk.machine.run(f"grep -q exposed.example /etc/hosts || echo '{host.address} exposed.example' >> /etc/hosts")
    verify = "export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=~/.docker"
    files = "--tlscacert ~/.docker/ca.pem --tlscert ~/.docker/cert.pem --tlskey ~/.docker/key.pem"
    ways = [
        *(f"{verify} DOCKER_HOST={url}; {names}" for url in (f"tcp://{there}", f"tcp://{v6}", there)),
        f"{verify} DOCKER_HOST=tcp://exposed.example:9002; {names}",
        f"docker --host tcp://{there} --tlsverify {files} {names.removeprefix('docker ')}",
        # Files in ~/.docker, and no variable at all.
        f"docker --host tcp://exposed.example:9002 --tlsverify {names.removeprefix('docker ')}",
        f"docker --context {host.name} {names.removeprefix('docker ')}",
        f"docker context use {host.name} >/dev/null; {names}; docker context use default >/dev/null 2>&1",
    ]
    try:
        assert {way: desk.type(way, variables=False) for way in ways} == dict.fromkeys(ways, "witness\n")
    finally:
        desk.machine.run("grep -v exposed.example /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts")


@pytest.mark.one_host
def test_without_tls_at_the_port_that_clients_assume(desk: Desk) -> None:
    host = desk.host
    desk.expose(**_plain(desk))
    desk.type(_EVERYDAY)
    desk.type(_COMPOSE)
    assert desk.type("docker --host tcp://HOST ps --quiet".replace("HOST", host.address), variables=False)
    assert "witness" in desk.type(f"curl --silent --fail http://{host.address}:2375/containers/json")
    task = {"debug": {"msg": f"{{{{ lookup('gangway.docker.docker_host', '{host.name}') }}}}"}}
    variables = {"expose_fleets_dir": str(desk.controller.fleets_dir)}
    looked_up = desk.controller.play(
        [{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [task]}]
    )
    assert looked_up.results("localhost")[0]["msg"] == {"DOCKER_HOST": f"tcp://{host.address}:2375"}


@pytest.mark.one_host
@pytest.mark.parametrize(("tls", "is_seen"), [(True, False), (False, True)])
def test_what_a_listener_in_between_sees(desk: Desk, tls: bool, is_seen: bool) -> None:
    """The same capture of the same command: without TLS, to show that it would be seen."""
    desk.expose(**({} if tls else _plain(desk)))
    desk.machine.run(
        f"setsid tcpdump --immediate-mode -U -i any -w /tmp/capture host {desk.host.address} >/tmp/said 2>&1 & "
        "for _ in $(seq 100); do grep -q listening /tmp/said && exit; sleep 0.1; done; exit 1"
    )
    assert desk.type("docker exec witness /bin/sh -c 'echo a word that nobody should see'")
    desk.machine.run("pkill tcpdump; for _ in $(seq 100); do pgrep tcpdump || exit 0; sleep 0.1; done")
    assert int(desk.machine.run("stat --format %s /tmp/capture").stdout) > 1000
    seen = desk.machine.run("grep --count --binary-files=text 'that nobody should see' /tmp/capture", check=False)
    assert (seen.stdout.strip() != "0") is is_seen


@pytest.mark.flavours("trixie")
# dockerd 20.10 takes API 1.12, too.
@pytest.mark.only("trixie", "sid")
def test_what_the_page_on_troubleshooting_describes(desk: Desk) -> None:
    desk.expose()
    host = desk.host
    lost = desk.type("sudo docker ps", check=False)
    assert "Cannot connect to the Docker daemon at unix:///var/run/docker.sock" in lost
    kept = "--preserve-env=DOCKER_HOST,DOCKER_TLS_VERIFY,DOCKER_CERT_PATH"
    assert "witness" in desk.type(f"sudo {kept} docker ps")
    assert "is too old. Minimum supported API version is 1.24" in desk.type(
        "DOCKER_API_VERSION=1.23 docker ps", check=False
    )
    assert "client version 1.99 is too new. Maximum supported API version is" in desk.type(
        "DOCKER_API_VERSION=1.99 docker ps", check=False
    )
    # Set to 0, it is on.
    plain = f"DOCKER_HOST=tcp://{host.address}:2376"
    assert "witness" in desk.type(f"env {plain} DOCKER_TLS_VERIFY=0 docker ps")
    in_the_clear = desk.type(f"env -u DOCKER_TLS_VERIFY {plain} docker ps", check=False)
    assert "Client sent an HTTP request to an HTTPS server" in in_the_clear


@pytest.mark.one_host
def test_modules_of_community_docker(desk: Desk) -> None:
    desk.expose()
    folder = desk.controller.folder / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM bb\nCOPY Dockerfile /\n")
    container = {"name": "app", "image": "bb", "command": ["/bin/sh", "-c", "sleep 1000"], "stop_timeout": 1}
    build = {"name": "built", "source": "build", "build": {"path": str(folder), "pull": False}}
    tasks = [
        *[{"community.docker.docker_network": {"name": "ours"}}] * 2,
        *[{"community.docker.docker_image": build}] * 2,
        *[{"community.docker.docker_container": container}] * 2,
        {"community.docker.docker_container": {**container, "env": {"CHANGED": "1"}}},
        {"community.docker.docker_container": {"name": "app", "state": "absent", "force_kill": True}},
        {"community.docker.docker_image": {"name": "built", "state": "absent"}},
        {"community.docker.docker_network": {"name": "ours", "state": "absent"}},
    ]
    facts = f"lookup('gangway.docker.docker_host', '{desk.host.name}', client='ci', format='module_defaults')"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"expose_fleets_dir": str(desk.controller.fleets_dir)},
        "module_defaults": {"group/community.docker.docker": f"{{{{ {facts} }}}}"},
        "tasks": tasks,
    }
    done = desk.controller.play([play])
    assert done.code == 0, done.failures
    changed = [result["changed"] for result in done.results("localhost")]
    assert changed == [True, False, True, False, True, False, True, True, True, True]
