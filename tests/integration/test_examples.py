# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples in the documentation of each module and plugin, run as they stand, on hosts of the names in them."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import shlex
import shutil
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.controller import ROOT, Controller
from tests.integration.port import ask, is_safe
from tests.integration.test_trust import SIGN
from tests.lab.hosts import Host
from tests.lab.images import CLIENT
from tests.lab.inventory import write_inventory

#: Where dockerd_listener's have run, the host is not exposed any more.
_SOURCES = sorted(
    (path for kind in ("modules", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py")),
    key=lambda path: (path.stem == "dockerd_listener", path.stem),
)
#: Given on the command line, as for a playbook of one's own.
_VARIABLES = {"vaulted_passphrase": "for the test"}
#: In the examples, that of web1.
_ADDRESS = "10.20.0.5"


def examples_of(source: Path) -> str:
    """Return the text of EXAMPLES."""
    for statement in ast.parse(source.read_text()).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "EXAMPLES":
            return str(ast.literal_eval(statement.value))
    raise AssertionError(f"{source.name} has no EXAMPLES")


@pytest.mark.flavours("sid")
def test_they_run_as_they_stand(host: Host, client_machine: Host, tmp_path: Path) -> None:
    machine = client_machine
    machine.run("for user in runner app; do id $user >/dev/null 2>&1 || useradd --create-home $user; done")
    image = r"FROM bb\nCMD [\"/bin/sleep\", \"1000\"]\n"
    host.run(f'printf "{image}" | docker build --quiet --tag app - && mkdir -p /opt/app')
    world = World(tmp_path, host, machine)
    exposed = tmp_path / "exposed"
    variables = {
        "expose_clients": ["admin", "ci"],
        "expose_listen": [f"{host.address}:2376", f"{_ADDRESS}:2376"],
        "expose_allow": ["172.30.77.0/24"],
    }
    words = ["--limit=web1", f"--extra-vars={json.dumps(variables)}"]
    went_wrong = {}
    with at_the_address_of_the_examples(host, machine):
        said = world.play(ROOT / "playbooks" / "expose_docker.yml", exposed, *words)
        assert not said, said
        make_bundles_of_others(exposed)
        for source in _SOURCES:
            # Each has the fleet as it was exposed; what it makes of the fleet is not the next one's.
            home = tmp_path / source.stem
            shutil.copytree(exposed, home)
            if source.stem == "endpoint_info":
                bring_bundle(machine, exposed)
            playbook = tmp_path / f"{source.stem}.yml"
            playbook.write_text(examples_of(source))
            assert yaml.safe_load(playbook.read_text()), source
            went_wrong[source.stem] = world.play(playbook, home)
    assert not any(went_wrong.values()), "\n".join(filter(None, went_wrong.values()))


@contextlib.contextmanager
def at_the_address_of_the_examples(host: Host, machine: Host) -> Iterator[None]:
    """The host also has the address that the examples give to web1."""
    way = ["ip", "route", "replace", f"{_ADDRESS}/32", "via", host.address]
    host.run(f"ip address replace {_ADDRESS}/32 dev lo")
    machine.run(shlex.join(way))
    subprocess.run(way, check=True)
    try:
        yield
    finally:
        host.run(f"ip address del {_ADDRESS}/32 dev lo")
        subprocess.run(["ip", "route", "del", f"{_ADDRESS}/32"], check=True)


def bring_bundle(machine: Host, home: Path) -> None:
    """Put the bundle of ci where the role client would put it for the user runner."""
    for file in sorted((home / ".docker").glob("*.pem")):
        text = shlex.quote(file.read_text())
        place = f"/home/runner/.docker/{file.name}"
        machine.run(f"mkdir -p /home/runner/.docker && printf %s {text} > {place} && chmod 0600 {place}")
    machine.run("chown -R runner /home/runner/.docker")


class World:
    """What the examples take for granted: names, groups, files of a PKI, and a home folder with the fleets."""

    def __init__(self, folder: Path, host: Host, machine: Host) -> None:
        self._folder = folder
        self._controller = Controller(folder / "controller", [host])
        inventory = yaml.safe_load(write_inventory(folder / "hosts.yml", [host]).read_text())
        docker_hosts = inventory["all"]["children"]["docker_hosts"]
        shared = docker_hosts.pop("vars")
        docker_hosts["hosts"] = {"web1": {"ansible_host": host.address}}
        there = {"ansible_host": machine.address}
        groups = {
            "docker_hosts": docker_hosts,
            "runners": {"hosts": {"runner1": there}},
            "apps": {"hosts": {"app1": there}},
        }
        inventory["all"] = {"vars": shared, "children": groups}
        self._inventory = folder / "hosts.yml"
        self._inventory.write_text(yaml.safe_dump(inventory))
        make_pki(folder / "pki", host.address, lambda playbook: self.play(playbook, folder / "company"))

    def play(self, playbook: Path, home: Path, *words: str) -> str:
        """Run it as a user with this home folder; return what went wrong."""
        home.mkdir(exist_ok=True)
        command = ["ansible-playbook", f"--inventory={self._inventory}", f"--extra-vars={json.dumps(_VARIABLES)}"]
        done = subprocess.run(
            [*command, *words, str(playbook)],
            cwd=self._folder,
            # A control socket's path may not be longer than 107 bytes.
            env=self._controller.environment(
                HOME=str(home), ANSIBLE_SSH_CONTROL_PATH_DIR=str(Path.home() / ".ansible" / "cp")
            ),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return "" if done.returncode == 0 else done.stdout + done.stderr


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


def plays_of(page: str, heading: str) -> str:
    """Return the first YAML under this heading of a page in docs."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"^## {re.escape(heading)}\n.*?^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found.group(1)


@pytest.mark.flavours("trixie")
def test_modules_without_a_role(host: Host, client_machine: Host, tmp_path: Path) -> None:
    world = World(tmp_path, host, client_machine)
    playbook = tmp_path / "site.yml"
    playbook.write_text(plays_of("custom-plays.md", "The modules without a role"))
    said = world.play(playbook, tmp_path / "home")
    assert not said, said
    environment = Controller(tmp_path / "controller", [host]).environment(HOME=str(tmp_path / "home"))
    words = ["docker", "--context", "web1", "ps", "--format", "{{.Names}}"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("witness\n", "")


@pytest.mark.flavours("bookworm")
def test_from_a_bare_server_to_an_exposed_daemon(
    host: Host, lab: t.Callable[..., Host], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """C(host) has nothing to do with it: it gives the test to one lane."""
    bare = lab(f"{request.config.getoption('--prefix')}-bare", CLIENT)
    world = World(tmp_path, bare, bare)
    playbook = tmp_path / "site.yml"
    playbook.write_text(plays_of("custom-plays.md", "From a bare SSH server to an exposed daemon"))
    said = world.play(playbook, tmp_path / "home")
    assert not said, said
    bundle = tmp_path / "home" / ".docker" / "gangway" / "default" / "clients" / "admin"
    assert ask(bare.address, bundle=bundle) == "answered"
    assert is_safe(bare.address)
