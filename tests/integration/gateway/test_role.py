# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method gateway: what the role does beside it, and what HAProxy logs."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml

from tests.integration.controller import Controller, same
from tests.integration.gateway.test_method import SERVICE
from tests.integration.port import ask
from tests.integration.snapshot import snapshot
from tests.lab.hosts import Host
from tests.shown import shown


@pytest.mark.one_host
def test_the_role_installs_haproxy_and_does_not_start_the_packages_service(host: Host, controller: Controller) -> None:
    host.run(
        "dpkg --purge haproxy >/dev/null 2>&1; apt-get update --quiet=2; rm -f /run/systemd/system/haproxy.service"
    )
    before = snapshot(host)
    predicted = controller.expose("--check", "--diff", expose_method="gateway", expose_install=True)
    assert predicted.code == 0, predicted.failures
    assert snapshot(host) == before
    began = host.run("date +%s").stdout.strip()
    installed = controller.expose("--diff", expose_method="gateway", expose_install=True)
    assert installed.code == 0, installed.failures
    assert same(predicted, installed, host)
    states = host.run(
        "systemctl is-active haproxy; systemctl is-enabled haproxy; "
        f"journalctl --unit=haproxy --output=cat --since=@{began}",
        check=False,
    ).stdout
    assert states.split()[:2] == ["inactive", "disabled"], states
    assert "Started" not in states
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose(expose_method="gateway", expose_install=True).changed(host.name) == 0
    host.reboot()
    assert host.run("systemctl is-active haproxy.service", check=False).stdout == "inactive\n"
    assert ask(host.address, bundle=controller.client()) == "answered"


@pytest.mark.one_host
def test_the_page_as_it_stands(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    played = controller.play(yaml.safe_load(shown("docs/gateway.md", "expose_install: true")))
    assert played.code == 0, played.failures
    assert controller.docker(host, "ps", client="grafana").returncode == 0
    said = controller.docker(host, "inspect", "witness", client="grafana").stderr
    assert shown("docs/gateway.md", "may only read, and not this").strip() in said
    printed = host.run(shown("docs/gateway.md", "journalctl")).stdout
    examples = [set(json.loads(line)) for line in shown("docs/gateway.md", '"received":8912').splitlines()]
    logged = [set(json.loads(line)) for line in printed.splitlines() if line.startswith("{")]
    assert all(example in logged for example in examples)


def _logged(host: Host) -> list[dict[str, t.Any]]:
    """Return the lines of JSON that HAProxy wrote since the last start of the unit."""
    text = host.run(
        f"journalctl --unit={SERVICE} --output=cat --no-pager "
        f"_SYSTEMD_INVOCATION_ID=$(systemctl show {SERVICE} --property=InvocationID --value)"
    ).stdout
    lines = [line for line in text.splitlines() if "{" in line]
    return [json.loads(line) for line in lines if not line.startswith("[")]


@pytest.mark.one_host
def test_what_is_logged(gateway_host: Host, controller: Controller) -> None:
    host = gateway_host
    site: dict[str, t.Any] = {
        "expose_method": "gateway",
        "expose_clients": ["admin", {"name": "grafana", "rights": "read"}],
    }
    assert controller.expose(**site).code == 0
    assert controller.docker(host, "ps").returncode == 0
    assert ask(host.address) == "refused"
    lines = _logged(host)
    admins = [line for line in lines if line["client"] == "admin"]
    assert admins
    assert {"address", "port", "milliseconds", "received", "sent"} < admins[-1].keys()
    assert admins[-1]["sent"] > 0
    assert any("certificate" in line.get("refused", "") for line in lines)

    assert controller.expose(**site, expose_log="requests").code == 0
    assert controller.docker(host, "ps", client="grafana").returncode == 0
    odd = controller.docker(host, "inspect", 'a"b\\c]', client="grafana")
    assert odd.returncode != 0
    requests = [line for line in _logged(host) if line["client"] == "grafana"]
    assert any(
        line["method"] == "GET" and line["path"].endswith("/containers/json") and line["status"] == "200"
        for line in requests
    )
    assert any(line["status"] == "403" for line in requests)
    assert not any("?" in line["path"] for line in requests), "a query may have secrets"

    assert controller.expose(**site, expose_log="none").code == 0
    count = len(_logged(host))
    assert controller.docker(host, "ps").returncode == 0
    assert ask(host.address) == "refused"
    assert len(_logged(host)) == count


@pytest.mark.one_host
def test_clients_as_mappings(host: Host, controller: Controller) -> None:
    """Any method."""
    clients = [{"name": "admin"}, {"name": "ci", "validity": "5d"}, {"name": "bob", "state": "revoked"}]
    exposed = controller.expose(expose_clients=clients)
    assert exposed.code == 0, exposed.failures
    names = sorted(path.name for path in (controller.fleet / "clients").iterdir())
    assert names == ["admin", "ci"], "who never was is not made to be revoked"
    identities = exposed.named("action", "gangway.docker.tls_bundle")
    assert controller.expose(expose_clients=clients).changed(host.name) == 0, identities
    assert _days(controller, "ci") == 5
    assert _days(controller, "admin") == 365
    assert controller.playbook("renew", expose_clients=clients, expose_renew_before="364d").code == 0
    assert _days(controller, "ci") == 5

    assert controller.expose(expose_clients=["admin", "bob"]).code == 0
    left = controller.expose(expose_clients=["admin"])
    assert any("Client bob is no longer named" in warning for warning in left.warnings(host.name))
    assert not any("bob" in warning for warning in controller.expose(expose_clients=["admin"]).warnings(host.name))
    assert ask(host.address, bundle=controller.client("bob")) == "answered"
    revoked = controller.expose(expose_clients=["admin", {"name": "bob", "state": "revoked"}])
    assert revoked.code == 0, revoked.failures
    assert ask(host.address, bundle=controller.fleet / "revoked" / "bob") == "refused"
    assert controller.expose(expose_clients=["admin", {"name": "bob", "state": "revoked"}]).changed(host.name) == 0
    assert controller.expose(expose_clients=[{"name": "x", "rights": "write"}]).failures == ["invalid_client"]


def _days(controller: Controller, client: str) -> int:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate((controller.client(client) / "cert.pem").read_bytes())
    return round((certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() / 86400)
