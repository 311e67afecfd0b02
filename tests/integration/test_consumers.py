# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tools of docs/consumers.md that Debian has, run with the plays that stand there."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.integration.controller import Controller, Outcome
from tests.lab.hosts import Host
from tests.shown import shown

_NETWORK = ["172.30.77.0/24"]


@pytest.fixture
def monitor(client_machine: Host) -> t.Iterator[Host]:
    """A machine with Debian's prometheus, as the package has set it up."""
    clear = "systemctl stop prometheus; rm -rf /var/lib/prometheus/docker"
    client_machine.run(clear)
    yield client_machine
    client_machine.run(clear)


def _plays(play: str, **names: str) -> list[dict[str, t.Any]]:
    """The play with these names in the place of those that stand there."""
    for there, here in names.items():
        assert there in play
        play = play.replace(there, here)
    plays: list[dict[str, t.Any]] = yaml.safe_load(play)
    return plays


def _discovered(monitor: Host) -> set[str]:
    told = monitor.run("curl --silent --fail http://127.0.0.1:9090/api/v1/targets", check=False).stdout
    targets = json.loads(told)["data"]["activeTargets"] if told else []
    return {target["discoveredLabels"].get("__meta_docker_container_name", "") for target in targets}


def _await(monitor: Host, container: str) -> None:
    end = time.monotonic() + 60
    while f"/{container}" not in _discovered(monitor):
        assert time.monotonic() < end, monitor.run("journalctl -u prometheus --no-pager | tail -20").stdout
        time.sleep(0.5)


def _run(host: Host, container: str) -> None:
    host.run(f"docker rm --force {container} 2>/dev/null; docker run --detach --name {container} bb /bin/sleep 1000")


@pytest.mark.one_host
def test_prometheus_goes_on_discovering_across_a_renewal_and_a_rotation(
    host: Host, monitor: Host, tmp_path: Path
) -> None:
    controller = Controller(tmp_path, [host, monitor], docker_client_fleets_dir=str(tmp_path / "fleets"))
    exposed: dict[str, t.Any] = {"expose_hosts": host.name, "expose_allow": _NETWORK}
    assert controller.playbook("expose_docker", **exposed).code == 0
    plays = _plays(
        shown("docs/consumers.md", "- name: Prometheus"),
        monitor=monitor.name,
        web1=host.name,
        tls_config="refresh_interval: 1s\n" + 18 * " " + "tls_config",
    )

    def give(**variables: t.Any) -> Outcome:
        (tmp_path / "monitor.yml").write_text(yaml.safe_dump(plays, sort_keys=False))
        outcome = controller.run(
            tmp_path / "monitor.yml", docker_client_fleets_dir=str(controller.fleets_dir), **variables
        )
        assert outcome.code == 0, outcome.failures
        return outcome

    monitor.run("systemctl start prometheus")
    _run(host, "first")
    give(docker_client_validity="240h")
    _await(monitor, "first")
    assert give().changed(monitor.name) == 0
    pid = monitor.run("systemctl show --property=MainPID prometheus").stdout

    assert give(docker_client_renew_before="30d").changed(monitor.name) > 0
    assert controller.playbook("rotate_authority", rotate_finish=False, **exposed).code == 0
    give()
    finished = controller.playbook("rotate_authority", **exposed)
    assert finished.code == 0, finished.failures
    # Whoever has the certificates of before gets in no more.
    _run(host, "second")
    _await(monitor, "second")
    assert monitor.run("systemctl show --property=MainPID prometheus").stdout == pid
    host.run("docker rm --force first second")
