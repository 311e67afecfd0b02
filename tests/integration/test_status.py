# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks status and audit, with a real host, and with hundreds that are not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.controller import ROOT, Controller
from tests.lab.hosts import Host

STATUS, AUDIT = (ROOT / "playbooks" / f"{name}.yml" for name in ("status", "audit"))


def _row(printed: str, name: str) -> list[str]:
    """Return the words of the endpoint's line in the table."""
    return next(line.split() for line in printed.splitlines() if line.startswith(f"{name} "))


@pytest.mark.one_host
def test_status_shows_what_is_recorded_and_live_what_answers(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    url = f"tcp://{host.address}:2376"
    done = controller.raw(STATUS, environment={"DOCKER_HOST": url})
    assert done.returncode == 0, done.stdout
    name, active, shown, engine, *_others, verified, state = _row(done.stdout, host.name)
    assert (name, active, shown, verified, state) == (host.name, "*", url, "yes", "recorded")
    assert engine == host.run("docker version --format '{{.Server.Version}}'").stdout.strip()
    # A table, and no JSON with a table in it.
    assert "\\n" not in done.stdout
    live = controller.raw(STATUS, status_live=True)
    assert live.returncode == 0, live.stdout
    assert _row(live.stdout, host.name)[1] == "-"
    assert _row(live.stdout, host.name)[-1] == "answers"


@pytest.mark.one_host
def test_status_fails_by_severity_after_its_files_are_written(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    metrics, data = controller.folder / "gangway.prom", controller.folder / "gangway.json"
    files = {"status_prometheus_file": str(metrics), "status_json_file": str(data), "status_live": True}
    outcome = controller.playbook("status", **files, status_fail_severity="high")
    assert outcome.code == 0, outcome.failures
    written = json.loads(data.read_text())
    assert [each["state"] for each in written["endpoints"]] == ["answers"]
    # Debian's dockerd has no user namespaces: what only the daemon knows was asked.
    assert "no_userns" in [each["key"] for each in written["findings"]]
    assert f'gangway_endpoint_up{{fleet="default",endpoint="{host.name}"}} 1\n' in metrics.read_text()
    outcome = controller.playbook("status", **files, status_fail_severity="low")
    assert outcome.code == 2
    assert outcome.failures == ["findings_severe"]
    host.run("systemctl stop docker-gangway.socket docker.service 2>/dev/null; true")
    outcome = controller.playbook("status", **files, status_fail_severity="high")
    assert outcome.failures == ["findings_severe"]
    assert json.loads(data.read_text())["endpoints"][0]["state"] == "nothing_listens"
    assert f'gangway_endpoint_up{{fleet="default",endpoint="{host.name}"}} 0\n' in metrics.read_text()


@pytest.mark.one_host
def test_audit_writes_a_page_and_says_who_can_do_what(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_clients=["ci", "bob"]).code == 0
    assert controller.playbook("revoke", revoke_clients=["bob"]).code == 0
    done = controller.raw(AUDIT, audit_live=True)
    assert done.returncode == 0, done.stdout
    page = controller.folder / "gangway-audit.html"
    assert f"Wrote {page}" in done.stdout
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text()
    assert f"<code>tcp://{host.address}:2376</code>" in text
    assert '<td class="full">full</td>' in text
    assert '<td class="revoked">revoked</td>' in text
    assert "PRIVATE KEY" not in text
    done = controller.raw(AUDIT, audit_fail_severity="info", audit_html_file=str(controller.folder / "other.html"))
    assert done.returncode == 2
    assert "findings_severe" in done.stdout
    assert (controller.folder / "other.html").exists()


@pytest.mark.one_host
def test_a_record_that_can_not_be_read_is_a_finding(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    (controller.fleet / "endpoints" / "broken.json").write_text("{")
    done = controller.raw(STATUS)
    assert done.returncode == 0, done.stdout
    assert _row(done.stdout, "broken")[-1] == "unreadable"
    assert "high: broken: " in done.stdout
    assert _row(done.stdout, host.name)[-1] == "recorded"


#: Seconds that an endpoint which hangs may cost.
TIMEOUT = 10


@pytest.mark.one_host
def test_500_endpoints_of_which_50_hang_are_asked_side_by_side(
    host: Host, controller: Controller, capsys: pytest.CaptureFixture[str]
) -> None:
    """On 2 cores it is to take less than a minute. C(host) has nothing to do with it: it gives the test to one lane."""
    make = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {
                    "gangway.docker.tls_bundle": {
                        "fleets_dir": str(controller.fleets_dir),
                        "clients": ["ci"],
                        "servers": [{"name": "loopback", "tls_sans": ["127.0.0.1"]}],
                    }
                }
            ],
        }
    ]
    assert controller.play(make).code == 0
    bundle = controller.fleet / "servers" / "loopback"
    command = [sys.executable, "-m", "tests.integration.many_daemons", str(bundle)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as daemons:
        try:
            assert daemons.stdout is not None
            answering, hanging = daemons.stdout.readline().split()
            for number in range(500):
                _record(controller.fleet, bundle, f"web{number}", hanging if number % 10 == 0 else answering)
            data, page = controller.folder / "gangway.json", controller.folder / "gangway.html"
            began = time.monotonic()
            done = controller.raw(STATUS, status_live=True, status_json_file=str(data), status_html_file=str(page))
            took = time.monotonic() - began
        finally:
            daemons.kill()
    with capsys.disabled():
        print(f"\n500 endpoints of which 50 hang: {took:.1f} s")
    assert done.returncode == 0, done.stdout
    states = Counter(each["state"] for each in json.loads(data.read_text())["endpoints"])
    assert states == {"answers": 450, "silent": 50}
    assert page.stat().st_size > 100_000
    assert took < 50 * TIMEOUT / 2, "one after the other"


def _record(fleet: Path, bundle: Path, name: str, port: str) -> None:
    record = {
        "name": name,
        "url": f"tcp://127.0.0.1:{port}",
        "fleet": "default",
        "client": "ci",
        "server_names": ["127.0.0.1"],
        "not_after": "",
        "fingerprint": "",
        "certificate": (bundle / "cert.pem").read_text(),
        "issuer": None,
        "trust": None,
        "listen": [f"127.0.0.1:{port}"],
        "allow": ["127.0.0.1"],
        "method": "socket",
        "key_origin": "host",
        "engine_version": None,
        "verified": True,
        "refused": [],
    }
    folder = fleet / "endpoints"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(record))
