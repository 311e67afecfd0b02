# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/docker-machine.md: each command in its table, run as it is written, in a shell."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.controller import ROOT, Controller
from tests.lab.hosts import Host

PAGE = (ROOT / "docs" / "docker-machine.md").read_text(encoding="utf-8")
FIRST = "ansible-playbook gangway.docker.env -i inventory -e expose_hosts=docker_hosts"


def _commands() -> dict[str, str]:
    """Return our commands by docker-machine's."""
    table = re.search(r"<!-- begin commands.*?-->(.*?)<!-- end commands -->", PAGE, re.DOTALL)
    assert table is not None
    return dict(re.findall(r"^\| `(docker.*?|eval .*?)` \| `(.*)` \|$", table[1], re.MULTILINE))


class Shell:
    """A shell whose home folder is the test's, on a controller with C(inventory) in the current folder."""

    def __init__(self, controller: Controller, host: Host) -> None:
        self.controller, self.host = controller, host
        self.left = {*_commands()}

    def run(self, command: str, **variables: str) -> str:
        command = re.sub(r"\bweb1\b", self.host.name, command).replace("-i inventory", "-i hosts.yml")
        environment = self.controller.environment(HOME=str(self.controller.folder), **variables)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.controller.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def instead_of(self, words: str, then: str = "true", **variables: str) -> str:
        """Run what the page gives for docker-machine's command that contains these words."""
        (theirs,) = [command for command in _commands() if words in command]
        self.left.discard(theirs)
        return self.run(f"{_commands()[theirs]}; {then}", **variables)


@pytest.fixture
def shell(host: Host, tmp_path: Path) -> Shell:
    return Shell(Controller(tmp_path, [host]), host)


@pytest.mark.one_host
def test_every_command_on_the_page_works(host: Host, shell: Shell) -> None:
    url = f"tcp://{host.address}:2376"
    # Short-lived certificates age fast enough for regenerate-certs.
    _set_validity(shell.controller.inventory)
    shell.instead_of("create")
    assert f"    {FIRST}\n" in PAGE
    shell.run(FIRST)
    assert "witness" in shell.instead_of("env web1", "docker ps")
    assert shell.instead_of("env -u", "printenv DOCKER_HOST || echo none", DOCKER_HOST=url) == "none\n"
    assert "witness" in shell.instead_of("config")
    active = {"DOCKER_MACHINE_NAME": host.name, "DOCKER_HOST": url}
    (row,) = [line.split() for line in shell.instead_of("ls", **active).splitlines() if line.startswith(host.name)]
    assert row[1:3] == ["*", url]
    assert shell.instead_of("active", **active) == f"{host.name}\n"
    assert shell.instead_of("url") == f"{url}\n"
    assert shell.instead_of("machine ip") == f"{host.address}\n"
    record = json.loads(shell.instead_of("inspect"))
    assert record["url"] == url
    shell.instead_of("regenerate-certs")
    renewed = json.loads(shell.instead_of("inspect"))
    assert renewed["fingerprint"] != record["fingerprint"]
    assert "witness" in shell.instead_of("config")
    (function,) = re.findall(r"^    (docker_env\(\).*)$", PAGE, re.MULTILINE)
    assert "witness" in shell.run(f"{function}; docker_env web1; docker ps")
    shell.instead_of("rm web1")
    assert host.name not in shell.instead_of("ls")
    assert shell.left == set()


def _set_validity(inventory: Path) -> None:
    text = inventory.read_text()
    inventory.write_text(text.replace("ansible_user:", "expose_validity: 1h\n        ansible_user:", 1))


def test_every_row_of_the_page_is_read() -> None:
    """Else a row that is written in another way would be passed over."""
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `(docker|eval)", line)]
    assert len(_commands()) == len(rows)
