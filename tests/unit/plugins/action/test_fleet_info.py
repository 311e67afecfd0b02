# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin fleet_info, found and run as the task executor does it."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader

from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet

MakeRecord = t.Callable[..., EndpointRecord]


class Run(t.NamedTuple):
    """A task's result, and what it has printed on the terminal."""

    result: dict[str, t.Any]
    lines: list[str]


def _run(*, check_mode: bool = False, task_vars: dict[str, t.Any] | None = None, **arguments: t.Any) -> Run:
    """Run the task; a connection that is touched fails the test."""
    task = Task()
    task.args = arguments
    task.check_mode = check_mode
    task.async_val = 0
    templar = mock.Mock()
    templar.template = lambda value: value
    plugin = action_loader.get(
        "gangway.docker.fleet_info",
        task=task,
        connection=mock.Mock(spec_set=["_shell", "transport"]),
        play_context=mock.Mock(),
        loader=DataLoader(),
        templar=templar,
        shared_loader_obj=None,
    )
    with (
        mock.patch.object(type(plugin), "_execute_module", side_effect=AssertionError("no module is to be run")),
        mock.patch("ansible.utils.display.Display.display") as display,
    ):
        result: dict[str, t.Any] = plugin.run(task_vars=task_vars or {})
    return Run(result, [call.args[0] for call in display.call_args_list])


@pytest.fixture
def fleets_dir(tmp_path: Path, make_record: MakeRecord) -> Path:
    folder = tmp_path / "fleets"
    for name in ("default", "build"):
        fleet = Fleet(str(folder), name)
        ensure_bundles(fleet, ["ci"], [])
        write_record(
            fleet.endpoints_folder, make_record(fleet=name, tls=False, certificate="", issuer=None, trust=None)
        )
    return folder


def test_all_fleets_are_read_unless_some_are_named(fleets_dir: Path) -> None:
    result = _run(fleets_dir=str(fleets_dir)).result
    assert result["changed"] is False
    assert [each["fleet"] for each in result["endpoints"]] == ["build", "default"]
    assert result["summary"]["findings"]["critical"] == 2
    result = _run(fleets_dir=str(fleets_dir), fleets=["default"]).result
    assert [each["fleet"] for each in result["endpoints"]] == ["default"]
    assert _run(fleets_dir=str(fleets_dir), fleets=["nosuch"]).result["failure"] == "fleet_missing"


def test_no_fleets_are_a_warning(tmp_path: Path) -> None:
    result = _run(fleets_dir=str(tmp_path / "missing")).result
    assert not result.get("failed")
    assert "no fleets" in result["warnings"][0]
    assert not (tmp_path / "missing").exists()


def test_a_path_with_a_tilde_is_the_home_folder(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(fleets_dir.parent))
    assert len(_run(fleets_dir="~/fleets").result["endpoints"]) == 2


def test_the_table_is_printed_as_it_is_and_only_if_asked(fleets_dir: Path) -> None:
    assert _run(fleets_dir=str(fleets_dir)).lines == []
    lines = _run(fleets_dir=str(fleets_dir), show_table=True).lines
    assert lines[0].startswith("FLEET     NAME   ACTIVE   URL")
    assert lines[1].startswith("build     web1")


def test_reports_are_written_before_the_task_fails(fleets_dir: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"out.{name.partition('_')[0]}" for name in ("json_file", "prometheus_file", "html_file")}
    paths = {name: str(path) for name, path in files.items()}
    run = _run(fleets_dir=str(fleets_dir), fail_severity="critical", show_table=True, **paths)
    assert run.result["failed"] is True
    assert run.result["failure"] == "findings_severe"
    assert "build/web1" in run.result["msg"]
    assert run.result["files"] == list(paths.values())
    assert run.lines[-3:] == [f"Wrote {path}" for path in paths.values()]
    assert json.loads(files["json_file"].read_text())["findings"] == run.result["findings"]
    assert "gangway_findings" in files["prometheus_file"].read_text()
    assert files["html_file"].read_text().startswith("<!DOCTYPE html>")
    assert {name: path.stat().st_mode & 0o777 for name, path in files.items()} == {
        "json_file": 0o600,
        "prometheus_file": 0o644,
        "html_file": 0o600,
    }


@pytest.mark.parametrize(("severity", "fails"), [("never", False), ("critical", True), ("low", True), ("info", True)])
def test_the_severity_decides(fleets_dir: Path, severity: str, fails: bool) -> None:
    assert _run(fleets_dir=str(fleets_dir), fail_severity=severity).result.get("failed", False) is fails


def test_findings_below_the_severity_do_not_fail(tmp_path: Path) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])
    result = _run(fleets_dir=str(tmp_path), fail_severity="medium").result
    assert [each["key"] for each in result["findings"]] == ["key_not_encrypted"]
    assert not result.get("failed")


def test_check_mode_predicts_and_writes_nothing(fleets_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    predicted = _run(fleets_dir=str(fleets_dir), json_file=str(path), check_mode=True).result
    assert not path.exists()
    done = _run(fleets_dir=str(fleets_dir), json_file=str(path)).result
    assert path.exists()
    for name in ("changed", "files", "endpoints", "summary"):
        assert predicted[name] == done[name]


def test_the_playbooks_variables_are_options(fleets_dir: Path) -> None:
    variables = {"status_fleets_dir": str(fleets_dir), "status_fleets": ["build"], "status_fail_severity": "critical"}
    result = _run(variables_prefix="status_", task_vars=variables, fleets_dir="").result
    assert result["failure"] == "findings_severe"
    assert [each["fleet"] for each in result["endpoints"]] == ["build"]


def test_a_fact_is_no_option(fleets_dir: Path) -> None:
    variables = {"ansible_facts": {"status_html_file": "/etc/passwd"}}
    result = _run(variables_prefix="status_", task_vars=variables, fleets_dir=str(fleets_dir)).result
    assert result["failure"] == "option_from_facts"


@pytest.mark.parametrize("timeout", [0, -1, 100_000])
def test_a_time_that_makes_no_sense_is_refused(fleets_dir: Path, timeout: float) -> None:
    assert _run(fleets_dir=str(fleets_dir), timeout=timeout).result["failure"] == "invalid_timeout"


def test_arguments_that_do_not_fit_are_refused(fleets_dir: Path) -> None:
    with pytest.raises(AnsibleError):
        _run(fleets_dir=str(fleets_dir), fail_severity="awful")


def test_no_key_is_in_any_report(fleets_dir: Path, tmp_path: Path) -> None:
    paths = {f"{kind}_file": str(tmp_path / kind) for kind in ("json", "prometheus", "html")}
    run = _run(fleets_dir=str(fleets_dir), show_table=True, **paths)
    reports = [Path(path).read_text() for path in paths.values()]
    assert "PRIVATE KEY" not in "".join([*reports, repr(run.result), *run.lines])
