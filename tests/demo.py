# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expose a real dockerd on a container host, talk to it over mutual TLS, and show that nobody else can.

C(python -m tests.demo); it can be run again, and then says that nothing changed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import docker.errors

from tests.lab import Engine, Host, find_or_start_engine, write_inventory
from tests.lab.engine import clean_environment
from tests.lab.hosts import SSH_KEY, start_hosts

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".cache" / "demo"
FLEETS_DIR = FOLDER / "fleets"
INVENTORY = FOLDER / "hosts.yml"
NAME = "demo"
IMAGE = "busybox:demo"

#: curl's words for a TLS handshake, or the first read or write after it, that the server ended (see curl(1)).
_REFUSED_BY_TLS = (35, 55, 56)


class DemoFailure(Exception):
    """A step did not do what it should; says which, and what came instead."""


def main() -> int:
    try:
        _demonstrate()
    except (DemoFailure, RuntimeError, OSError, subprocess.CalledProcessError, docker.errors.DockerException) as exc:
        print(f"\nThe demo failed: {exc}", file=sys.stderr)
        return 1
    return 0


def _demonstrate() -> None:
    missing = [name for name in ("ansible-playbook", "docker", "curl", "ssh") if shutil.which(name) is None]
    if missing:
        raise DemoFailure(f"{', '.join(missing)} not found; ./dev demo installs what is needed")
    _say("looking for the lab's engine")
    engine = find_or_start_engine(_say)
    host = start_hosts(engine, [(NAME, "trixie")], _say)[0]
    _say(f"host {host.name} is up: {host.flavour}, {host.address}, systemd and dockerd inside, reached by SSH")
    write_inventory(INVENTORY, [host])
    shell = Shell(engine)

    _say("exposing its Docker daemon")
    changed = shell.playbook("expose-docker.yml")
    _say("exposed" if changed else "unchanged: it was exposed already, and nothing had to be done")

    client = shell.look_up(host)
    _say(
        f"talking to it with the docker CLI; lookup('gangway.docker.docker_host', '{NAME}') gives {json.dumps(client)}"
    )
    shell.show(["docker", "version"], client)
    _ensure_image(shell, host, client)
    greeting = "echo hello from a container on $(hostname)"
    shell.show(["docker", "run", "--rm", f"--hostname={NAME}-container", IMAGE, "sh", "-c", greeting], client)

    _say("the same without a certificate")
    _show_refusal(shell, host)
    _tell_what_is_next(shell, client)


@dataclass(frozen=True)
class Shell:
    """Runs commands where the host can be reached, exactly as they are printed."""

    engine: Engine

    def words(self, command: t.Sequence[str], variables: t.Mapping[str, str]) -> list[str]:
        settings = [f"{name}={value}" for name, value in variables.items()]
        return self.engine.inside([*(["env", *settings] if settings else []), *command])

    def show(self, command: t.Sequence[str], variables: t.Mapping[str, str]) -> None:
        """Print the command, run it, and let it print."""
        _print_command(command)
        code = subprocess.run(self.words(command, variables), env=clean_environment(), check=False).returncode
        if code != 0:
            raise DemoFailure(f"this exited with status {code}: {shlex.join(self.words(command, variables))}")

    def capture(
        self, command: t.Sequence[str], variables: t.Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = self.words(command, variables or {})
        return subprocess.run(words, env=clean_environment(), capture_output=True, text=True, check=False)

    def playbook(self, name: str) -> bool:
        """Run one of our playbooks, showing its output as it comes; return whether it changed the host."""
        command = playbook_command(name)
        _print_command(command)
        variables = ansible_variables()
        if sys.stdout.isatty():
            variables["ANSIBLE_FORCE_COLOR"] = "1"
        recap = None
        words = self.words(command, variables)
        with subprocess.Popen(words, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                recap = re.search(r"\bchanged=(\d+)", line) or recap
        if process.returncode != 0 or recap is None:
            raise DemoFailure(f"{name} exited with status {process.returncode}; its output above says why")
        return recap.group(1) != "0"

    def look_up(self, host: Host) -> dict[str, str]:
        """Return the environment for the docker CLI, as a playbook gets it from the lookup."""
        template = f"{{{{ lookup('gangway.docker.docker_host', '{host.name}', fleets_dir='{FLEETS_DIR}') }}}}"
        command = [
            "ansible",
            "localhost",
            "--module-name=ansible.builtin.debug",
            f"--args={json.dumps({'msg': template})}",
        ]
        quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0"}
        done = self.capture(command, {**ansible_variables(), **quiet})
        _status, arrow, answer = done.stdout.partition("=> ")
        if done.returncode != 0 or not arrow:
            raise DemoFailure(f"the lookup docker_host failed:\n{done.stdout}{done.stderr}")
        return {str(name): str(value) for name, value in json.loads(answer)["msg"].items()}


def ansible_variables() -> dict[str, str]:
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache" / "collections"))
    return {"ANSIBLE_COLLECTIONS_PATH": collections}


def playbook_command(name: str) -> list[str]:
    program = shutil.which("ansible-playbook") or "ansible-playbook"
    fleets_dir = f"--extra-vars=expose_fleets_dir={shlex.quote(str(FLEETS_DIR))}"
    return [program, f"--inventory={INVENTORY}", fleets_dir, str(ROOT / "playbooks" / name)]


def _ensure_image(shell: Shell, host: Host, client: t.Mapping[str, str]) -> None:
    """Bring an image to the daemon through its endpoint: the lab has no registry, but the host has busybox."""
    if shell.capture(["docker", "image", "inspect", IMAGE], client).returncode == 0:
        return
    ssh = ["ssh", "-i", str(SSH_KEY), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    fetch = [*ssh, "-o", "LogLevel=ERROR", f"root@{host.address}", "tar -C /opt/busybox -c ."]
    load = ["docker", "image", "import", "-", IMAGE]
    _say(f"making {IMAGE} from the host's own busybox: nothing can be pulled in the lab")
    _print_command(load)
    environment = clean_environment()
    with subprocess.Popen(shell.words(fetch, {}), env=environment, stdout=subprocess.PIPE) as source:
        done = subprocess.run(shell.words(load, client), env=environment, stdin=source.stdout, check=False)
    if source.returncode != 0 or done.returncode != 0:
        raise DemoFailure(f"the image {IMAGE} could not be imported through the endpoint")


def _show_refusal(shell: Shell, host: Host) -> None:
    command = [
        "curl",
        "--insecure",
        "--silent",
        "--show-error",
        "--max-time",
        "10",
        f"https://{host.address}:2376/version",
    ]
    _print_command(command)
    done = shell.capture(command)
    print(done.stdout + done.stderr, end="", flush=True)
    if done.returncode not in _REFUSED_BY_TLS:
        raise DemoFailure(f"a client without a certificate was not turned away by TLS (curl exited {done.returncode})")
    _say("refused, as it should be")


def _tell_what_is_next(shell: Shell, client: t.Mapping[str, str]) -> None:
    nexts = {
        "Talk to the daemon yourself": shell.words(["docker", "ps", "--all"], client),
        "Expose it once more (nothing changes)": shell.words(
            playbook_command("expose-docker.yml"), ansible_variables()
        ),
        "Take it all away again": shell.words(playbook_command("withdraw.yml"), ansible_variables()),
        "Take the lab away": ["./dev", "lab-down"],
    }
    for title, words in nexts.items():
        print(f"\n{title}:\n    {shlex.join(words)}")


def _print_command(words: t.Sequence[str]) -> None:
    print(f"\n$ {shlex.join(words)}", flush=True)


def _say(text: str) -> None:
    print(f"\n[demo] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
