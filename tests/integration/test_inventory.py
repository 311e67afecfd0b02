# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exposed daemons as an inventory: community.docker reaches them, and their containers, by nothing else."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.controller import Controller
from tests.lab.hosts import Host


@pytest.fixture
def exposed(host: Host, controller: Controller) -> Controller:
    outcome = controller.expose(expose_clients=["ci", "admin"])
    assert outcome.code == 0, outcome.failures
    return controller


def inventory_file(controller: Controller, **options: t.Any) -> Path:
    path = controller.folder / "site.daemons.yml"
    content = {"plugin": "gangway.docker.daemons", "fleets_dir": str(controller.fleets_dir), **options}
    path.write_text(json.dumps(content))
    return path


def command(controller: Controller, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's commands with nothing from the lab's own inventory."""
    return subprocess.run(
        words,
        cwd=controller.folder,
        env=controller.environment(ANSIBLE_STDOUT_CALLBACK="ansible.posix.json"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def play(controller: Controller, inventory: Path, *plays: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Run the plays, and return results by task and host."""
    playbook = controller.folder / "inventory.yml"
    playbook.write_text(json.dumps([{"gather_facts": False, **each} for each in plays]))
    done = command(controller, "ansible-playbook", "-i", str(inventory), str(playbook))
    assert done.returncode == 0, done.stdout + done.stderr
    printed = json.loads(done.stdout[done.stdout.index("{") :])
    return {
        f"{task['task']['name']} {host}": result
        for each in printed["plays"]
        for task in each["tasks"]
        for host, result in task["hosts"].items()
    }


@pytest.mark.one_host
def test_community_docker_reaches_daemons_and_containers(exposed: Controller, host: Host) -> None:
    (exposed.fleet / "endpoints" / "broken.json").write_text("{")
    inventory = inventory_file(exposed, containers=True)
    listed = command(exposed, "ansible-inventory", "-i", str(inventory), "--list")
    assert listed.returncode == 0, listed.stderr
    assert "record_unreadable" in listed.stderr
    found = json.loads(listed.stdout)
    witness = f"witness@{host.name}"
    assert found["containers"]["hosts"] == [witness]
    assert {"fleet_default", "state_tls", "state_verified"} <= found.keys()
    assert found["fleet_default"]["hosts"] == [host.name]
    assert "PRIVATE KEY" not in listed.stdout

    modules = {
        "hosts": "fleet_default",
        "connection": "local",
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [
            {
                "name": "module_defaults",
                "community.docker.docker_container": {
                    "name": "made",
                    "image": "bb",
                    "command": ["/bin/sleep", "100000"],
                    "pull": "never",
                },
                "module_defaults": {"group/community.docker.docker": "{{ gangway_module_defaults }}"},
            },
            {
                "name": "env",
                "community.docker.docker_container_info": {"name": "made"},
                "environment": "{{ gangway_env }}",
            },
        ],
    }
    # docker_api reads the host's variables; only the container's name is missing.
    by_name = {
        "hosts": "fleet_default",
        "connection": "community.docker.docker_api",
        "vars": {"ansible_docker_host": "made"},
        "tasks": [{"name": "by name", "ansible.builtin.raw": "echo $HOSTNAME; cat /etc/hostname"}],
    }
    found_too = {
        "hosts": "containers",
        "tasks": [
            {"name": "raw", "ansible.builtin.raw": "cat /etc/hostname"},
        ],
    }
    done = play(exposed, inventory, modules, by_name, found_too)
    assert done[f"module_defaults {host.name}"]["changed"]
    assert done[f"env {host.name}"]["container"]["State"]["Running"]
    ids = host.run("docker inspect --format '{{slice .Id 0 12}}' made witness").stdout.split()
    assert done[f"by name {host.name}"]["stdout"].split()[-1] == ids[0]
    assert done[f"raw {witness}"]["stdout"].strip() == ids[1]
    assert f"raw made@{host.name}" not in done, "the inventory was read before"

    done = play(exposed, inventory, found_too)
    assert done[f"raw made@{host.name}"]["stdout"].strip() == ids[0]


@pytest.mark.one_host
def test_modules_run_in_containers_over_tls(exposed: Controller, host: Host) -> None:
    """With the host's own Python in a container: files go there, and modules run, also with pipelining requested."""
    host.run(
        "docker run --detach --name python -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /etc/alternatives:"
        "/etc/alternatives:ro --tmpfs /tmp --tmpfs /root bb /bin/sleep 100000"
    )
    inventory = inventory_file(exposed, containers=True)
    tasks = [
        {"name": "ping", "ansible.builtin.ping": {}},
        {"name": "copy", "ansible.builtin.copy": {"content": "ä\n", "dest": "/tmp/file", "mode": "0600"}},
        {"name": "slurp", "ansible.builtin.slurp": {"src": "/tmp/file"}},
    ]
    exposed.folder.joinpath("ansible.cfg").write_text("[defaults]\npipelining = true\n")
    done = play(
        exposed,
        inventory,
        {"hosts": f"python@{host.name}", "vars": {"ansible_python_interpreter": "/usr/bin/python3"}, "tasks": tasks},
    )
    assert done[f"ping python@{host.name}"]["ping"] == "pong"
    assert done[f"slurp python@{host.name}"]["content"] == "w6QK"


@pytest.mark.one_host
def test_a_daemon_that_is_down_is_a_warning(exposed: Controller, host: Host) -> None:
    record = exposed.fleet / "endpoints" / f"{host.name}.json"
    content = json.loads(record.read_text())
    # Nothing answers there, and nothing refuses.
    for number in range(3):
        name = f"gone{number}"
        url = f"tcp://172.30.77.25{number}:2376"
        (record.parent / f"{name}.json").write_text(json.dumps({**content, "name": name, "url": url}))
    listed = command(exposed, "ansible-inventory", "-i", str(inventory_file(exposed, containers=True)), "--list")
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout)
    assert found.get("containers", {}).get("hosts") == [f"witness@{host.name}"], listed.stderr
    assert set(found["fleet_default"]["hosts"]) == {"gone0", "gone1", "gone2", host.name}
    assert all(f"gone{number}" in listed.stderr for number in range(3))
