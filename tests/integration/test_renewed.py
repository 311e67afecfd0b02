# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What uses a certificate hears of its renewal: tasks for daemons and clients of the controller, handlers elsewhere."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from tests.integration.controller import Controller, Outcome
from tests.integration.test_client import BUNDLE, play_of
from tests.lab.hosts import Host

#: A line for each time that the host hears of it.
_HEARD = "/root/heard"


@pytest.fixture
def machine(host: Host) -> t.Iterator[Host]:
    clear = f"rm -rf {_HEARD} {BUNDLE}"
    host.run(clear)
    yield host
    host.run(clear)


def _heard(machine: Host) -> list[str]:
    return str(machine.run(f"cat {_HEARD}", check=False).stdout).splitlines()


@pytest.fixture
def hooks(controller: Controller) -> dict[str, str]:
    """The role's variables, for task files that note what they hear."""
    clients = controller.folder / "clients"
    files = {
        "expose_renewed_tasks": {
            "ansible.builtin.shell": f"echo {{{{ gangway_endpoint.fingerprint }}}} >> {_HEARD}",
        },
        "expose_clients_renewed_tasks": {
            "ansible.builtin.shell": f"echo {{{{ expose_renewed_clients | join(' ') }}}} >> {clients}",
        },
    }
    for name, task in files.items():
        (controller.folder / f"{name}.yml").write_text(yaml.safe_dump([{"name": "Note it", **task}]))
    return {name: str(controller.folder / f"{name}.yml") for name in files}


def _clients(controller: Controller) -> list[str]:
    path = controller.folder / "clients"
    return path.read_text().splitlines() if path.exists() else []


def _tasks(outcome: Outcome, machine: Host) -> list[str]:
    return [result["task"] for result in outcome.results(machine.name)]


@pytest.mark.one_host
def test_tasks_run_once_for_each_new_certificate_and_not_in_check_mode(
    machine: Host, controller: Controller, hooks: dict[str, str]
) -> None:
    exposed = controller.expose(expose_validity=10, **hooks)
    assert exposed.code == 0, exposed.failures
    first = exposed.listener(machine.name)
    assert (_heard(machine), _clients(controller)) == ([first["endpoint"]["fingerprint"]], [])
    # Another access list is no new certificate.
    plain = controller.expose(expose_validity=10)
    widened = controller.expose(expose_validity=10, expose_allow=["172.16.0.0/12"], **hooks)
    assert widened.listener(machine.name)["changed"]
    assert widened.listener(machine.name)["identity_changed"] is False
    due: dict[str, t.Any] = {"expose_renew_before": "30d", **hooks}
    predicted = controller.playbook("renew", "--check", **due)
    assert predicted.listener(machine.name)["identity_changed"] is True
    assert (len(_heard(machine)), _clients(controller)) == (1, [])

    renewed = controller.playbook("renew", **due)
    assert renewed.code == 0, renewed.failures
    assert _heard(machine)[1:] == [renewed.listener(machine.name)["endpoint"]["fingerprint"]]
    assert _clients(controller) == ["admin"]
    again = controller.playbook("renew", **hooks)
    assert (again.code, again.changed(machine.name)) == (0, 0)
    assert (len(_heard(machine)), len(_clients(controller))) == (2, 1)
    unchanged = controller.expose(expose_allow=["172.16.0.0/12"], **hooks)
    assert unchanged.changed(machine.name) == 0
    assert _tasks(unchanged, machine) == _tasks(plain, machine), "where nothing changes, a hook costs no task"

    # The new authority signs, and then the old one is dropped from their ca.pem.
    rotated = controller.playbook("rotate_authority", **hooks)
    assert rotated.code == 0, rotated.failures
    assert (len(_heard(machine)), _clients(controller)) == (4, ["admin"] * 3)


@pytest.mark.one_host
@pytest.mark.parametrize("playbook", ["expose_docker", "renew"])
def test_clients_are_announced_though_the_daemon_is_refused(
    machine: Host, controller: Controller, hooks: dict[str, str], playbook: str
) -> None:
    assert controller.expose(expose_validity=10).code == 0
    refused = controller.playbook(playbook, expose_renew_before="30d", expose_listen=["nowhere.invalid:2376"], **hooks)
    assert (refused.code != 0, refused.failures[0]) == (True, "listen_unresolvable")
    assert refused.failed(machine.name)
    assert (_heard(machine), _clients(controller)) == ([], ["admin"])


@pytest.mark.one_host
def test_handlers_are_notified_where_a_clients_files_change(machine: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    handlers = [{"name": f"Restart {name}", "ansible.builtin.shell": f"echo {name} >> {_HEARD}"} for name in ("a", "b")]

    def give(*words: str, **variables: t.Any) -> Outcome:
        plays = play_of(controller, machine, docker_client_notify=["Restart a", "Restart b"], **variables)
        outcome = controller.play([{**plays[0], "handlers": handlers}], *words)
        assert outcome.code == 0, outcome.failures
        return outcome

    give("--check")
    assert _heard(machine) == []
    give(docker_client_validity="240h")
    assert _heard(machine) == ["a", "b"]
    second = give(docker_client_validity="240h")
    assert second.changed(machine.name) == 0
    assert len(_heard(machine)) == 2
    give(docker_client_renew_before="30d")
    assert len(_heard(machine)) == 4
    give(docker_client_state="absent")
    assert len(_heard(machine)) == 4, "there is nothing to read again"
