# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/trust.md, and the hooks of docs/consumers.md: each command, as it is written, for one exposed host."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.port import ask
from tests.integration.test_trust import SIGN
from tests.integration.world import Reader
from tests.lab.hosts import Host
from tests.shown import shown


@pytest.mark.flavours("bookworm")
def test_its_commands_work(host: Host, client_machine: Host, tmp_path: Path) -> None:
    password = tmp_path / "vault-password"
    password.write_text("open\n")
    reader = Reader(tmp_path, host, client_machine, ANSIBLE_VAULT_PASSWORD_FILE=str(password))
    variables = _encrypt_passphrase(reader)
    with variables.open("a") as stream:
        stream.write(yaml.safe_dump({"expose_clients": ["admin", "bob"], "expose_validity": "11h"}))
    reader.types(shown("README.md", "ansible-playbook gangway.docker.expose_docker"))
    assert "ENCRYPTED" in (reader.fleet / "authority" / "ca-key.pem").read_text()

    _renew_with_hooks(reader, variables)
    before = (reader.fleet / "authority" / "ca.pem").read_text()
    reader.types(shown("docs/trust.md", "gangway.docker.rotate_authority -i inventory -e expose_hosts=docker_hosts\n"))
    assert (reader.fleet / "authority" / "ca.pem").read_text() != before

    reader.types(shown("docs/trust.md", "gangway.docker.revoke"))
    assert ask(host.address, bundle=reader.fleet / "revoked" / "bob") == "refused"

    (tmp_path / "stolen").mkdir()
    reader.fleet.rename(tmp_path / "stolen" / "default")
    reader.types(shown("docs/trust.md", "expose_replace_controller"))
    assert ask(host.address, bundle=reader.fleet / "clients" / "bob") == "answered"
    assert ask(host.address, bundle=tmp_path / "stolen" / "default" / "clients" / "admin") == "refused"

    assert "stays trusted until" in reader.types(shown("docs/trust.md", "rotate_grace=7d"))
    _sign_by_script(reader)


def _encrypt_passphrase(reader: Reader) -> Path:
    variables = reader.folder / "group_vars" / "docker_hosts.yml"
    variables.parent.mkdir()
    reader.types(shown("docs/trust.md", "ansible-vault encrypt_string"))
    assert "the passphrase" not in variables.read_text()
    return variables


def _renew_with_hooks(reader: Reader, variables: Path) -> None:
    """As if the certificates were due. There is no client named grafana."""
    kept = variables.read_text()
    due = kept.replace("11h", "12h") + "expose_renew_before: 11h\n"
    variables.write_text(due + shown("docs/consumers.md", "expose_renewed_tasks:"))
    (reader.folder / "clients-renewed.yml").write_text(shown("docs/consumers.md", "# clients-renewed.yml"))
    note = {"name": "Note it", "ansible.builtin.debug": {"var": "gangway_endpoint.fingerprint"}}
    (reader.folder / "daemon-renewed.yml").write_text(yaml.safe_dump([note]))
    said = reader.types(shown("docs/trust.md", "gangway.docker.renew"))
    assert "Note it" in said
    assert "Restart what has read the bundle of grafana" in said
    variables.write_text(kept)


def _sign_by_script(reader: Reader) -> None:
    """With the issuing CA of a company behind the command C(step)."""
    pki = reader.folder / "company"
    pki.mkdir()
    subprocess.run(["sh", str(SIGN), "init", str(pki)], check=True, capture_output=True)
    reader.has_program("step", f'test "$1 $2" = "ca sign" && sh {SIGN} sign {pki} < "$3" > "$4"')
    script = reader.folder / "sign"
    script.write_text(shown("docs/trust.md", "step ca sign"))
    script.chmod(0o755)
    request = "openssl req -new -newkey ed25519 -nodes -keyout key.pem -subj /CN=web1"
    reader.types(f"{request} | {script} > signed.pem && openssl verify -CAfile {pki}/chain.pem signed.pem")
    assert (reader.folder / "signed.pem").read_text().count("BEGIN CERTIFICATE") == 2
