# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd_info's part on the controller, with a host that answers what it likes."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader


def _run(outcome: dict[str, t.Any], args: dict[str, t.Any] | None = None) -> tuple[dict[str, t.Any], list[t.Any]]:
    """Return the result, and what was executed with what the connection may print."""
    task = Task()
    task.args, task.action, task.async_val = args or {}, "gangway.docker.dockerd_info", 0
    connection = mock.Mock()
    connection._play_context.no_log = False
    action = action_loader.get(
        "gangway.docker.dockerd_info",
        task=task,
        connection=connection,
        play_context=mock.Mock(check_mode=False),
        loader=DataLoader(),
        templar=None,
        shared_loader_obj=None,
    )
    executed: list[t.Any] = []

    def execute(**words: t.Any) -> dict[str, t.Any]:
        executed.append((words["module_name"], words["module_args"], connection._play_context.no_log))
        return outcome

    with mock.patch.object(action, "_execute_module", execute):
        result = action.run(task_vars={"inventory_hostname": "web1"})
    assert connection._play_context.no_log is False
    return result, executed


def test_the_module_runs_once_and_its_output_is_not_printed() -> None:
    result, executed = _run({"observation": {}})
    assert executed == [("gangway.docker.dockerd_info", {}, True)]
    assert (result["failed"], result["failure"]) == (True, "host_answer_invalid")


def test_a_failure_of_the_host_is_passed_on_without_its_output() -> None:
    outcome = {"failed": True, "msg": "no", "failure": "not_root", "module_stdout": "hunter2", "observation": "hunter2"}
    result, _executed = _run(outcome)
    assert (result["failed"], result["msg"], result["failure"]) == (True, "no", "not_root")
    assert "hunter2" not in str(result)


def test_internal_options_are_not_for_users() -> None:
    with pytest.raises(AnsibleError, match="resolve"):
        _run({}, {"resolve": ["x"]})
