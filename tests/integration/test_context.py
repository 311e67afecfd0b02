# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docker_context and the real docker command, each reading what the other has written; contexts of exposed hosts."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import typing as t

import pytest

from tests.attack import LOCAL_USER, attack
from tests.integration.controller import Controller
from tests.lab.hosts import Host

HOME = "/home/deploy"
BUNDLE = {"ca_path": "~/.docker/ca.pem", "client_cert": "~/.docker/cert.pem", "client_key": "~/.docker/key.pem"}


@pytest.fixture
def machine(host: Host, controller: Controller) -> t.Iterator[Host]:
    """An exposed host, whose user deploy has an identity and no contexts."""
    clear = f"rm -rf {HOME}/.docker {HOME}/*.dockercontext"
    host.run(clear)
    outcome = controller.expose()
    assert outcome.code == 0, outcome.failures
    given = {
        "docker_client_name": "ci",
        "docker_client_user": "deploy",
        "docker_client_contexts": False,
        "docker_client_fleets_dir": str(controller.fleets_dir),
    }
    roles = [{"role": "gangway.docker.client", **given}]
    outcome = controller.play([{"hosts": host.name, "gather_facts": False, "roles": roles}])
    assert outcome.code == 0, outcome.failures
    yield host
    host.run(clear)


def tasks(controller: Controller, machine: Host, *words: str, **named: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """Run docker_context as root for the user, once for each of these options; return the results by name."""
    play = {
        "hosts": machine.name,
        "gather_facts": False,
        "become": True,
        "tasks": [
            {"name": name, "gangway.docker.docker_context": {"user": "deploy", **options}, "ignore_errors": True}
            for name, options in named.items()
        ],
    }
    return {result["task"]: result for result in controller.play([play], *words).results(machine.name)}


def as_user(machine: Host, command: str) -> str:
    return str(machine.run(f"su - deploy -c {shlex.quote(command)}").stdout)


def inspected(machine: Host, name: str) -> dict[str, t.Any]:
    """Return what the CLI says of a context."""
    found: dict[str, t.Any] = json.loads(as_user(machine, f"docker context inspect {name}"))[0]
    return found


def contexts(machine: Host) -> dict[str, bool]:
    """Return the CLI's contexts, and whether each is the current one."""
    lines = as_user(machine, "docker context ls --format '{{.Name}} {{.Current}}'").splitlines()
    return {name: current == "true" for name, current in map(str.split, lines)}


@pytest.mark.flavours("bookworm", "sid")
def test_the_docker_command_reads_what_the_module_writes(machine: Host, controller: Controller) -> None:
    url = f"tcp://{machine.address}:2376"
    as_user(
        machine, 'printf \'{\\n\\t"detachKeys": "ctrl-q"\\n}\' > ~/.docker/config.json; chmod 640 ~/.docker/config.json'
    )
    ours = {"name": "ours", "docker_host": url, "description": "made by us", "current": True, **BUNDLE}
    predicted = tasks(controller, machine, "--check", "--diff", make=ours)["make"]
    assert "ours" not in contexts(machine)
    made = tasks(controller, machine, "--diff", make=ours, again=ours)
    assert [made["make"][key] for key in ("changed", "actions", "diff")] == [
        predicted[key] for key in ("changed", "actions", "diff")
    ]
    assert not made["again"]["changed"]
    assert "PRIVATE KEY" not in json.dumps(made)

    found = inspected(machine, "ours")
    assert found["Metadata"] == {"Description": "made by us"}
    assert found["Endpoints"]["docker"] == {"Host": url, "SkipTLSVerify": False}
    assert sorted(found["TLSMaterial"]["docker"]) == ["ca.pem", "cert.pem", "key.pem"]
    assert contexts(machine) == {"default": False, "ours": True}
    assert "witness" in as_user(machine, "docker ps")
    config = machine.run(f"cat {HOME}/.docker/config.json; stat -c ' %a %U' {HOME}/.docker/config.json").stdout
    assert config == '{\n\t"detachKeys": "ctrl-q",\n\t"currentContext": "ours"\n} 640 deploy\n'
    owners = machine.run(f"find {HOME}/.docker/contexts -printf '%U %y %m\\n' | sort -u").stdout
    uid = machine.run("id -u deploy").stdout.strip()
    assert owners.splitlines() == [f"{uid} d 700", f"{uid} f 600", f"{uid} f 644"]

    # The CLI exports, imports, changes and removes what the module has made.
    as_user(machine, "docker context export ours cli.dockercontext && docker context import cli cli.dockercontext")
    assert "witness" in as_user(machine, "docker --context cli ps")
    as_user(machine, "docker context update --description changed ours && docker context use default")
    assert tasks(controller, machine, again={**ours, "description": None, "current": None})["again"]["changed"] is False
    as_user(machine, "docker context rm ours")
    gone = tasks(controller, machine, gone={"name": "ours", "state": "absent"})["gone"]
    assert not gone["changed"]
    assert contexts(machine) == {"default": True, "cli": False}


@pytest.mark.flavours("bookworm", "sid")
def test_the_module_reads_what_the_docker_command_writes(machine: Host, controller: Controller) -> None:
    url = f"tcp://{machine.address}:2376"
    files = "ca=$HOME/.docker/ca.pem,cert=$HOME/.docker/cert.pem,key=$HOME/.docker/key.pem"
    as_user(machine, f"docker context create theirs --description cli --docker host={url},{files}")
    as_user(machine, "docker context use theirs && docker context export theirs")
    theirs = {"name": "theirs", "docker_host": url, "description": "cli", **BUNDLE}
    export = {"name": "theirs", "export_to": "~/ours.dockercontext"}
    done = tasks(
        controller,
        machine,
        present=theirs,
        in_use={"name": "theirs", "state": "absent"},
        imported={"name": "copy", "import_from": "~/theirs.dockercontext"},
        kept={"name": "theirs", "export_to": "~/theirs.dockercontext"},
        exported=export,
        again=export,
        default={"name": "default", "current": True},
        removed={"name": "theirs", "state": "absent"},
    )
    assert {name: result["changed"] for name, result in done.items() if "failure" not in result} == {
        "present": False,
        "imported": True,
        "kept": False,
        "exported": True,
        "again": False,
        "default": True,
        "removed": True,
    }
    assert done["in_use"]["failure"] == "context_in_use"
    assert done["present"]["context"]["current"]
    assert contexts(machine) == {"default": True, "copy": False}
    assert "witness" in as_user(machine, "docker --context copy ps")
    assert machine.run(f"stat -c '%a %U' {HOME}/ours.dockercontext").stdout == "600 deploy\n"
    as_user(machine, "docker context import back ours.dockercontext")
    assert "witness" in as_user(machine, "docker --context back ps")
    assert inspected(machine, "back")["Metadata"] == {"Description": "cli"}
    # What the CLI makes of its export, packed as zip.
    as_user(
        machine, "mkdir z && tar -C z -xmf ours.dockercontext && cd z && python3 -m zipfile -c ../z.dockercontext *"
    )
    zipped = tasks(controller, machine, zipped={"name": "zipped", "import_from": "~/z.dockercontext"})["zipped"]
    machine.run(f"rm -r {HOME}/z")
    assert zipped["changed"], zipped
    assert "witness" in as_user(machine, "docker --context zipped ps")


@attack(
    "Plants links for `docker_context` that runs as root for the user",
    by=LOCAL_USER,
    expected="It reads and writes with the user's rights alone",
)
@pytest.mark.one_host
def test_root_is_not_led_out_of_the_users_folder(machine: Host, controller: Controller) -> None:
    machine.run("install -d -m 0755 /root/precious; echo theirs > /root/precious/meta.json")
    digest = hashlib.sha256(b"trap").hexdigest()
    as_user(machine, f"mkdir -p ~/.docker/contexts/meta && ln -s /root/precious ~/.docker/contexts/meta/{digest}")
    trap = {"name": "trap", "docker_host": "tcp://h:2376"}
    done = tasks(
        controller,
        machine,
        write=trap,
        read={**trap, "name": "other", "ca_path": "/etc/shadow"},
        export={"name": "copy", "docker_host": "tcp://h:2376", "export_to": "/root/precious/meta.json"},
    )
    assert done["write"]["failure"] == "folder_not_writable"
    assert done["read"]["failure"] == "file_unreadable"
    assert done["export"]["failure"] in ("folder_not_writable", "file_unreadable", "export_taken")
    tasks(controller, machine, remove={"name": "trap", "state": "absent", "force": True})
    assert machine.run("ls /root/precious; cat /root/precious/meta.json; rm -r /root/precious").stdout == (
        "meta.json\ntheirs\n"
    )


@pytest.mark.flavours("sid")
def test_each_exposed_host_has_a_context_on_the_controller(host: Host, controller: Controller) -> None:
    environment = {"DOCKER_CONFIG": str(controller.folder / "docker")}
    options: dict[str, t.Any] = {
        "environment": environment,
        "expose_contexts": True,
        "expose_clients": ["ci", "alice"],
        "expose_validity": "240h",
    }

    def docker(*words: str) -> str:
        done = subprocess.run(
            ["docker", *words], env=controller.environment(**environment), capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    predicted = controller.expose("--check", "--diff", **options)
    assert not (controller.folder / "docker").exists()
    done = controller.expose("--diff", **options)
    assert done.code == 0, done.failures
    ours = [outcome.listener(host.name) for outcome in (predicted, done)]
    assert all(ours[0][key] == ours[1][key] for key in ("changed", "actions", "diff", "context"))
    assert "witness" in docker("--context", host.name, "ps")
    assert f"{host.name}, client ci, fleet default" in docker("context", "ls")
    again = controller.expose(**options)
    assert sum(again.changed(name) for name in again.stats) == 0

    # The client's bundle is renewed, and the server's certificate is not due.
    (controller.client("ci") / "cert.pem").unlink()
    made = controller.expose(**options)
    assert made.listener(host.name)["actions"] == [f"refresh the docker context {host.name} on the controller"]
    assert "witness" in docker("--context", host.name, "ps")
    assert controller.playbook("renew", **options).listener(host.name)["changed"] is False
    renewed = controller.playbook("renew", **{**options, "expose_validity": "365d", "expose_renew_before": "30d"})
    assert renewed.code == 0, renewed.failures
    assert renewed.listener(host.name)["actions"][-1] == f"refresh the docker context {host.name} on the controller"
    assert "witness" in docker("--context", host.name, "ps")

    docker("context", "use", host.name)
    withdrawn = controller.withdraw(**options)
    assert withdrawn.listener(host.name)["actions"][-1] == f"remove the docker context {host.name} on the controller"
    assert "was the current one" in " ".join(withdrawn.warnings(host.name))
    assert host.name not in docker("context", "ls")
