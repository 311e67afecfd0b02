# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/methods.md: each command and play, as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.port import ask, ask_in_the_clear, is_safe
from tests.integration.test_methods import methods_in_place
from tests.integration.world import Reader
from tests.lab.hosts import Host
from tests.shown import inline, shown

_DROP_INS = "/etc/systemd/system/docker.service.d"
#: Its third line is the one that the page quotes.
_OPEN = (
    f"mkdir -p {_DROP_INS}; printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd -H fd:// "
    f"-H tcp://0.0.0.0:2375 --tls=false\\n' > {_DROP_INS}/override.conf; "
    "systemctl daemon-reload; systemctl restart docker.service"
)


@pytest.mark.flavours("trixie")
def test_its_commands_and_plays_work(host: Host, client_machine: Host, tmp_path: Path) -> None:
    reader = Reader(tmp_path, host, client_machine)
    host.run(_OPEN)
    line = shown("docs/methods.md", "-H tcp://0.0.0.0:2375 (").strip()
    assert line in reader.types(shown("README.md", "ansible-playbook gangway.docker.expose_docker"), returns=2)
    assert "override.conf" in reader.types(shown("docs/methods.md", "gangway.docker.dockerd_info"))
    reader.plays(shown("docs/methods.md", "expose_adopt: true"))
    assert is_safe(host.address)
    assert ask_in_the_clear(host.address, 2375) == "closed"
    reader.types(shown("docs/methods.md", "-e expose_adopt=true"))
    ours = reader.fleet / "clients" / "ci"
    assert ask(host.address, bundle=ours) == "answered"

    assert methods_in_place(host) == ["socket"]
    reader.plays(shown("docs/methods.md", "expose_firewall: nftables"))
    assert "172.30.77.0/24" in host.run(reader.here(shown("docs/methods.md", "nft list table"))).stdout
    host.run(inline("docs/troubleshooting.md", "nft list table inet gangway_docker"))
    # The lab's hosts have one network interface.
    reader.plays(shown("docs/methods.md", '["eth1:2376"]').replace("eth1", "eth0"))
    assert ask(host.address, bundle=ours) == "answered"
    reader.plays(shown("docs/methods.md", "expose_method: override"))
    assert methods_in_place(host) == ["override"]

    reader.plays(shown("docs/methods.md", "expose_tls: false"))
    assert "witness" in reader.types(shown("docs/methods.md", "docker -H tcp://10.20.0.5:2375"))


@pytest.mark.flavours("trixie")
def test_a_node_of_a_swarm_is_exposed(host: Host, client_machine: Host, tmp_path: Path) -> None:
    reader = Reader(tmp_path, host, client_machine)
    host.run(f"docker swarm init --advertise-addr {host.address}")
    reader.plays(shown("docs/methods.md", "expose_allow_downtime: true"))
    assert ask(host.address, bundle=reader.fleet / "clients" / "admin") == "answered"
