# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three hosts, one of each engine, under one authority: rotating it, renewing and revoking while one is down."""

from __future__ import annotations

import contextlib
import json
import shutil
import typing as t
from pathlib import Path

import pytest

from tests.attack import CLIENT_KEY, attack
from tests.integration.conftest import RESET, without_ssh
from tests.integration.controller import Controller
from tests.integration.fleet.load import Load
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import started_at
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host
from tests.lab.images import ENGINES


@pytest.fixture
def hosts(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> list[Host]:
    found = [lab(f"{request.config.getoption('--prefix')}-fleet-{flavour}", flavour) for flavour in ENGINES]
    for host in found:
        host.run(RESET)
    return found


@pytest.fixture
def controller(tmp_path: Path, hosts: list[Host]) -> Controller:
    controller = Controller(tmp_path, hosts)
    assert controller.expose(expose_clients=["admin", "bob"]).code == 0
    return controller


def _phase(controller: Controller) -> str:
    path = controller.fleet / "authority" / "rotation"
    return path.read_text().split()[0] if path.exists() else ""


def _authority(controller: Controller) -> str:
    return (controller.fleet / "authority" / "ca.pem").read_text()


def _trusted(host: Host) -> str:
    return str(host.run("cat /etc/docker/gangway/ca.pem").stdout)


@attack("Connects with a certificate of an authority that was rotated out", by=CLIENT_KEY, expected="Refused")
def test_the_authority_is_rotated_without_an_outage(
    hosts: list[Host], controller: Controller, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Old identities work until the old authority is dropped, new ones from the first moment on, at every host."""
    started = {host.name: started_at(host) for host in hosts}
    old = {"old": Path(shutil.copytree(controller.client(), tmp_path / "old")), "new": controller.client()}
    addresses = {host.name: host.address for host in hosts}
    before, last = _authority(controller), hosts[-1]
    environment = controller.environment(DOCKER_CONFIG=str(tmp_path / "docker-config"))
    counts = []

    with capsys.disabled(), Load(addresses, old, environment) as load:
        print()
        counts += load.counts
        # A host is down: the others go on, and nobody lets go of anything.
        with without_ssh(last):
            outcome = controller.playbook("rotate_authority", rotate_serial="100%")
        assert outcome.failures == ["rotation_unfinished"], outcome.failures
        assert outcome.named("failure", "rotation_unfinished")["waiting"] == [last.name]
        assert (_phase(controller), _authority(controller) != before) == ("overlap", True)
        assert before in _trusted(hosts[0])
        assert _trusted(last) == before, "it was not visited"
        # The same again goes on where it was.
        outcome = controller.playbook("rotate_authority", rotate_serial="100%", rotate_finish=False)
        assert outcome.code == 0, outcome.failures
        assert _phase(controller) == "overlap"
        assert all(host.run("systemctl is-active docker.service").stdout for host in hosts)
        middle = _authority(controller)

    with capsys.disabled(), Load(addresses, {"new": controller.client()}, environment) as load:
        counts += load.counts
        with without_ssh(last):
            outcome = controller.playbook("rotate_authority", rotate_serial="100%")
        assert outcome.failures == ["rotation_unfinished"], "one daemon still trusts the old authority"
        assert _phase(controller) == "dropping"
        outcome = controller.playbook("rotate_authority", rotate_serial="100%")
        assert outcome.code == 0, outcome.failures

    assert _authority(controller) == middle != before, "a rotation that is run again is the same one"
    assert _phase(controller) == ""
    for host in hosts:
        assert _trusted(host) == middle
        assert ask(host.address, bundle=old["old"]) == "refused"
        assert ask(host.address, bundle=controller.client(), ca=controller.client() / "ca.pem") == "answered"
        assert started_at(host) == started[host.name]
        assert controller.docker(host, "ps", "--quiet", client="bob").returncode == 0, "not in use, and re-issued too"
    assert (controller.client() / "ca.pem").read_text() == middle
    assert sum(controller.expose(expose_clients=["admin", "bob"]).changed(host.name) for host in hosts) == 0
    assert all(count.requests > 10 for count in counts)
    assert [count for count in counts if count.failures] == []


def test_a_killed_rotation_goes_on_and_waits_for_clients_on_other_machines(
    hosts: list[Host], controller: Controller
) -> None:
    client, daemon = hosts[0], hosts[1]
    everybody = [f"{host.address}/32" for host in hosts] + [f"{GATEWAY}/32"]
    role = {"role": "gangway.docker.client", "docker_client_name": "runner", "docker_client_user": "deploy"}
    play: dict[str, t.Any] = {
        "hosts": client.name,
        "gather_facts": False,
        "become": True,
        "roles": [
            {**role, "docker_client_endpoints": [daemon.name], "docker_client_fleets_dir": str(controller.fleets_dir)}
        ],
    }
    asked = f"su deploy -c 'docker --context {daemon.name} version --format {{{{.Server.Version}}}}'"
    assert controller.expose(expose_allow=everybody).code == 0
    assert controller.play([play]).code == 0
    client.run(asked)

    for seconds in (0.5, 1.5, 2.5, 4.0):
        controller.kill_playbook("rotate_authority", after=seconds, expose_allow=everybody)
        for host in hosts:
            assert is_safe(host.address)
            assert ask(host.address, bundle=controller.client(), ca=controller.client() / "ca.pem") == "answered"
        client.run(asked)
    rotate = {"rotate_serial": "100%", "expose_allow": everybody}
    outcome = controller.playbook("rotate_authority", **rotate)
    assert outcome.failures == ["rotation_unfinished"]
    assert outcome.named("failure", "rotation_unfinished")["waiting"] == ["runner"]
    client.run(asked)
    key = client.run("sha256sum /home/deploy/.docker/key.pem").stdout
    assert controller.play([play]).changed(client.name) == 1
    outcome = controller.playbook("rotate_authority", **rotate)
    assert outcome.code == 0, outcome.failures
    client.run(asked)
    assert client.run("sha256sum /home/deploy/.docker/key.pem").stdout == key
    assert controller.play([play]).changed(client.name) == 1, "its ca.pem lets go of the old authority, too"
    client.run(asked)
    assert _phase(controller) == ""
    assert {_trusted(host) for host in hosts} == {_authority(controller)}
    play["roles"][0]["docker_client_state"] = "absent"
    assert controller.play([play]).code == 0


@contextlib.contextmanager
def _broken_dockerd(host: Host) -> t.Iterator[None]:
    """dockerd does not come back once it is stopped, so that a new certificate can't be put in place."""
    host.run("mv /usr/sbin/dockerd /usr/sbin/dockerd.real && printf '#!/bin/sh\\nexit 1\\n' > /usr/sbin/dockerd")
    host.run("chmod +x /usr/sbin/dockerd")
    try:
        yield
    finally:
        host.run("mv /usr/sbin/dockerd.real /usr/sbin/dockerd; systemctl reset-failed docker.service docker.socket")
        host.run("systemctl start docker.socket docker.service")


def test_a_renewal_stops_at_the_first_host_that_is_not_healthy(hosts: list[Host], controller: Controller) -> None:
    short = {"expose_validity": 10, "expose_clients": ["admin", "bob"], "expose_key_type": "ed25519"}
    assert controller.expose(**short).code == 0
    certificates = {host.name: host.run("cat /etc/docker/gangway/cert.pem").stdout for host in hosts}
    first, second, third = hosts
    with _broken_dockerd(second):
        due = {**short, "expose_validity": 365, "expose_renew_before": "30d", "renew_serial": 1}
        outcome = controller.playbook("renew", **due)
    assert outcome.code != 0
    assert "verified" in outcome.listener(first.name)["endpoint"]
    assert outcome.failed(second.name)
    assert outcome.results(third.name) == [], "it was not touched"
    assert first.run("cat /etc/docker/gangway/cert.pem").stdout != certificates[first.name]
    assert third.run("cat /etc/docker/gangway/cert.pem").stdout == certificates[third.name]
    # One that was down before keeps nobody from being renewed, and is named.
    with without_ssh(second):
        outcome = controller.playbook("renew", **due)
    assert outcome.code != 0
    assert third.run("cat /etc/docker/gangway/cert.pem").stdout != certificates[third.name]
    assert "could not be reached" in str(outcome.results(second.name)[-1]["msg"])
    assert controller.playbook("renew", **due).code == 0
    assert all(ask(host.address, bundle=controller.client()) == "answered" for host in hosts)


def test_a_host_that_fails_keeps_nobody_else_of_its_batch_from_hearing_of_renewals(
    hosts: list[Host], controller: Controller, tmp_path: Path
) -> None:
    noted = {"renewed": "echo heard >> /root/heard", "clients_renewed": f"echo heard >> {tmp_path}/heard"}
    for name, command in noted.items():
        (tmp_path / f"{name}.yml").write_text(json.dumps([{"name": "Note it", "ansible.builtin.shell": command}]))
    hooks = {f"expose_{name}_tasks": str(tmp_path / f"{name}.yml") for name in noted}
    # Another type of key has everything made again, at once.
    short = {"expose_validity": 10, "expose_clients": ["admin", "bob"], "expose_key_type": "ed25519"}
    assert controller.expose(**short).code == 0
    first, second, third = hosts
    for host in hosts:
        host.run("rm -f /root/heard")

    def heard() -> list[int]:
        return [int(host.run("cat /root/heard 2>/dev/null | wc -l").stdout) for host in hosts]

    due = {**short, "expose_validity": 365, "expose_renew_before": "30d", "renew_serial": [2, 1], **hooks}
    with _broken_dockerd(first):
        outcome = controller.playbook("renew", **due)
    assert (outcome.code != 0, outcome.failed(first.name), outcome.failed(second.name)) == (True, True, False)
    assert outcome.results(third.name) == [], "the next batch was not touched"
    assert (heard(), (tmp_path / "heard").read_text()) == ([0, 1, 0], "heard\n")
    outcome = controller.playbook("renew", **due)
    assert outcome.code == 0, outcome.failures
    assert (heard(), (tmp_path / "heard").read_text()) == ([1, 1, 1], "heard\n")


@attack(
    "Connects to a host that was down during the revocation",
    by=CLIENT_KEY,
    expected="The revocation reports the host; refused from the host's next run on",
)
def test_a_host_that_was_down_hears_of_a_revocation_at_its_next_run(
    hosts: list[Host], controller: Controller, tmp_path: Path
) -> None:
    stolen = Path(shutil.copytree(controller.client("bob"), tmp_path / "stolen"))
    last = hosts[-1]
    with without_ssh(last):
        outcome = controller.playbook("revoke", revoke_clients=["bob"])
    assert outcome.failures == ["revocation_incomplete"]
    assert outcome.named("failure", "revocation_incomplete")["waiting"] == [last.name]
    assert [ask(host.address, bundle=stolen) for host in hosts] == ["refused", "refused", "answered"]
    # Any run that visits it will do; a renewal with nothing to renew does, too.
    outcome = controller.playbook("renew")
    assert outcome.code == 0, outcome.failures
    assert [outcome.listener(host.name)["changed"] for host in hosts] == [False, False, True]
    assert [ask(host.address, bundle=stolen) for host in hosts] == ["refused"] * 3
    assert json.loads((controller.fleet / "endpoints" / f"{last.name}.json").read_text())["refused"] == ["bob"]
    assert controller.playbook("revoke", revoke_clients=["bob"]).code == 0
    assert all(ask(host.address, bundle=controller.client()) == "answered" for host in hosts)
