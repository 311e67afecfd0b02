# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin tls_bundle, found and run as the task executor does it."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader

from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock


def _run(fleets_dir: Path, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
    """Run the task; a connection that is touched fails the test."""
    task = Task()
    task.args = {"fleets_dir": str(fleets_dir), **arguments}
    task.check_mode = check_mode
    task.async_val = 0
    connection = mock.Mock(spec_set=["_shell", "transport"])
    plugin = action_loader.get(
        "gangway.docker.tls_bundle",
        task=task,
        connection=connection,
        play_context=mock.Mock(),
        loader=DataLoader(),
        templar=mock.Mock(),
        shared_loader_obj=None,
    )
    with mock.patch.object(type(plugin), "_execute_module", side_effect=AssertionError("no module is to be run")):
        result: dict[str, t.Any] = plugin.run(task_vars={})
    return result


def test_bundles_are_made_here_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    arguments: dict[str, t.Any] = {"clients": ["ci"], "servers": [{"name": "build1"}]}
    first, second = (_run(tmp_path, **arguments) for _unused in range(2))
    assert (first["changed"], second["changed"]) == (True, False)
    assert (tmp_path / "default" / "clients" / "ci" / "cert.pem").is_file()
    assert (tmp_path / "default" / "servers" / "build1" / "key.pem").is_file()
    assert "failed" not in first


def test_options_reach_what_is_made(tmp_path: Path) -> None:
    result = _run(
        tmp_path, fleet="lab", clients=["ci"], key_type="ed25519", authority_key_type="ecdsa_p384", passphrase="secret"
    )
    assert result["identities"][0]["key_type"] == "ed25519"
    assert result["authority"]["key_type"] == "ecdsa_p384"
    assert b"ENCRYPTED" in (tmp_path / "lab" / "authority" / "ca-key.pem").read_bytes()
    assert "secret" not in repr({key: value for key, value in result.items() if key != "invocation"})


def test_an_empty_option_is_as_good_as_none(tmp_path: Path) -> None:
    options = (
        "fleet",
        "validity",
        "renew_before",
        "sign_command",
        "passphrase",
        "authority_certificate",
        "authority_key",
    )
    assert _run(tmp_path, clients=["ci"], **dict.fromkeys(options, ""))["changed"]
    assert not _run(tmp_path, clients=["ci"])["changed"]


def test_check_mode_makes_nothing(tmp_path: Path) -> None:
    assert _run(tmp_path / "fleets", check_mode=True, clients=["ci"])["changed"] is True
    assert not (tmp_path / "fleets").exists()


@pytest.mark.parametrize(
    ("arguments", "failure_key"),
    [
        ({"clients": ["../ci"]}, "invalid_name"),
        ({"fleet": "a/b"}, "invalid_name"),
        ({"servers": [{"name": "web1", "tls_sans": ["wéb1"]}]}, "invalid_name"),
        ({"passphrase": "given for a key that has none"}, "passphrase_unneeded"),
    ],
)
def test_a_failure_is_a_result_with_its_key(tmp_path: Path, arguments: dict[str, t.Any], failure_key: str) -> None:
    _run(tmp_path)
    result = _run(tmp_path, **arguments)
    assert result["failed"] is True
    assert result["failure"] == failure_key
    assert result["msg"]


@pytest.mark.parametrize(
    "arguments", [{"key_type": "dsa"}, {"clients": 5, "servers": "x"}, {"servers": [{}]}, {"unheard_of": 1}]
)
def test_arguments_that_do_not_fit_are_refused(tmp_path: Path, arguments: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleError):
        _run(tmp_path / "fleets", **arguments)
    assert not (tmp_path / "fleets").exists()


def test_a_rotation_is_finished_only_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(tmp_path, clients=["ci"])
    fleet, begun = Fleet(str(tmp_path), "default"), clock.now()
    begin(fleet, grace=datetime.timedelta(hours=1))
    waiting = _run(tmp_path, existing=True, finish_rotation=True)
    assert waiting["changed"] is False
    assert any("stays trusted until" in warning for warning in waiting["warnings"])
    monkeypatch.setattr(clock, "now", lambda: begun + datetime.timedelta(hours=2))
    assert _run(tmp_path, existing=True)["changed"] is False
    assert Fleet(str(tmp_path), "default").required_authority().phase == "overlap"
    predicted = _run(tmp_path, existing=True, finish_rotation=True, check_mode=True)
    done = _run(tmp_path, existing=True, finish_rotation=True)
    assert [done[key] for key in ("changed", "diff")] == [predicted[key] for key in ("changed", "diff")]
    assert done["changed"] is True
    assert Fleet(str(tmp_path), "default").required_authority().phase is None, "there is no daemon"
