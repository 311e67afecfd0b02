# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/docker-machine.md: each command in its table, run as it is written, in a shell."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.integration.controller import ROOT
from tests.integration.world import Reader
from tests.lab.hosts import Host
from tests.shown import inline, shown

PAGE = (ROOT / "docs" / "docker-machine.md").read_text(encoding="utf-8")


def _commands() -> dict[str, str]:
    """Return our commands by docker-machine's."""
    table = re.search(r"<!-- begin commands.*?-->(.*?)<!-- end commands -->", PAGE, re.DOTALL)
    assert table is not None
    return dict(re.findall(r"^\| `(docker.*?|eval .*?)` \| `(.*)` \|$", table[1], re.MULTILINE))


class Converted:
    """Somebody who types our command in the place of each of docker-machine's."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.left = {*_commands()}

    def instead_of(self, words: str, then: str = "true", **variables: str) -> str:
        """Run what the page gives for docker-machine's command that contains these words."""
        (theirs,) = [command for command in _commands() if words in command]
        self.left.discard(theirs)
        return self.reader.types(f"{_commands()[theirs]}; {then}", **variables)


@pytest.mark.one_host
def test_every_command_on_the_page_works(host: Host, client_machine: Host, tmp_path: Path) -> None:
    reader = Reader(tmp_path, host, client_machine)
    shell = Converted(reader)
    url = f"tcp://{host.address}:2376"
    # Short-lived certificates age fast enough for regenerate-certs.
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "docker_hosts.yml").write_text("expose_validity: 1h\n")
    shell.instead_of("create")
    reader.types(shown("docs/docker-machine.md", "gangway.docker.env"))
    assert "witness" in shell.instead_of("env web1", "docker ps")
    assert shell.instead_of("env -u", "printenv DOCKER_HOST || echo none", DOCKER_HOST=url) == "none\n"
    assert "witness" in shell.instead_of("config")
    active = {"DOCKER_MACHINE_NAME": "web1", "DOCKER_HOST": url}
    (row,) = [line.split() for line in shell.instead_of("ls", **active).splitlines() if line.startswith("web1 ")]
    assert row[1:3] == ["*", url]
    assert shell.instead_of("active", **active) == "web1\n"
    assert shell.instead_of("url") == f"{url}\n"
    assert shell.instead_of("machine ip") == f"{host.address}\n"
    record = json.loads(shell.instead_of("inspect"))
    assert record["url"] == url
    shell.instead_of("regenerate-certs")
    renewed = json.loads(shell.instead_of("inspect"))
    assert renewed["fingerprint"] != record["fingerprint"]
    assert "witness" in shell.instead_of("config")
    function = shown("docs/docker-machine.md", "docker_env()")
    assert "witness" in reader.types(f"{function}docker_env web1; docker ps")
    shutil.copytree(reader.fleet / "clients" / "admin", reader.home / "certs" / "build1")
    (reader.home / ".docker" / "machine" / "machines").mkdir(parents=True)
    reader.plays(shown("docs/docker-machine.md", "- name: Use the machines of docker-machine"))
    reader.types(inline("docs/docker-machine.md", "ansible-playbook gangway.docker.env -i build1,"))
    assert (reader.fleet / "env" / "build1.sh").exists()
    shell.instead_of("rm web1")
    names = [line.split()[:1] for line in shell.instead_of("ls").splitlines()]
    assert ["build1"] in names
    assert ["web1"] not in names
    assert shell.left == set()


def test_every_row_of_the_page_is_read() -> None:
    """Else a row that is written in another way would be passed over."""
    rows = [line for line in PAGE.splitlines() if re.match(r"\| `(docker|eval)", line)]
    assert len(_commands()) == len(rows)
