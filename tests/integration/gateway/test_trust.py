# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Method gateway: certificates, authorities and rights change under clients at work, and dockerd runs on."""

from __future__ import annotations

import subprocess
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.controller import Controller
from tests.integration.gateway.test_method import SERVICE, pid_of
from tests.integration.gateway.work import Work
from tests.integration.port import ask
from tests.integration.snapshot import started_at
from tests.lab.hosts import Host

#: Seconds in which the connections of a client without access have to end.
_SOON = 5.0
#: They last: one whose client has closed its half, one with both halves open, one that only reads.
_TUNNELS = {
    "exec": ("exec", "witness", "sleep", "1000"),
    "exec -i": ("exec", "--interactive", "witness", "cat"),
    "logs -f": ("logs", "--follow", "witness"),
    "events": ("events",),
}


@contextmanager
def tunnels(controller: Controller, host: Host, client: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Commands of a client that do not end by themselves."""
    environment = controller.environment(
        DOCKER_HOST=f"tcp://{host.address}:2376",
        DOCKER_TLS_VERIFY="1",
        DOCKER_CERT_PATH=str(controller.client(client)),
        DOCKER_CONFIG=str(controller.folder / "docker-config"),
    )
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = {
        name: subprocess.Popen(["docker", *words], env=environment, **streams)  # type: ignore[call-overload]
        for name, words in _TUNNELS.items()
    }
    try:
        time.sleep(2)
        assert all(process.poll() is None for process in started.values())
        yield started
    finally:
        for process in started.values():
            process.kill()
            process.wait()
            process.stdin.close()


def open_ones(started: t.Mapping[str, subprocess.Popen[bytes]], *, within: float = 0.0) -> list[str]:
    """Return those that are open; wait for their end so long."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline and any(process.poll() is None for process in started.values()):
        time.sleep(0.05)
    return [name for name, process in started.items() if process.poll() is None]


def expose(controller: Controller, *clients: t.Any, **variables: t.Any) -> t.Any:
    outcome = controller.expose(expose_method="gateway", expose_clients=list(clients), **variables)
    assert outcome.code == 0, outcome.failures
    return outcome


def fingerprint(controller: Controller, host: Host) -> str:
    return (controller.fleet / "endpoints" / f"{host.name}.json").read_text().partition('"fingerprint": "')[2][:64]


@pytest.mark.flavours("bookworm", "sid")
def test_a_revoked_client_loses_its_open_connections_and_nobody_else_does(
    gateway_host: Host, controller: Controller
) -> None:
    host = gateway_host
    expose(controller, "admin", "bob", "carol")
    dockerd, process = pid_of(host), pid_of(host, SERVICE)
    bob = _copied(controller.client("bob"), controller.folder / "bob")
    with tunnels(controller, host, "bob") as bobs, tunnels(controller, host, "carol") as carols:
        outcome = controller.playbook("revoke", revoke_clients=["bob"])
        assert outcome.code == 0, outcome.failures
        started = time.monotonic()
        assert open_ones(bobs, within=_SOON) == [], "connections of the revoked client"
        print(f"all ended {time.monotonic() - started:.1f} s after the run, at the latest")
        assert open_ones(carols) == list(_TUNNELS)
        # Once more: one of them is in a worker before the last by now.
        expose(controller, "admin", "carol", expose_tls_sans=["extra.example.com"])
        assert open_ones(carols) == list(_TUNNELS)
        assert ask(host.address, bundle=bob) == "refused"
        assert ask(host.address, bundle=controller.client("carol")) == "answered"
    assert (pid_of(host), pid_of(host, SERVICE)) == (dockerd, process)
    assert controller.expose(expose_method="gateway", expose_clients=["admin", "carol"]).code == 0

    # A second and a third one, by issuers that came with each revocation.
    expose(controller, "admin", "carol", "dave")
    dave = _copied(controller.client("dave"), controller.folder / "dave")
    assert controller.playbook("revoke", revoke_clients=["dave"]).code == 0
    expose(controller, "admin", "carol", "erin")
    assert controller.playbook("revoke", revoke_clients=["erin"]).code == 0
    for client, answer in ((bob, "refused"), (dave, "refused"), (controller.client("carol"), "answered")):
        assert ask(host.address, bundle=client) == answer, client
    assert pid_of(host) == dockerd


@pytest.mark.one_host
def test_whoever_leaves_the_list_is_turned_away(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    expose(controller, "admin", "bob")
    assert ask(host.address, bundle=controller.client("bob")) == "answered"
    with tunnels(controller, host, "bob") as bobs:
        expose(controller, "admin")
        assert open_ones(bobs, within=_SOON) == []
    assert ask(host.address, bundle=controller.client("bob")) == "refused"
    assert ask(host.address, bundle=controller.client()) == "answered"
    expose(controller, "admin", "bob")
    assert ask(host.address, bundle=controller.client("bob")) == "answered"
    with tunnels(controller, host, "bob") as bobs:
        expose(controller, "admin", {"name": "bob", "rights": "read"})
        assert open_ones(bobs, within=_SOON) == [], "what was opened with other rights"
        refused = controller.docker(host, "exec", "witness", "true", client="bob")
        assert "Error response from daemon: client bob may only read" in refused.stderr
        assert controller.docker(host, "ps", "--format", "{{.Names}}", client="bob").stdout == "witness\n"
    # What another playbook renews has the rights that were given.
    assert controller.playbook("renew", expose_renew_before="364d").code == 0
    assert "may only read" in controller.docker(host, "exec", "witness", "true", client="bob").stderr


@pytest.mark.one_host
def test_daemons_that_know_no_rights_are_named(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    expose(controller, "admin")
    record = (controller.fleet / "endpoints" / f"{host.name}.json").read_text()
    other = record.replace(f'"name": "{host.name}"', '"name": "web2"').replace('"gateway"', '"socket"')
    (controller.fleet / "endpoints" / "web2.json").write_text(other)
    assert not any("web2" in warning for warning in expose(controller, "admin").warnings(host.name))
    warnings = expose(controller, "admin", {"name": "bob", "rights": "read"}).warnings(host.name)
    assert any("bob may only read" in warning and "full rights on web2" in warning for warning in warnings)


@pytest.mark.one_host
def test_only_the_gateway_knows_rights(host: Host, controller: Controller) -> None:
    outcome = controller.expose(expose_method="socket", expose_clients=["admin", {"name": "bob", "rights": "read"}])
    assert outcome.failures == ["rights_unsupported"]
    assert ask(host.address) == "closed"


@pytest.mark.one_host
def test_a_fleet_with_both_methods_revokes_and_rotates(gateway_host: Host, controller: Controller) -> None:
    """By turns on one host: what the fleet has is the same for all of its hosts."""
    host = gateway_host
    site = {"expose_clients": ["admin", "bob"]}
    assert controller.expose(**site, expose_method="socket").code == 0
    bob = _copied(controller.client("bob"), controller.folder / "bob")
    assert controller.playbook("revoke", revoke_clients=["bob"]).code == 0
    expose(controller, "admin")
    assert ask(host.address, bundle=bob) == "refused"
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.playbook("rotate_authority").code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose(expose_method="socket", expose_clients=["admin"]).code == 0
    assert ask(host.address, bundle=bob) == "refused"
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_a_list_of_revoked_clients_is_renewed_with_the_certificate(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    expose(controller, "admin", expose_validity=10)
    before = host.run("openssl crl -in /etc/docker/gangway/crl.pem -noout -nextupdate").stdout
    assert controller.playbook("renew", expose_renew_before="30d").code == 0
    after = host.run("openssl crl -in /etc/docker/gangway/crl.pem -noout -nextupdate").stdout
    print(before, after)
    assert before != after
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.parametrize("mode", ["alone", "swarm"])
@pytest.mark.flavours("trixie")
@pytest.mark.due("alone")
def test_clients_at_work_notice_nothing_of_what_happens_to_others(
    gateway_host: Host, controller: Controller, mode: str
) -> None:
    """Each of the clients goes on and on while the fleet renews, rotates, revokes one and takes rights from another.

    In swarm mode as well, where each restart of dockerd would stop containers.
    """
    host = gateway_host
    if mode == "swarm":
        host.run(f"docker swarm init --advertise-addr {host.address}")
    container = started_at(host)
    names = [f"c{number}" for number in range(12)]
    site: list[t.Any] = ["admin", *names, "bob", "grafana"]
    expose(controller, *site)
    dockerd = pid_of(host)
    bundles = {name: _copied(controller.client(name), controller.folder / "bundles" / name) for name in (*names, "bob")}
    working = {name: bundles[name] for name in names}
    with Work(host.address, working, controller.environment()) as work, tunnels(controller, host, "c0") as open_:
        work.wait()
        for change in (
            lambda: controller.playbook("renew", expose_renew_before="364d"),
            lambda: controller.playbook("revoke", revoke_clients=["bob"]),
            lambda: controller.expose(
                expose_method="gateway",
                expose_clients=["admin", *names, {"name": "grafana", "rights": "read"}],
            ),
            lambda: controller.playbook("rotate_authority", rotate_grace="1d"),
        ):
            outcome = change()
            assert outcome.code == 0, outcome.failures
            work.wait()
        assert open_ones(open_) == list(_TUNNELS)
    print(work)
    assert work.failures == []
    assert (pid_of(host), started_at(host)) == (dockerd, container)
    if mode == "swarm":
        assert controller.withdraw().code == 0
        assert (pid_of(host), started_at(host)) == (dockerd, container)


def _copied(bundle: Path, place: Path) -> Path:
    """Return a copy of the bundle, as somebody else has it."""
    place.mkdir(parents=True, exist_ok=True)
    for path in bundle.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    return place
