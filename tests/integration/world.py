# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the examples and commands of the documentation take for granted: names of hosts, files, a home folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import yaml

from tests.integration.controller import Controller
from tests.integration.test_trust import SIGN
from tests.lab.hosts import Host
from tests.lab.inventory import write_inventory

#: Given on the command line, as for a playbook of one's own.
_VARIABLES = {"vaulted_passphrase": "for the test"}
#: In the documentation, the address of web1, and a network that it is in.
_ADDRESS, _NETWORK = "10.20.0.5", "10.20.0.0/24"


class World:
    """A folder with the file C(inventory), whose hosts have the names in the examples, and files of a PKI."""

    def __init__(self, folder: Path, host: Host, machine: Host) -> None:
        self.folder = folder
        self._controller = Controller(folder / "controller", [host])
        self.inventory = folder / "inventory"
        inventory = yaml.safe_load(write_inventory(self.inventory, [host]).read_text())
        docker_hosts = inventory["all"]["children"]["docker_hosts"]
        shared = docker_hosts.pop("vars")
        docker_hosts["hosts"] = {"web1": {"ansible_host": host.address}}
        there = {"ansible_host": machine.address}
        groups = {
            "docker_hosts": docker_hosts,
            "runners": {"hosts": {"runner1": there}},
            "apps": {"hosts": {"app1": there}},
            "jenkins": {"hosts": {"jenkins1": there}},
        }
        inventory["all"] = {"vars": shared, "children": groups}
        self.inventory.write_text(yaml.safe_dump(inventory))

    def play(self, playbook: Path, home: Path, *words: str) -> str:
        """Run it as a user with this home folder; return what went wrong."""
        command = ["ansible-playbook", f"--inventory={self.inventory}", f"--extra-vars={json.dumps(_VARIABLES)}"]
        done = self.run([*command, *words, str(playbook)], home)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def run(
        self, command: t.Sequence[str], home: Path, *, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as a user with this home folder."""
        home.mkdir(exist_ok=True)
        # A control socket's path may not be longer than 107 bytes.
        sockets = str(Path.home() / ".ansible" / "cp")
        environment = {"HOME": str(home), "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, **variables}
        return subprocess.run(
            command,
            cwd=folder or self.folder,
            env=self._controller.environment() | environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


class Reader:
    """Somebody who types what a page shows. Nothing in it is replaced but the address of web1 and its network."""

    def __init__(self, folder: Path, host: Host, machine: Host, **variables: str) -> None:
        self.world = World(folder, host, machine)
        self.folder, self.home = folder, folder / "home"
        self._variables = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **variables}
        self._host = host
        self._plays = 0

    @property
    def fleet(self) -> Path:
        return self.home / ".docker" / "gangway" / "default"

    def here(self, text: str) -> str:
        """Return the text with the addresses of the lab."""
        return text.replace(_NETWORK, "172.30.77.0/24").replace(_ADDRESS, self._host.address)

    def types(self, text: str, *, returns: int = 0, folder: Path | None = None, **variables: str) -> str:
        """Run the text in a shell that ends at the first error; return what it printed, errors included."""
        command = ["sh", "-ec", self.here(text)]
        done = self.world.run(command, self.home, folder=folder, **self._variables | variables)
        assert done.returncode == returns, f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def plays(self, *texts: str, inventory: str = "inventory", **variables: str) -> str:
        """Run plays one after another."""
        self._plays += 1
        playbook = self.folder / f"site{self._plays}.yml"
        playbook.write_text(self.here("\n".join(text.removeprefix("---\n") for text in texts)))
        return self.types(f"ansible-playbook -i {inventory} {playbook}", **variables)

    def has_program(self, name: str, script: str) -> Path:
        """Have a program that runs this script, in the place of one that Debian does not have."""
        program = self.folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program


def make_image_of_app(host: Host) -> None:
    """Make the image C(app) on the host, whose containers wait."""
    recipe = r"FROM bb\nCMD [\"/bin/sleep\", \"1000\"]\n"
    host.run(f'printf "{recipe}" | docker build --quiet --tag app - && mkdir -p /opt/app')


def make_bundles_of_others(home: Path) -> None:
    """Make a bundle as others hand it out, one where the docker command looks for it, and docker-machine's folder."""
    bundle = home / ".docker" / "gangway" / "default" / "clients" / "ci"
    shutil.copytree(bundle, home / "certs" / "build1")
    shutil.copytree(bundle, home / ".docker", dirs_exist_ok=True)
    (home / ".docker" / "machine" / "machines").mkdir(parents=True)


def make_pki(folder: Path, address: str, play: t.Callable[[Path], str]) -> None:
    """Make what a company would have: an intermediate CA for a fleet, a server's bundle, the CA of its clients."""
    folder.mkdir()
    subprocess.run(["sh", str(SIGN), "init", str(folder)], check=True, capture_output=True)
    shutil.copy(folder / "chain.pem", folder / "docker-ca-and-root.pem")
    shutil.copy(folder / "issuing-key.pem", folder / "docker-ca-key.pem")
    server = {"name": "web1", "tls_sans": [address, "web1"]}
    task = {"gangway.docker.tls_bundle": {"fleets_dir": str(folder), "clients": ["admin"], "servers": [server]}}
    playbook = folder / "make.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    assert play(playbook) == ""
    bundle = folder / "default" / "servers" / "web1"
    shutil.copy(bundle / "cert.pem", folder / "web1.pem")
    shutil.copy(bundle / "key.pem", folder / "web1-key.pem")
    shutil.copy(folder / "default" / "authority" / "ca.pem", folder / "clients-ca.pem")
