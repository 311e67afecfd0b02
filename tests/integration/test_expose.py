# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exposing, using, changing and withdrawing a daemon, end to end."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attack import ADMIN, CLIENT_KEY, HOST, LOCAL_USER, NETWORK, attack
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import ROOT, Controller
from tests.integration.port import ask, ask_in_the_clear, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host

#: Formatting, order and line ends that no JSON library would write; no newline at the end.
ODD_DAEMON_JSON = (
    '{ "log-level":"warn",\\r\\n\\t"labels" : [ "b=2",\\n  "a=1"],\\n\\n"max-concurrent-downloads":\\t5,"debug":false }'
)


def test_one_play_exposes_and_the_next_uses_it(host: Host, controller: Controller) -> None:
    lookup = "lookup('gangway.docker.docker_host', '{}', fleets_dir='{}'{})"
    env = "{{ " + lookup.format(host.name, controller.fleets_dir, "") + " }}"
    defaults = (
        "{{ " + lookup.format(host.name, controller.fleets_dir, ", client='ci', format='module_defaults'") + " }}"
    )
    argv = (
        "{{ ['docker'] + " + lookup.format(host.name, controller.fleets_dir, ", format='argv'") + " + ['ps', '-q'] }}"
    )
    from_env = "import docker; print(docker.from_env().containers.get('witness').id)"
    outcome = controller.play(
        [
            {
                "hosts": "docker_hosts",
                "gather_facts": False,
                "roles": [{"role": "gangway.docker.expose", "expose_clients": ["admin", "ci"]}],
                "post_tasks": [
                    {
                        "ansible.builtin.assert": {
                            "that": [
                                "gangway_endpoint.verified",
                                f"gangway_endpoint.url == 'tcp://{host.address}:2376'",
                            ]
                        }
                    }
                ],
            },
            {
                "hosts": "localhost",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": sys.executable},
                "tasks": [
                    {"name": "cli", "ansible.builtin.command": "docker ps --no-trunc --quiet", "environment": env},
                    {
                        "name": "sdk",
                        "ansible.builtin.command": {"argv": [sys.executable, "-c", from_env]},
                        "environment": env,
                    },
                    {"name": "argv", "ansible.builtin.command": {"argv": argv}},
                    {
                        "name": "modules",
                        "community.docker.docker_host_info": {"containers": True},
                        "module_defaults": {"group/community.docker.docker": defaults},
                    },
                ],
            },
        ]
    )
    assert outcome.code == 0, outcome.failures
    witness = started_at(host).split()[0]
    by_task = {result["task"]: result for result in outcome.results("localhost")}
    assert by_task["cli"]["stdout"] == witness
    assert by_task["sdk"]["stdout"] == witness
    assert witness.startswith(by_task["argv"]["stdout"])
    assert [c["Id"] for c in by_task["modules"]["containers"]] == [witness]


def test_containers_live_through_everything_and_withdraw_leaves_no_trace(host: Host, controller: Controller) -> None:
    host.run(
        f"mkdir -p /etc/docker && printf '{ODD_DAEMON_JSON}' > /etc/docker/daemon.json && systemctl restart docker"
    )
    host.run("docker start witness")
    before, container = snapshot(host), started_at(host)

    assert controller.expose().code == 0
    assert started_at(host) == container
    moved = controller.expose(expose_listen=[f"{host.address}:9002"], expose_allow=["172.30.77.0/24"])
    assert moved.code == 0, moved.failures
    assert started_at(host) == container
    assert ask(host.address, bundle=controller.client(), port=9002) == "answered"
    assert ask(host.address, bundle=controller.client()) == "closed"
    assert controller.withdraw().code == 0
    assert started_at(host) == container
    assert snapshot(host) == before
    assert host.run("ls -d /run/gangway-docker*", check=False).stdout == ""
    again = controller.withdraw()
    assert (again.code, again.changed(host.name)) == (0, 0)


@pytest.mark.one_host
def test_edits_made_while_exposed_survive_withdrawing(host: Host, controller: Controller) -> None:
    host.run("mkdir -p /etc/docker && printf '{\\n    \"debug\": false\\n}' > /etc/docker/daemon.json")
    assert controller.expose().code == 0
    host.run('sed -i \'s/"debug": false/"debug": true/\' /etc/docker/daemon.json')
    assert controller.withdraw().code == 0
    assert host.run("cat /etc/docker/daemon.json").stdout == '{\n    "debug": true\n}'


@attack(
    "Connects in the clear, over TLS without a certificate, with a foreign CA's certificate, or with TLS 1.1",
    by=NETWORK,
    expected="Refused",
)
@attack(
    "Connects with a valid certificate from an address that is not in the access list",
    by=CLIENT_KEY,
    expected="Its packets are dropped",
)
@attack("Connects to another host with its server certificate", by=HOST, expected="Refused")
def test_only_the_fleets_clients_get_in(host: Host, controller: Controller, tmp_path: Path) -> None:
    assert controller.expose(expose_allow=[GATEWAY], expose_clients=["admin", "ci"]).code == 0
    foreign = Controller(tmp_path / "foreign", [host])
    make = {"gangway.docker.tls_bundle": {"fleets_dir": str(foreign.fleets_dir), "clients": ["admin"]}}
    server = {"gangway.docker.tls_bundle": {"fleets_dir": str(controller.fleets_dir), "servers": [{"name": "s1"}]}}
    assert foreign.play([{"hosts": "localhost", "gather_facts": False, "tasks": [make, server]}]).code == 0

    ca = controller.client() / "ca.pem"
    seen = {
        "our client": ask(host.address, bundle=controller.client(), ca=ca),
        "our other client": ask(host.address, bundle=controller.client("ci"), ca=ca),
        "no certificate": ask(host.address),
        "a foreign CA's certificate": ask(host.address, bundle=foreign.client()),
        "a server's certificate": ask(host.address, bundle=controller.fleet / "servers" / "s1"),
        "plain HTTP": ask_in_the_clear(host.address),
        "TLS 1.1": ask(host.address, bundle=controller.client(), version=ssl.TLSVersion.TLSv1_1),
        "TLS 1.2": ask(host.address, bundle=controller.client(), version=ssl.TLSVersion.TLSv1_2),
        "outside the access list": ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2),
    }
    assert seen == {
        "our client": "answered",
        "our other client": "answered",
        "no certificate": "refused",
        "a foreign CA's certificate": "refused",
        "a server's certificate": "refused",
        "plain HTTP": "refused",
        "TLS 1.1": "refused",
        "TLS 1.2": "answered",
        "outside the access list": "dropped",
    }


def test_a_second_run_changes_nothing_and_asks_the_host_once(host: Host, controller: Controller) -> None:
    first = controller.raw(ROOT / "playbooks" / "expose_docker.yml", "-vvv")
    assert first.returncode == 0
    assert executions(first.stdout) == 2
    before = host.run("systemctl show docker.service docker-gangway.socket -p InvocationID").stdout + snapshot(host)
    second = controller.raw(ROOT / "playbooks" / "expose_docker.yml", "-vvv")
    assert executions(second.stdout) == 1
    assert re.search(rf"{host.name}\s*: ok=\d+\s+changed=0 ", second.stdout)
    after = host.run("systemctl show docker.service docker-gangway.socket -p InvocationID").stdout + snapshot(host)
    assert after == before


def executions(output: str) -> int:
    """Count the modules that Ansible sent to a host, from its -vvv output."""
    return len(re.findall(r"^Using module file ", output, re.MULTILINE))


@pytest.mark.one_host
def test_check_mode_predicts_the_first_run_and_touches_nothing(host: Host, controller: Controller) -> None:
    before = snapshot(host)
    predicted = controller.expose("--check", "--diff")
    assert predicted.code == 0, predicted.failures
    assert snapshot(host) == before
    assert not controller.fleets_dir.exists()
    real = controller.expose("--diff")
    assert real.code == 0
    assert summary(real, host) == summary(predicted, host)
    assert summary(real, host)["changed"] == [False, True], "an authority is made once the host was seen"
    predicted_end = controller.withdraw("--check", "--diff")
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert summary(predicted_end, host) == summary(controller.withdraw("--diff"), host)


def summary(outcome: object, host: Host) -> dict[str, object]:
    """Return all that a run tells of changes."""
    results = [r for r in outcome.results(host.name) if "gangway" in r.get("action", "")]  # type: ignore[attr-defined]
    return {
        "changed": [r["changed"] for r in results if not r.get("skipped")],
        "diff": [r.get("diff") or [i.get("diff") for i in r.get("results", [])] for r in results],
        "actions": [r.get("actions") for r in results],
        "reason": [r.get("reason") for r in results],
    }


#: What is done to a host that is exposed, by accident or on purpose.
DAMAGES = (
    ": > /etc/docker/daemon.json",
    "echo '{}' > /etc/docker/daemon.json",
    "rm /etc/docker/daemon.json",
    "echo '{\"tlsverify\": tru' > /etc/docker/daemon.json",
    "sed -i '/tlscacert/d' /etc/docker/daemon.json",
    'sed -i \'s/"tlsverify": true/"tlsverify": false/\' /etc/docker/daemon.json',
    "rm /etc/docker/gangway/*.pem",
    "rm -r /etc/docker/gangway",
    ": > /etc/docker/gangway/ca.pem",
    "rm -r /var/lib/gangway-docker",
)


#: What a boot does that a restart does not is systemd's, and takes minutes.
WHEN = [
    pytest.param("restarted", marks=pytest.mark.flavours("sid")),
    pytest.param("rebooted", marks=pytest.mark.soak),
]


@attack(
    "Empties, breaks or removes daemon.json, the certificates, or the guard, then restarts dockerd or the host",
    by=ADMIN,
    expected="The port is closed; dockerd and its containers run; the next run opens it again",
)
@pytest.mark.parametrize("when", WHEN)
def test_damage_closes_the_port_and_containers_run_on(host: Host, controller: Controller, when: str) -> None:
    assert controller.expose().code == 0
    for damage in DAMAGES:
        container = started_at(host)
        host.run(damage)
        restart(host, when)
        if when == "restarted":
            assert started_at(host) == container, damage
        assert host.run("docker inspect --format '{{.State.Running}}' witness").stdout.strip() == "true", damage
        assert is_safe(host.address), damage
        # And the way back is the same playbook.
        mended = controller.expose()
        assert mended.code == 0, (damage, mended.failures)
        assert ask(host.address, bundle=controller.client()) == "answered", damage
        assert is_safe(host.address), damage
        host.run("rm -f /etc/docker/daemon.json.broken")


def restart(host: Host, when: str) -> None:
    if when == "restarted":
        # Three starts in a minute are all that the unit allows.
        host.run("systemctl reset-failed docker; systemctl restart docker", check=False)
    else:
        host.reboot()


#: The drop-in that is gone, a dockerd that reads another file, a guard that can't run: two things wrong at once.
SABOTAGE = (
    "rm -r /etc/systemd/system/docker.service.d /etc/docker; systemctl daemon-reload",
    "echo '{\"live-restore\": true}' > /etc/docker/alt.json; echo 'DOCKER_OPTS=--config-file=/etc/docker/alt.json' "
    ">> /etc/default/docker",
    "echo '{\"live-restore\": true}' > /etc/docker/alt.json; "
    'echo "DOCKER_OPTS=\'\\"--config-file=/etc/docker/alt.json\\"\'" >> /etc/default/docker',
    "echo '{}' > /etc/docker/daemon.json; mv /usr/bin/python3 /usr/bin/python3.away",
)
_UNDO_SABOTAGE = (
    "test ! -e /usr/bin/python3.away || mv /usr/bin/python3.away /usr/bin/python3; "
    "cp --archive /opt/pristine/etc/default/docker /etc/default/docker; "
    "systemctl reset-failed docker; systemctl restart docker"
)


@attack(
    "Removes the drop-in, points dockerd at another configuration file, or removes Python",
    by=ADMIN,
    expected="The port is closed; dockerd runs",
)
@pytest.mark.soak
@pytest.mark.parametrize("when", ["restarted", "rebooted"])
def test_no_port_without_the_guard_and_none_past_it(host: Host, controller: Controller, when: str) -> None:
    for sabotage in SABOTAGE:
        exposed = controller.expose()
        assert exposed.code == 0, (sabotage, exposed.failures)
        host.run(sabotage)
        restart(host, when)
        assert is_safe(host.address), sabotage
        assert host.run("docker version --format '{{.Server.Version}}'").stdout, sabotage
        host.run(_UNDO_SABOTAGE)


@pytest.mark.one_host
def test_a_port_that_something_got_past_the_guard_is_shut_and_closed_by_the_next_run(
    host: Host, controller: Controller
) -> None:
    assert controller.expose().code == 0
    container = started_at(host)
    drop_in = "/etc/systemd/system/docker.service.d/zz.conf"
    host.run(f"printf '[Service]\\nExecStartPre=\\n' > {drop_in}")
    host.run("echo '{\"live-restore\": true}' > /etc/docker/daemon.json")
    host.run("systemctl daemon-reload; systemctl restart docker")
    assert ask_in_the_clear(host.address) == "dropped", "the gate shuts, since the host itself was answered"
    assert controller.expose().failures == ["guard_overridden"]
    assert is_safe(host.address)
    assert ask(host.address) == "closed"
    assert started_at(host) == container
    host.run(f"rm {drop_in}; systemctl daemon-reload")
    assert controller.expose().code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_withdrawing_leaves_no_other_port_without_tls(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    host.run("echo 'DOCKER_OPTS=-H=tcp://0.0.0.0:2375' >> /etc/default/docker; systemctl restart docker")
    assert controller.withdraw().failures == ["other_listener"]
    assert is_safe(host.address, port=2375)
    host.run("rm /etc/docker/gangway/cert.pem; systemctl restart docker", check=False)
    assert is_safe(host.address, port=2375)
    assert is_safe(host.address)


@attack(
    "Connects after a reboot, without a certificate or from outside the access list",
    by=NETWORK,
    expected="Refused, or dropped",
)
def test_a_reboot_brings_the_port_back_with_its_access_list(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    host.reboot()
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2) == "dropped"
    assert is_safe(host.address)
    assert controller.expose().changed(host.name) == 0


@pytest.mark.one_host
def test_a_plain_user_who_becomes_root_and_no_access_list(host: Host, tmp_path: Path) -> None:
    """Under sudo SSH_CONNECTION is gone; the access list is still the machine that Ansible connects from."""
    controller = Controller(tmp_path, [host], ansible_user="deploy")
    outcome = controller.expose()
    assert outcome.code == 0, outcome.failures
    assert outcome.listener(host.name)["allow"] == [f"{GATEWAY}/32"]
    assert outcome.listener(host.name)["listen"] == [f"{host.address}:2376"]
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2) == "dropped"


@attack(
    "Looks for keys in Ansible's output and in the host's logs",
    by=LOCAL_USER,
    expected="Found nowhere; key files are 0400 on hosts, 0600 on the controller",
)
@pytest.mark.one_host
def test_no_key_and_no_passphrase_in_any_output(host: Host, controller: Controller) -> None:
    output = ""
    for origin in ("host", "controller"):
        done = controller.raw(
            ROOT / "playbooks" / "expose_docker.yml",
            "-vvvv",
            "--diff",
            expose_key_origin=origin,
            expose_passphrase="correct horse battery",
        )
        assert done.returncode == 0, done.stdout
        output += done.stdout + done.stderr
    logged = host.run("journalctl --no-pager; cat /var/log/*.log 2>/dev/null; true").stdout
    secrets = ["PRIVATE KEY", "correct horse battery"]
    for key in [*controller.fleets_dir.rglob("*key.pem")]:
        assert key.stat().st_mode & 0o077 == 0
        secrets.append(key.read_text().splitlines()[1])
    secrets.append(host.run("sed -n 2p /etc/docker/gangway/key.pem").stdout.strip())
    assert host.run("stat -c %a /etc/docker/gangway /etc/docker/gangway/key.pem").stdout.split() == ["700", "400"]
    assert [secret for secret in secrets if secret in output or secret in logged] == []


@pytest.mark.one_host
def test_ipv6_and_several_addresses(host: Host, controller: Controller) -> None:
    listen = [f"{host.address}:2376", f"[{host.address_ipv6}]:2376"]
    outcome = controller.expose(expose_listen=listen, expose_allow=["172.30.77.0/24", "fd77:6777::/64"])
    assert outcome.code == 0, outcome.failures
    ca = controller.client() / "ca.pem"
    assert ask(host.address, bundle=controller.client(), ca=ca) == "answered"
    assert ask(host.address_ipv6, bundle=controller.client(), ca=ca) == "answered"
    assert ask(host.address_ipv6) == "refused"


@pytest.mark.one_host
def test_any_address_when_spelt(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_listen=["any:2376"], expose_allow=["any"]).code == 0
    ca = controller.client() / "ca.pem"
    assert ask(host.address, bundle=controller.client(), ca=ca, source=OUTSIDE) == "answered"
    assert ask(host.address_ipv6, bundle=controller.client()) == "answered"
    assert is_safe(host.address)
    assert is_safe(host.address_ipv6)


@pytest.mark.one_host
def test_certificates_of_the_users_own(host: Host, controller: Controller) -> None:
    make = {
        "gangway.docker.tls_bundle": {
            "fleets_dir": str(controller.folder / "company"),
            "clients": ["admin"],
            "servers": [{"name": "web", "tls_sans": [host.address]}],
        }
    }
    assert controller.play([{"hosts": "localhost", "gather_facts": False, "tasks": [make]}]).code == 0
    company = controller.folder / "company" / "default"
    brought = {
        "expose_certificate": str(company / "servers" / "web" / "cert.pem"),
        "expose_key": str(company / "servers" / "web" / "key.pem"),
        "expose_client_ca": str(company / "authority" / "ca.pem"),
    }
    outcome = controller.expose(**brought)
    assert outcome.code == 0, outcome.failures
    assert not (controller.fleet / "authority").exists()
    assert ask(host.address, bundle=company / "clients" / "admin", ca=company / "authority" / "ca.pem") == "answered"
    assert is_safe(host.address)
    assert controller.expose(**brought).changed(host.name) == 0


@pytest.mark.one_host
def test_a_key_made_on_the_controller(host: Host, controller: Controller) -> None:
    host.run("mv /usr/bin/openssl /usr/bin/openssl.away")
    outcome = controller.expose(expose_key_origin="controller", expose_key_type="ed25519")
    assert outcome.code == 0, outcome.failures
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose(expose_key_origin="controller", expose_key_type="ed25519").changed(host.name) == 0
    host.run("mv /usr/bin/openssl.away /usr/bin/openssl")
    back = controller.expose(expose_key_type="ed25519")
    assert back.listener(host.name)["reason"] == "its key was not made on the host"
    ours = (controller.fleet / "servers" / host.name / "key.pem").read_text()
    assert host.run("cat /etc/docker/gangway/key.pem").stdout != ours


@pytest.mark.one_host
def test_an_authority_with_a_passphrase(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_passphrase="open sesame").code == 0
    assert "ENCRYPTED" in (controller.fleet / "authority" / "ca-key.pem").read_text()
    assert controller.expose(expose_passphrase="open sesame").changed(host.name) == 0


@pytest.mark.one_host
def test_lost_records_are_made_again_without_touching_the_host(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    record = controller.fleet / "endpoints" / f"{host.name}.json"
    content = json.loads(record.read_text())
    record.unlink()
    assert controller.expose().changed(host.name) == 0
    assert json.loads(record.read_text()) == content


@pytest.mark.one_host
def test_a_changed_name_is_a_new_certificate_under_the_same_key(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    key = host.run("sha256sum /etc/docker/gangway/key.pem").stdout
    outcome = controller.expose(expose_tls_sans=["build.example.com"])
    assert outcome.listener(host.name)["reason"] == "lacks build.example.com"
    assert outcome.listener(host.name)["endpoint"]["server_names"][0] == "build.example.com"
    assert host.run("sha256sum /etc/docker/gangway/key.pem").stdout == key
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_a_host_without_etc_docker(host: Host, controller: Controller) -> None:
    host.run("rm -rf /etc/docker")
    before = snapshot(host)
    assert controller.expose().code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.withdraw().code == 0
    # dockerd 20.10 makes the folder, for a key.json of its own.
    host.run("rm -f /etc/docker/key.json; rmdir /etc/docker", check=False)
    assert snapshot(host).replace("./docker d 755 0 0 \n", "") == before


@pytest.mark.one_host
def test_a_dockerd_that_is_down_stays_down_in_check_mode(host: Host, controller: Controller) -> None:
    host.run("systemctl stop docker.service")
    assert controller.expose("--check").code == 0
    assert host.run("systemctl is-active docker.service", check=False).stdout.strip() == "inactive"
    assert controller.expose().code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_hosts_of_two_fleets_in_one_play_get_their_own_clients(host: Host, unfiltered: Host, tmp_path: Path) -> None:
    """The second host can't be exposed at first, so nothing is made for it."""
    controller = Controller(tmp_path, [host, unfiltered])
    wishes = {host.name: ("fa", "ci"), unfiltered.name: ("fb", "alice")}
    for name, (fleet, client) in wishes.items():
        variables = tmp_path / "host_vars" / f"{name}.yml"
        variables.parent.mkdir(exist_ok=True)
        variables.write_text(json.dumps({"expose_fleet": fleet, "expose_clients": [client]}))

    def made() -> list[str]:
        return sorted(
            str(path.relative_to(controller.fleets_dir)) for path in controller.fleets_dir.glob("*/clients/*")
        )

    assert controller.expose().failures == ["filtering_unsupported"]
    assert made() == ["fa/clients/ci"]
    assert controller.expose(expose_firewall="none").code == 0
    assert made() == ["fa/clients/ci", "fb/clients/alice"]
    for name, (fleet, client) in wishes.items():
        address = host.address if name == host.name else unfiltered.address
        assert ask(address, bundle=controller.fleets_dir / fleet / "clients" / client) == "answered"


@pytest.mark.one_host
def test_the_built_artifact_runs_by_its_full_name(
    host: Host, controller: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed from the tarball, with nothing of the repo in sight."""
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=controller.environment())
    artifact = next(tmp_path.glob("gangway-docker-*.tar.gz"))
    listed = subprocess.run(["tar", "-tzf", artifact], check=True, capture_output=True, text=True).stdout.split()
    assert "plugins/modules/dockerd_listener.py" in listed
    assert not [name for name in listed if re.search(r"(^|/)(\.cache|\.venv|\.nox|__pycache__|\.git)(/|$)", name)]
    install = ["ansible-galaxy", "collection", "install", "--force", "--collections-path", str(tmp_path / "c")]
    subprocess.run(
        [*install, str(artifact)], check=True, capture_output=True, env=controller.environment(), cwd=tmp_path
    )
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", str(tmp_path / "c"))
    assert controller.run("gangway.docker.expose_docker").code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.run("gangway.docker.withdraw").code == 0
    assert ask(host.address, bundle=controller.client()) == "closed"
