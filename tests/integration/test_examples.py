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
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.integration.controller import ROOT
from tests.integration.world import World, make_bundles_of_others, make_image_of_app, make_pki
from tests.lab.hosts import Host

#: Where dockerd_listener's have run, the host is not exposed any more.
_SOURCES = sorted(
    (path for path in (ROOT / "plugins").glob("*/*.py") if "\nEXAMPLES = " in path.read_text()),
    key=lambda path: (path.stem == "dockerd_listener", path.stem),
)
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
    make_image_of_app(host)
    world = World(tmp_path, host, machine)
    make_pki(tmp_path / "pki", host.address, lambda playbook: world.play(playbook, tmp_path / "company"))
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
            run = use_as_inventory if source.parent.name == "inventory" else run_as_playbook
            went_wrong[source.stem] = run(world, examples_of(source), home)
    assert not any(went_wrong.values()), "\n".join(filter(None, went_wrong.values()))


def run_as_playbook(world: World, examples: str, home: Path) -> str:
    """Return what went wrong."""
    playbook = home.with_suffix(".yml")
    playbook.write_text(examples)
    assert yaml.safe_load(examples), home
    return world.play(playbook, home)


def use_as_inventory(world: World, examples: str, home: Path) -> str:
    """Have Ansible read each document, run the play in the comment of one of them, and return what went wrong."""
    name_fleet(home / ".docker" / "gangway", "production")
    said, inventories = "", []
    for number, document in enumerate(examples.split("---\n")):
        path = home / f"{number}.daemons.yml"
        path.write_text(document)
        listed = world.run(["ansible-inventory", f"--inventory={path}", "--list"], home)
        said += listed.stderr
        inventories.append(json.loads(listed.stdout))
        play = "".join(re.findall(r"^# ((?:-|  ).*\n)", document, re.MULTILINE))
        if play:
            playbook = home / "site.yml"
            playbook.write_text(play)
            done = world.run(["ansible-playbook", f"--inventory={path}", str(playbook)], home)
            said += "" if re.search(r"^web1 +: ok=1 ", done.stdout, re.MULTILINE) else done.stdout + done.stderr
    everything, production, _again = inventories
    assert [each["fleet_production"]["hosts"] for each in inventories] == [["web1"]] * 3
    assert "containers" not in everything
    assert "witness@web1" in production["containers"]["hosts"]
    assert production["method_socket"]["hosts"] == ["web1"]
    assert (home / "site.yml").exists()
    return said


def name_fleet(fleets: Path, name: str) -> None:
    """Have the one fleet under another name."""
    (fleets / "default").rename(fleets / name)
    for record in (fleets / name / "endpoints").glob("*.json"):
        record.write_text(json.dumps({**json.loads(record.read_text()), "fleet": name}))


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
