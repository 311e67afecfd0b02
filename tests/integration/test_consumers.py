# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tools of docs/consumers.md that Debian has, run with the plays that stand there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.integration.controller import Controller, Outcome
from tests.lab.hosts import Host
from tests.shown import shown

_NETWORK = ["172.30.77.0/24"]


class Example(t.NamedTuple):
    """Programs of the page, and the play that runs them."""

    programs: tuple[str, ...]
    play: str


SDK = Example(
    (shown("docs/consumers.md", "# containers.py"),), shown("docs/consumers.md", "- name: Use web1 from Python")
)
DOCKERODE = Example(
    (shown("docs/consumers.md", "// containers.js"),), shown("docs/consumers.md", "- name: Use web1 from Node.js")
)
TESTCONTAINERS = Example(
    (shown("docs/consumers.md", "# test_web.py"), shown("docs/consumers.md", "// web.test.js")),
    shown("docs/consumers.md", "- name: Test with containers on web1"),
)
#: What ./dev has installed: the SDK and Testcontainers, node, and packages for it.
_INSTALLED = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "NODE_PATH": str(Path(sys.prefix, "node_modules")),
}
#: Clients that run on. For each line, each prints one: the names of containers, or what went wrong.
_RESIDENTS = {
    "python3": """
import sys

import docker

client = docker.from_env()
for _line in sys.stdin:
    try:
        print([container.name for container in client.containers.list()], flush=True)
    except Exception as exc:
        print("refused:", repr(exc).replace("\\n", " "), flush=True)
""",
    "node": """
const Docker = require("dockerode");
const docker = new Docker();
require("node:readline").createInterface({ input: process.stdin }).on("line", () => {
  docker.listContainers().then(
    (found) => console.log(JSON.stringify(found.map((container) => container.Names[0]))),
    (error) => console.log(`refused: ${error.message.replace(/\\n/g, " ")}`),
  );
});
""",
}


@pytest.fixture
def monitor(client_machine: Host) -> t.Iterator[Host]:
    """A machine with Debian's prometheus, as the package has set it up."""
    clear = "systemctl stop prometheus; rm -rf /var/lib/prometheus/docker"
    client_machine.run(clear)
    yield client_machine
    client_machine.run(clear)


def _plays(play: str, **names: str) -> list[dict[str, t.Any]]:
    """The play with these names in the place of those that stand there."""
    for there, here in names.items():
        assert there in play
        play = play.replace(there, here)
    plays: list[dict[str, t.Any]] = yaml.safe_load(play)
    return plays


def _discovered(monitor: Host) -> set[str]:
    told = monitor.run("curl --silent --fail http://127.0.0.1:9090/api/v1/targets", check=False).stdout
    targets = json.loads(told)["data"]["activeTargets"] if told else []
    return {target["discoveredLabels"].get("__meta_docker_container_name", "") for target in targets}


def _await(monitor: Host, container: str) -> None:
    end = time.monotonic() + 60
    while f"/{container}" not in _discovered(monitor):
        assert time.monotonic() < end, monitor.run("journalctl -u prometheus --no-pager | tail -20").stdout
        time.sleep(0.5)


def _run(host: Host, container: str) -> None:
    host.run(f"docker rm --force {container} 2>/dev/null; docker run --detach --name {container} bb /bin/sleep 1000")


@pytest.mark.one_host
def test_prometheus_goes_on_discovering_across_a_renewal_and_a_rotation(
    host: Host, monitor: Host, tmp_path: Path
) -> None:
    controller = Controller(tmp_path, [host, monitor], docker_client_fleets_dir=str(tmp_path / "fleets"))
    exposed: dict[str, t.Any] = {"expose_hosts": host.name, "expose_allow": _NETWORK}
    assert controller.playbook("expose_docker", **exposed).code == 0
    plays = _plays(
        shown("docs/consumers.md", "- name: Prometheus"),
        monitor=monitor.name,
        web1=host.name,
        tls_config="refresh_interval: 1s\n" + 18 * " " + "tls_config",
    )

    def give(**variables: t.Any) -> Outcome:
        (tmp_path / "monitor.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
        outcome = controller.run(
            tmp_path / "monitor.yml", docker_client_fleets_dir=str(controller.fleets_dir), **variables
        )
        assert outcome.code == 0, outcome.failures
        return outcome

    monitor.run("systemctl start prometheus")
    _run(host, "first")
    give(docker_client_validity="240h")
    _await(monitor, "first")
    assert give().changed(monitor.name) == 0
    pid = monitor.run("systemctl show --property=MainPID prometheus").stdout

    assert give(docker_client_renew_before="30d").changed(monitor.name) > 0
    assert controller.playbook("rotate_authority", rotate_finish=False, **exposed).code == 0
    give()
    finished = controller.playbook("rotate_authority", **exposed)
    assert finished.code == 0, finished.failures
    # Whoever has the certificates of before gets in no more.
    _run(host, "second")
    _await(monitor, "second")
    assert monitor.run("systemctl show --property=MainPID prometheus").stdout == pid
    host.run("docker rm --force first second")


def _run_example(example: Example, controller: Controller, host: Host, **environment: str) -> list[str]:
    """Write the programs, run the play, and return what each command prints."""
    for program in example.programs:
        # Its first line is a comment with its name.
        (controller.folder / program.split()[1]).write_text(program)
    outcome = controller.play(_plays(example.play, web1=host.name), environment={**_INSTALLED, **environment})
    (result,) = outcome.results("localhost")
    assert outcome.code == 0, result
    return [ran["stdout"] for ran in result.get("results", [result])]


@pytest.mark.one_host
@pytest.mark.parametrize("example", [SDK, DOCKERODE], ids=["Docker SDK for Python", "dockerode"])
def test_sdks_list_containers(example: Example, host: Host, controller: Controller) -> None:
    assert controller.expose(expose_clients=["app"]).code == 0
    (printed,) = _run_example(example, controller, host)
    assert printed.removeprefix("/") == "witness"


@pytest.mark.one_host
def test_dockerode_is_restarted_with_the_env_file_of_the_role_client(host: Host, controller: Controller) -> None:
    """The machine that has the client is the controller here, since it has Node.js."""
    assert controller.expose().code == 0
    (program,) = DOCKERODE.programs
    (controller.folder / "containers.js").write_text(program)
    place = controller.folder / "machine"
    run = f"set -a; . {place}/gangway/{host.name}.env; node {controller.folder}/containers.js >> {place}.log"
    variables = {
        "docker_client_name": "app",
        "docker_client_path": str(place),
        "docker_client_endpoints": [host.name],
        "docker_client_contexts": False,
        "docker_client_fleets_dir": str(controller.fleets_dir),
        "docker_client_notify": ["Restart the application"],
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "roles": [{"role": "gangway.docker.client", **variables}],
        "handlers": [{"name": "Restart the application", "ansible.builtin.shell": run}],
    }
    for due in ({"docker_client_validity": "240h"}, {}, {"docker_client_renew_before": "30d"}):
        outcome = controller.play([{**play, "vars": due}], environment=_INSTALLED)
        assert outcome.code == 0, outcome.failures
    assert Path(f"{place}.log").read_text() == "/witness\n" * 2, "once for each certificate"


@pytest.mark.one_host
def test_testcontainers_start_containers_and_reach_their_ports(host: Host, controller: Controller) -> None:
    # Nothing can be pulled: an image of that name that serves a page.
    serve = 'CMD ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]'
    host.run(
        "rm -rf /run/web && mkdir -p /run/web/www && cp -r /opt/busybox/bin /run/web && "
        "echo hello > /run/web/www/index.html && "
        f"tar -C /run/web -c . | docker import --change '{serve}' - nginx:alpine"
    )
    try:
        assert controller.expose(expose_clients=["tests"]).code == 0
        before = host.run("docker ps --all --quiet").stdout
        python, node = _run_example(TESTCONTAINERS, controller, host, TESTCONTAINERS_RYUK_DISABLED="true")
        assert "1 passed" in python
        assert re.search(r"^\S+ pass 1$", node, re.MULTILINE), node
        assert host.run("docker ps --all --quiet").stdout == before
        events = host.run("docker events --since 10m --until 0s --filter event=start --filter image=nginx:alpine")
        assert events.stdout.count("container start") == 2
    finally:
        host.run("docker rmi --force nginx:alpine; rm -rf /run/web")


@pytest.mark.one_host
def test_clients_that_run_on_across_a_renewal_and_a_rotation(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_clients=["app"], expose_validity=10).code == 0
    lookup = f"{{{{ lookup('gangway.docker.docker_host', '{host.name}', client='app') }}}}"
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": lookup}}]}
    variables = controller.play([play]).results("localhost")[0]["msg"]
    residents = {
        program: subprocess.Popen(
            [program, "-c" if program == "python3" else "-e", script],
            env=controller.environment(**_INSTALLED, **variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for program, script in _RESIDENTS.items()
    }

    def ask() -> dict[str, str]:
        said = {}
        # Twice: a connection that is kept ends with the dockerd that it was made to, which may cost a request.
        for program, resident in [*residents.items()] * 2:
            assert resident.stdin is not None
            assert resident.stdout is not None
            print(file=resident.stdin, flush=True)
            said[program] = resident.stdout.readline()
        return said

    try:
        assert all("witness" in said for said in ask().values())
        before = (controller.client("app") / "cert.pem").read_bytes()
        renewed = controller.playbook("renew", expose_renew_before="30d")
        assert renewed.code == 0, renewed.failures
        assert (controller.client("app") / "cert.pem").read_bytes() != before
        said = ask()
        assert all("witness" in each for each in said.values()), said
        rotated = controller.playbook("rotate_authority")
        assert rotated.code == 0, rotated.failures
        said = ask()
        assert "witness" in said["python3"], said
        # It has read the files once; a new process gets in.
        assert "refused" in said["node"], said
        assert _run_example(DOCKERODE, controller, host) == ["/witness"]
    finally:
        for resident in residents.values():
            resident.kill()
            resident.communicate()
