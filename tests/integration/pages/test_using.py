# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages for those who use exposed daemons: contexts, endpoints, fleets, inventory, consumers, troubleshooting.

Each command and play, as it is written, for one exposed host.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.integration.pages.portainer import portainer
from tests.integration.world import Reader, make_image_of_app
from tests.lab.hosts import Host
from tests.shown import inline, shown

#: The provider of Terraform reads these variables as the docker command does.
_TERRAFORM = 'test "$*" = "apply -auto-approve" && docker run --detach --name terraformed app'


@pytest.fixture
def machine(client_machine: Host) -> Host:
    """A machine with the accounts and services of GitLab Runner and Jenkins, which Debian does not have."""
    client_machine.run(
        "rm -rf /etc/gitlab-runner /var/lib/jenkins; mkdir -p /etc/gitlab-runner /var/lib/jenkins/casc; "
        "id jenkins >/dev/null 2>&1 || useradd jenkins; printf '[Service]\\nExecStart=/bin/sleep 1000\\n' > "
        "/run/systemd/system/gitlab-runner.service; systemctl daemon-reload; systemctl stop gitlab-runner"
    )
    return client_machine


@pytest.mark.flavours("bookworm")
def test_the_commands_and_plays_for_users_work(host: Host, machine: Host, tmp_path: Path) -> None:
    reader = Reader(tmp_path, host, machine)
    make_image_of_app(host)
    clients = {"expose_clients": ["admin", "jenkins", "portainer", "terraform", "NAME"]}
    expose = shown("README.md", "ansible-playbook gangway.docker.expose_docker").rstrip()
    reader.types(f"{expose} -e '{json.dumps(clients)}'")
    bundle = reader.fleet / "clients" / "admin"
    shutil.copytree(bundle, reader.home / ".docker", dirs_exist_ok=True)

    _use_contexts_and_consumers(reader, machine)
    _upload_to_portainer(reader)
    _look_at_endpoints_and_fleets(reader, host)
    _use_inventory(reader)
    _look_for_trouble(reader, host)
    _look_at_host(host)
    _read_documentation(reader)


def _use_contexts_and_consumers(reader: Reader, machine: Host) -> None:
    reader.has_program("terraform", _TERRAFORM)
    (reader.folder / "containers").mkdir()
    tasks = yaml.safe_load(shown("docs/endpoints.md", "- name: Probe a daemon"))
    reader.plays(
        shown("docs/contexts.md", "- name: Use the daemon of web1 from here"),
        shown("docs/consumers.md", "- name: GitLab Runner"),
        shown("docs/consumers.md", "- name: Jenkins"),
        shown("docs/consumers.md", "- name: Apply with the bundle on the controller"),
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]),
    )
    # As the current context.
    assert "terraformed" in reader.types("docker ps")
    assert "terraformed" in reader.types(inline("docs/contexts.md", "docker --context web1 ps"))
    assert machine.run("systemctl is-active gitlab-runner").stdout == "active\n"
    assert machine.run("ls /etc/gitlab-runner/docker/*.pem").stdout.count("\n") == 3
    configured = yaml.safe_load(machine.run("cat /var/lib/jenkins/casc/docker.yaml").stdout)
    (credentials,) = configured["credentials"]["system"]["domainCredentials"][0]["credentials"]
    given = credentials["x509ClientCert"]
    bundle = reader.fleet / "clients" / "jenkins"
    assert given["clientKeySecret"].strip() == (bundle / "key.pem").read_text().strip()
    assert given["clientCertificate"].strip() == (bundle / "cert.pem").read_text().strip()


def _upload_to_portainer(reader: Reader) -> None:
    variables = reader.folder / "group_vars" / "all.yml"
    variables.parent.mkdir()
    variables.write_text("vaulted_portainer_key: for the test\n")
    with portainer(reader.folder) as (way, forms):
        reader.plays(shown("docs/consumers.md", "- name: Add web1 to Portainer"), **way)
    (form,) = forms
    assert (form.path, form.key) == ("/api/endpoints", "for the test")
    bundle = reader.fleet / "clients" / "portainer"
    for field, file in (("TLSCACertFile", "ca.pem"), ("TLSCertFile", "cert.pem"), ("TLSKeyFile", "key.pem")):
        assert form.fields[field].split() == (bundle / file).read_text().split()


def _look_at_endpoints_and_fleets(reader: Reader, host: Host) -> None:
    assert '"state": "answers"' in reader.types(shown("docs/endpoints.md", "ansible localhost"))
    table = reader.types(shown("docs/fleets.md", "ansible-playbook gangway.docker.status\n"))
    header, row, *_others = shown("docs/fleets.md", "NAME   ACTIVE").splitlines()
    assert header.split() in [line.split() for line in table.splitlines()]
    (printed,) = [line.split() for line in table.splitlines() if line.startswith("web1 ")]
    assert [printed[0], printed[2]] == [row.split()[0], f"tcp://{host.address}:2376"]
    reader.types(shown("docs/fleets.md", "gangway.docker.audit"))
    assert "web1" in (reader.folder / "gangway-audit.html").read_text()
    metrics = reader.folder / "gangway.prom"
    collected = "/var/lib/prometheus/node-exporter/gangway.prom"
    reader.types(shown("docs/fleets.md", "status_prometheus_file").replace(collected, str(metrics)))
    assert "gangway_endpoint_verified" in metrics.read_text()
    reader.types(shown("docs/fleets.md", "status_json_file"))
    assert json.loads((reader.folder / "fleets.json").read_text())


def _use_inventory(reader: Reader) -> None:
    inventory = reader.folder / "daemons.yml"
    inventory.write_text(shown("docs/inventory.md", "# daemons.yml"))
    assert '"web1"' in reader.types(shown("docs/inventory.md", "ansible-inventory"))
    said = reader.plays(
        shown("docs/inventory.md", "- name: Start the application"),
        shown("docs/inventory.md", "- name: Run something in the container app"),
        inventory=inventory.name,
    )
    assert "changed=1" in said
    inventory.write_text(shown("docs/inventory.md", "container_options"))
    said = reader.types(shown("docs/inventory.md", "ansible -i daemons.yml containers"))
    assert {"app@web1", "terraformed@web1", "witness@web1"} <= {line.split()[0] for line in said.splitlines() if line}


def _look_for_trouble(reader: Reader, host: Host) -> None:
    bundle = reader.fleet / "clients" / "admin"
    looked = reader.types(shown("docs/troubleshooting.md", "openssl x509"), DOCKER_CERT_PATH=str(bundle))
    assert "CN = admin" in looked.replace("CN=", "CN = ")
    assert f"{bundle}/cert.pem: OK" in looked
    assert "docker-gangway.socket" in host.run(shown("docs/troubleshooting.md", "systemctl status")).stdout
    _as_deploy(reader, host, shown("docs/troubleshooting.md", "sudo --preserve-env"))

    host.run("mkdir -p /etc/ansible/facts.d && echo '{\"expose_tls\": false}' > /etc/ansible/facts.d/x.fact")
    try:
        said = reader.types(shown("docs/troubleshooting.md", "ansible HOST").replace("HOST", "web1"))
    finally:
        host.run("rm -r /etc/ansible")
    assert "expose_tls" in said
    reader.types(shown("docs/troubleshooting.md", "gangway.docker.revoke"))
    assert (reader.fleet / "revoked" / "NAME").exists()


def _look_at_host(host: Host) -> None:
    """The commands within the page's sentences."""
    listed = host.run(
        inline("docs/troubleshooting.md", "systemctl show -p IPAddressAllow docker-gangway.socket")
    ).stdout
    assert listed.startswith("IPAddressAllow=")
    assert ":2376" in host.run(inline("docs/troubleshooting.md", "ss -ltn")).stdout
    assert "ExecStartPre=" in host.run(inline("docs/troubleshooting.md", "systemctl cat docker.service")).stdout
    assert "gangway" in host.run(inline("docs/troubleshooting.md", "journalctl -u docker-gangway.service")).stdout
    host.run("rm /etc/docker/gangway/key.pem; systemctl restart docker.service")
    why = host.run(inline("docs/troubleshooting.md", "journalctl -u docker.service | grep gangway.docker")).stdout
    assert "key.pem" in why
    host.run(inline("docs/troubleshooting.md", "systemctl revert docker-gangway.socket"))
    host.run(inline("docs/troubleshooting.md", "systemctl reset-failed docker.service docker.socket"))


def _read_documentation(reader: Reader) -> None:
    assert "expose" in reader.types(inline("docs/custom-plays.md", "ansible-doc gangway.docker.dockerd_listener"))
    assert "module_defaults" in reader.types(inline("README.md", "ansible-doc -t lookup gangway.docker.docker_host"))
    assert "fleets_dir" in reader.types(inline("README.md", "ansible-doc -t inventory gangway.docker.daemons"))


def _as_deploy(reader: Reader, host: Host, command: str) -> None:
    """Run it on the host, as an account that has a bundle and may use sudo."""
    folder = "/home/deploy/.docker"
    host.run(f"rm -rf {folder}; mkdir {folder}")
    try:
        for file in ("ca.pem", "cert.pem", "key.pem"):
            host.run(f"cat > {folder}/{file} <<'E'\n{(reader.fleet / 'clients' / 'admin' / file).read_text()}E\n")
        host.run(f"chown -R deploy {folder}")
        variables = f"DOCKER_HOST=tcp://{host.address}:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH={folder}"
        words = f"export {variables}; {command}"
        assert "witness" in host.run(f"su deploy -c '{words}'").stdout
    finally:
        host.run(f"rm -rf {folder}")
