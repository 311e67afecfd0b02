# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input and hosts that can't be exposed: an error with a stable key, and a daemon that runs as before."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.attack import ADMIN, CONTROLLER, attack
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

_OVERRIDE = (
    "mkdir -p /etc/systemd/system/docker.service.d; "
    "printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd {}\\n' "
    "> /etc/systemd/system/docker.service.d/override.conf; systemctl daemon-reload"
)

#: (failure, what is done to the host first, variables)
REFUSALS: list[tuple[str, str, dict[str, t.Any]]] = [
    ("port_taken", "setsid python3 -m http.server 2399 >/dev/null 2>&1 & sleep 0.7", {"expose_listen": ["HOST:2399"]}),
    ("address_missing", "true", {"expose_listen": ["192.0.2.7:2376"]}),
    ("listen_unresolvable", "true", {"expose_listen": ["no-such-name.invalid:2376"]}),
    ("invalid_listen", "true", {"expose_listen": [":2376"]}),
    ("invalid_allow", "true", {"expose_allow": ["10.0.0.1/24"]}),
    ("invalid_name", "true", {"expose_tls_sans": ["ends-in-a-dot."]}),
    ("daemon_json_malformed", "mkdir -p /etc/docker; printf '{\"debug\": tru' > /etc/docker/daemon.json", {}),
    ("hosts_in_daemon_json", 'echo \'{"hosts": ["fd://"]}\' > /etc/docker/daemon.json', {}),
    ("tls_in_daemon_json", "echo '{\"tlsverify\": false}' > /etc/docker/daemon.json", {}),
    ("other_listener", _OVERRIDE.format("-H fd:// -H tcp://0.0.0.0:2375"), {}),
    ("tls_flags", _OVERRIDE.format("-H fd:// --tlsverify"), {}),
    ("config_file_elsewhere", _OVERRIDE.format("-H fd:// --config-file /etc/docker/alt.json"), {}),
    ("other_listener", "echo 'DOCKER_OPTS=\"-H tcp://0.0.0.0:2375\"' >> /etc/default/docker", {}),
    ("method_unsupported", _OVERRIDE.format(""), {"expose_method": "socket"}),
    ("openssl_missing", "mv /usr/bin/openssl /usr/bin/openssl.away", {}),
    ("not_writable", "mount --bind /etc /etc && mount -o remount,ro,bind /etc", {}),
    ("swarm_mode", "docker swarm init --advertise-addr 127.0.0.1 >/dev/null", {}),
]


@pytest.mark.one_host
@pytest.mark.parametrize(
    ("failure", "preparation", "variables"),
    REFUSALS,
    ids=[f"{row[0]}{number}" for number, row in enumerate(REFUSALS)],
)
def test_refused_before_anything_is_touched(
    host: Host, controller: Controller, failure: str, preparation: str, variables: dict[str, t.Any]
) -> None:
    host.run(f"mkdir -p /etc/docker; {preparation}")
    before, container = snapshot(host), started_at(host)
    invocation = host.run("systemctl show docker.service -p InvocationID,MainPID").stdout
    filled = {
        key: [entry.replace("HOST", host.address) for entry in value] if isinstance(value, list) else value
        for key, value in variables.items()
    }
    predicted = controller.expose("--check", **filled)
    outcome = controller.expose(**filled)
    host.run("pkill -f 'http.server 239[9]'", check=False)

    assert outcome.code != 0
    assert outcome.failures == [failure]
    assert predicted.failures == [failure]
    result = outcome.listener(host.name)
    # The thing, the reason, the cure.
    assert len(result["msg"]) > 60
    assert "Traceback" not in result["msg"]
    assert snapshot(host) == before
    assert host.run("systemctl show docker.service -p InvocationID,MainPID").stdout == invocation
    assert started_at(host) == container
    assert ask(host.address) == "closed"


@pytest.mark.one_host
def test_dockerd_absent(host: Host, controller: Controller) -> None:
    host.run("systemctl stop docker.service docker.socket; mv /usr/sbin/dockerd /usr/sbin/dockerd.away")
    try:
        before = snapshot(host)
        outcome = controller.expose()
        assert outcome.failures == ["dockerd_missing"]
        assert snapshot(host) == before
    finally:
        host.run("mv /usr/sbin/dockerd.away /usr/sbin/dockerd; systemctl start docker.socket docker.service")


@attack("Exposes a host whose kernel can't filter by cgroup", by=ADMIN, expected="Refused (`filtering_unsupported`)")
@pytest.mark.flavours("trixie")
def test_systemd_that_cannot_filter_packets(unfiltered: Host, tmp_path: Path) -> None:
    controller = Controller(tmp_path, [unfiltered])
    before = snapshot(unfiltered)
    predicted = controller.expose("--check")
    outcome = controller.expose()
    assert (predicted.failures, outcome.failures) == (["filtering_unsupported"], ["filtering_unsupported"])
    assert snapshot(unfiltered) == before
    assert ask(unfiltered.address) == "closed"


@attack(
    "Signs with the authority's key, without its passphrase",
    by=CONTROLLER,
    expected="Refused (`passphrase_missing`, `passphrase_wrong`); nothing is changed",
)
@pytest.mark.one_host
def test_a_wrong_passphrase_stops_the_run_before_the_host_is_asked(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_passphrase="right").code == 0
    before = snapshot(host)
    authority = (controller.fleet / "authority" / "ca-key.pem").read_bytes()
    outcome = controller.expose(expose_passphrase="wrong", expose_tls_sans=["new.example.com"])
    assert set(outcome.failures) - {"One or more items failed"} == {"passphrase_wrong"}
    assert controller.expose(expose_tls_sans=["new.example.com"]).failures == ["passphrase_missing"]
    assert snapshot(host) == before
    assert (controller.fleet / "authority" / "ca-key.pem").read_bytes() == authority
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_no_access_list_and_no_ssh_asks_for_one(host: Host, controller: Controller) -> None:
    """The module as it runs where the connection is not SSH: nobody can tell from where Ansible connects."""
    outcome = controller.play(
        [
            {
                "hosts": "docker_hosts",
                "gather_facts": False,
                "vars": {"ansible_connection": "community.docker.docker", "ansible_host": host.name},
                "environment": {},
                "tasks": [
                    {
                        "gangway.docker.dockerd_listener": {
                            "fleets_dir": str(controller.fleets_dir),
                            "listen": [f"{host.address}:2376"],
                        },
                        "vars": {"ansible_docker_extra_args": f"--host={host.engine.url}"},
                    }
                ],
            }
        ]
    )
    assert outcome.failures == ["allow_unknown"]
    assert "expose_allow" in outcome.listener(host.name)["msg"]


@pytest.mark.one_host
def test_the_lookup_says_how_to_expose(host: Host, controller: Controller) -> None:
    task = {"ansible.builtin.debug": {"msg": "{{ lookup('gangway.docker.docker_host', 'web9') }}"}}
    outcome = controller.play([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}])
    assert "ansible-playbook gangway.docker.expose_docker --limit web9" in outcome.failures[0]
