# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people do with an exposed daemon, done as they do it: docker CLI, curl, a build, a dump, from the client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from tests.integration.controller import Controller
from tests.lab.hosts import Host


@pytest.fixture
def exposed(host: Host, controller: Controller) -> Controller:
    outcome = controller.expose(expose_clients=["admin", "ci"])
    assert outcome.code == 0, outcome.failures
    return controller


def run(controller: Controller, words: list[str], *, stdin: str | None = None, **variables: str) -> str:
    """Run a client's command with nothing but these variables, and return what it prints."""
    environment = controller.environment(HOME=str(controller.folder), **variables)
    done = subprocess.run(words, env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.one_host
def test_options_on_the_command_line(host: Host, exposed: Controller) -> None:
    bundle = exposed.client()
    docker = ["docker", "-H", f"tcp://{host.address}:2376", "--tlsverify"]
    docker += [
        f"--tls{name}={bundle / file}.pem" for name, file in (("cacert", "ca"), ("cert", "cert"), ("key", "key"))
    ]
    assert "witness" in run(exposed, [*docker, "ps"])
    assert "bb" in run(exposed, [*docker, "images"])
    assert json.loads(run(exposed, [*docker, "inspect", "witness"]))[0]["Name"] == "/witness"
    assert run(exposed, [*docker, "run", "--rm", "bb", "/bin/sh", "-c", "echo hello"]) == "hello\n"


@pytest.mark.one_host
def test_the_three_variables_and_a_host_without_a_scheme(host: Host, exposed: Controller) -> None:
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(exposed.client("ci"))}
    for url in (f"tcp://{host.address}:2376", f"{host.address}:2376"):
        assert "witness" in run(exposed, ["docker", "ps"], DOCKER_HOST=url, **variables)


@pytest.mark.one_host
def test_files_in_the_home_folder_and_no_path_at_all(host: Host, exposed: Controller) -> None:
    shutil.copytree(exposed.client(), exposed.folder / ".docker")
    assert "witness" in run(exposed, ["docker", "--tlsverify", "-H", f"tcp://{host.address}:2376", "ps"])


@pytest.mark.one_host
def test_another_port(host: Host, exposed: Controller) -> None:
    assert exposed.expose(expose_clients=["admin", "ci"], expose_listen=[f"{host.address}:9002"]).code == 0
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(exposed.client())}
    assert "witness" in run(exposed, ["docker", "ps"], DOCKER_HOST=f"{host.address}:9002", **variables)


@pytest.mark.one_host
def test_a_file_into_a_container_and_back_out(exposed: Controller, host: Host) -> None:
    dump = "insert into t values ('äöü');\n" * 2000
    exec_in = ["docker", "exec", "-i", "witness", "/bin/sh", "-c", "cat > /restored"]
    run(exposed, exec_in, stdin=dump, **remote(host, exposed))
    assert run(exposed, ["docker", "exec", "witness", "/bin/cat", "/restored"], **remote(host, exposed)) == dump


@pytest.mark.one_host
def test_a_build_with_its_context_from_here(exposed: Controller, host: Host) -> None:
    context = exposed.folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM bb\nCOPY . /app/\n")
    (context / "kept").write_text("kept")
    (context / "secret").write_text("secret")
    (context / ".dockerignore").write_text("secret\n")
    # The builder that is in the engine itself: a client need not have buildx.
    run(exposed, ["docker", "build", "-t", "built", str(context)], DOCKER_BUILDKIT="0", **remote(host, exposed))
    listing = ["docker", "run", "--rm", "built", "/bin/sh", "-c", "cd /app; echo *"]
    assert run(exposed, listing, **remote(host, exposed)).split() == ["Dockerfile", "kept"]
    assert host.run("docker images -q built").stdout.strip()


def test_the_bare_rest_api(exposed: Controller, host: Host) -> None:
    bundle = exposed.client("ci")
    curl = ["curl", "--silent", "--fail", "--cacert", bundle / "ca.pem", "--cert", bundle / "cert.pem"]
    curl += ["--key", bundle / "key.pem"]
    base = f"https://{host.address}:2376/v1.41"
    containers = json.loads(run(exposed, [*map(os.fspath, curl), f"{base}/containers/json"]))
    assert [container["Names"] for container in containers] == [["/witness"]]
    assert json.loads(run(exposed, [*map(os.fspath, curl), f"{base}/info"]))["LiveRestoreEnabled"] is True


def test_the_unix_socket_stays_as_it_was(exposed: Controller, host: Host) -> None:
    assert "witness" in host.run("docker ps").stdout
    assert host.run("stat -c '%a %U %G' /run/docker.sock").stdout.strip() == "660 root docker"
    # The role's user finds in the journal what dockerd says of its listeners.
    assert f"API listen on {host.address}:2376" in host.run("journalctl -u docker --no-pager").stdout


def remote(host: Host, controller: Controller) -> dict[str, str]:
    return {
        "DOCKER_HOST": f"tcp://{host.address}:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(controller.client()),
    }
