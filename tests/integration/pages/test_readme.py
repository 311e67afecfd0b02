# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""README.md: from the installation to the withdrawal, each command and play in its order, as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.port import ask
from tests.integration.world import Reader, make_bundles_of_others, make_image_of_app
from tests.lab.hosts import Host
from tests.shown import ROOT, inline, shown
from tests.tooling.sanity import copy_of_tree

#: What the docker command runs for C(docker compose), which needs another package.
_COMPOSE = """
if test "$1" = docker-cli-plugin-metadata; then
    echo '{"SchemaVersion": "0.1.0", "Vendor": "the test", "Version": "1"}'
else
    test "$*" = "compose -f prod.yml up -d" && docker run --detach --name composed app
fi"""


@pytest.mark.flavours("sid")
def test_its_commands_and_plays_work(host: Host, client_machine: Host, tmp_path: Path) -> None:
    collections = tmp_path / "home" / ".ansible" / "collections"
    reader = Reader(tmp_path, host, client_machine, ANSIBLE_COLLECTIONS_PATH=str(collections))
    make_image_of_app(host)
    client_machine.run("id runner >/dev/null 2>&1 || useradd --create-home runner; rm -rf /home/runner/.docker")

    with copy_of_tree() as checkout:
        # What requirements.txt names is there.
        reader.types(shown("README.md", "ansible-galaxy collection build"), folder=checkout, PIP_NO_INDEX="1")
    assert (collections / "ansible_collections" / "gangway" / "docker" / "MANIFEST.json").exists()

    reader.types(shown("README.md", "ansible-playbook gangway.docker.expose_docker"))
    assert ask(host.address, bundle=reader.fleet / "clients" / "admin") == "answered"
    same = inline("README.md", "ansible-playbook playbooks/expose-docker.yml")
    said = reader.types(f"{same} -i {reader.world.inventory} -e expose_hosts=docker_hosts", folder=ROOT)
    assert "changed=0" in said
    assert "docker-gangway.socket:" in reader.types(shown("README.md", "gangway.docker.dockerd_info"))
    looked = host.run(shown("README.md", "systemctl cat")).stdout
    assert "ListenStream=" in looked
    assert "1 sockets listed" in looked
    assert "http: TLS handshake error" in looked, "the gate has knocked"

    compose = reader.has_program("docker-compose", _COMPOSE)
    plugins = reader.home / ".docker" / "cli-plugins"
    plugins.mkdir()
    compose.rename(plugins / compose.name)
    reader.plays(shown("README.md", "- name: Expose the Docker daemons"))
    make_bundles_of_others(reader.home)
    assert '"state": "answers"' in reader.types(shown("README.md", "gangway.docker.endpoint_info"))
    assert "app" in reader.types(inline("README.md", "docker --tlsverify -H tcp://10.20.0.5:2376 ps"))
    containers = reader.types(shown("README.md", "gangway.docker.env")).splitlines()
    assert {"app", "composed", "witness"} <= {line.split()[-1] for line in containers if line}

    reader.plays(
        shown("README.md", "- name: Use daemons that others expose"),
        shown("README.md", "- name: Let the CI runners use"),
    )
    assert (reader.fleet / "endpoints" / "build1.json").exists()
    assert client_machine.run("stat --format '%U %a' /home/runner/.docker/key.pem").stdout == "runner 600\n"

    host.run(inline("README.md", "systemctl unmask docker.service"))
    reader.types(shown("README.md", "gangway.docker.withdraw"))
    assert ask(host.address, bundle=reader.fleet / "clients" / "ci") == "closed"
