# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that were taken over: they choose neither options nor names, whatever they answer."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.attack import HOST, attack
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.integration.snapshot import snapshot
from tests.lab.hosts import Host

#: Adds to the facts that the module setup prints. The reset between tests puts Python back.
_LYING_PYTHON = r"""
test -e /usr/bin/python3.away || mv /usr/bin/python3 /usr/bin/python3.away
cat > /usr/bin/python3 <<'END'
#!/bin/sh
/usr/bin/python3.away "$@" | sed 's|"ansible_facts": {|&FACTS, |'
END
chmod 755 /usr/bin/python3
"""


def _take_over(host: Host, **facts: t.Any) -> None:
    host.run(_LYING_PYTHON.replace("FACTS", json.dumps(facts)[1:-1]))


def _site(*tasks: dict[str, t.Any], **variables: t.Any) -> list[dict[str, t.Any]]:
    """A site's playbook: it gathers facts, and has its settings where facts override them."""
    role = {"import_role": {"name": "gangway.docker.expose"}}
    return [{"hosts": "docker_hosts", "gather_facts": True, "become": True, "tasks": [*tasks, role], **variables}]


def _set_group_vars(controller: Controller, **variables: t.Any) -> None:
    folder = controller.folder / "group_vars"
    folder.mkdir(exist_ok=True)
    (folder / "all.yml").write_text(yaml.safe_dump(variables))


def _add_to_inventory(controller: Controller, name: str, address: str) -> None:
    """Another host, which is down."""
    inventory = yaml.safe_load(controller.inventory.read_text())
    inventory["all"]["hosts"] = {name: {"ansible_host": address}}
    controller.inventory.write_text(yaml.safe_dump(inventory))


def _names(controller: Controller, host: Host) -> list[str]:
    record = json.loads((controller.fleet / "endpoints" / f"{host.name}.json").read_text())
    names: list[str] = record["server_names"]
    return names


@pytest.fixture
def second(host: Host) -> Iterator[str]:
    """A second address of the host."""
    network, _dot, number = host.address.rpartition(".")
    second = f"{network}.{int(number) + 128}"
    host.run(f"ip address add {second}/24 dev eth0; busybox arping -q -U -c 1 -I eth0 {second} || true")
    yield second
    host.run(f"ip address delete {second}/24 dev eth0", check=False)


@pytest.fixture
def hosts_file(host: Host) -> Iterator[None]:
    """/etc/hosts as it was, afterwards."""
    host.run("cp /etc/hosts /run/hosts.before")
    yield
    host.run("cat /run/hosts.before > /etc/hosts; rm /run/hosts.before")


@attack(
    "Returns `expose_sign_command` as a fact",
    by=HOST,
    expected="Refused (`option_from_facts`); the command does not run",
)
@pytest.mark.one_host
@pytest.mark.parametrize("later", [True, False], ids=["in the same play", "cached"])
def test_a_host_runs_no_command_on_the_controller(
    host: Host, controller: Controller, tmp_path: Path, later: bool
) -> None:
    _set_group_vars(controller, expose_tls_sans=["one.example.com"])
    assert controller.play(_site()).code == 0
    marker = tmp_path / "marker"
    before, names = snapshot(host), _names(controller, host)
    _take_over(host, expose_sign_command=f"touch {marker}", expose_tls_sans=["two.example.com"])
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts")}
    if not later:
        gather = [{"hosts": "docker_hosts", "gather_facts": True, "tasks": []}]
        assert controller.play(gather, environment=cache).code == 0
    play = _site() if later else _site(gather_facts=False)
    outcome = controller.play(play, environment={} if later else cache)
    assert outcome.failures == ["option_from_facts"]
    message = str(outcome.named("failure", "option_from_facts")["msg"])
    assert message.startswith(f"expose_sign_command, expose_tls_sans of {host.name}: it is a fact")
    assert not marker.exists()
    assert (snapshot(host), _names(controller, host)) == (before, names)


@attack(
    "Returns `expose_key` with the path of a key of the fleet as a fact",
    by=HOST,
    expected="Refused; no key leaves the controller",
)
@pytest.mark.one_host
def test_a_host_gets_no_file_of_the_controller(host: Host, controller: Controller) -> None:
    """The authority's key as the server's: whoever has it makes clients."""
    assert controller.expose().code == 0
    authority = controller.fleet / "authority"
    mine = {
        "expose_certificate": str(authority / "ca.pem"),
        "expose_key": str(authority / "ca-key.pem"),
        "expose_client_ca": str(authority / "ca.pem"),
    }
    before = snapshot(host)
    assert controller.expose(**mine).failures == ["certificate_unfit"]
    _take_over(host, **mine)
    assert controller.play(_site()).failures == ["option_from_facts"]
    host.run("mv /usr/bin/python3.away /usr/bin/python3")
    assert snapshot(host) == before


@pytest.mark.one_host
def test_what_a_playbook_sets_is_no_fact_unless_it_is_cached(host: Host, controller: Controller) -> None:
    set_fact: dict[str, t.Any] = {"ansible.builtin.set_fact": {"expose_tls_sans": ["one.example.com"]}}
    outcome = controller.play(_site(set_fact))
    assert outcome.code == 0, outcome.failures
    assert "one.example.com" in _names(controller, host)
    set_fact["ansible.builtin.set_fact"]["cacheable"] = True
    assert controller.play(_site(set_fact)).failures == ["option_from_facts"]


@attack(
    "Resolves a name in `expose_listen` to the address of another machine",
    by=HOST,
    expected="Refused (`listen_unresolvable`)",
)
@pytest.mark.one_host
@pytest.mark.usefixtures("hosts_file")
def test_a_name_adds_addresses_of_the_host_and_no_others(host: Host, controller: Controller) -> None:
    other = host.address.rpartition(".")[0] + ".250"
    listen = {"expose_listen": ["docker.example.com:2376"]}
    host.run(f"echo '{other} docker.example.com' >> /etc/hosts")
    assert controller.expose(**listen).failures == ["listen_unresolvable"]
    host.run(f"echo '{host.address} docker.example.com' >> /etc/hosts")
    outcome = controller.expose(**listen)
    assert outcome.code == 0, outcome.failures
    assert outcome.listener(host.name)["listen"] == [f"{host.address}:2376"]
    assert other not in _names(controller, host)
    assert {"docker.example.com", host.address} <= set(_names(controller, host))
    assert controller.expose(**listen).changed(host.name) == 0


@attack(
    "Reports an address of another host as its own",
    by=HOST,
    expected="Refused (`name_of_other_host`); a certificate that has it loses it in the next run",
)
@pytest.mark.one_host
def test_an_address_of_another_host_is_refused_and_leaves_a_certificate_that_has_it(
    host: Host, controller: Controller, second: str
) -> None:
    listen = {"expose_listen": ["eth0:2376"], "expose_allow": ["172.30.77.0/24", "fd77:6777::/64"]}
    limit = f"--limit={host.name}"
    assert controller.expose(**listen).code == 0
    assert second in _names(controller, host), "nobody else's yet"

    _add_to_inventory(controller, "web2", second)
    before = snapshot(host)
    for mode in (["--check"], []):
        refused = controller.expose(limit, *mode, **listen)
        assert refused.failures == ["name_of_other_host"]
        assert f"{second}: in the inventory it is that of web2" in refused.listener(host.name)["msg"]
    assert controller.playbook("renew", limit).failures[0] == "name_of_other_host"
    assert controller.expose(limit, expose_tls_sans=["web2"]).failures == ["name_of_other_host"]
    assert snapshot(host) == before

    host.run(f"ip address delete {second}/24 dev eth0")
    renewed = controller.playbook("renew", limit)
    assert renewed.code == 0, renewed.failures
    assert second in renewed.listener(host.name)["reason"]
    assert second not in _names(controller, host)
    assert ask(host.address, bundle=controller.client(), ca=controller.client() / "ca.pem") == "answered"
    assert controller.playbook("renew", limit).changed(host.name) == 0
    assert controller.expose(limit, **listen).changed(host.name) == 0
