# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin authority_rotation, found and run as the task executor does it."""

from __future__ import annotations

import dataclasses
import hashlib
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
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.authority import Authority
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint

MakeRecord = t.Callable[..., EndpointRecord]

PASSPHRASE = "correct-horse"


def _run(fleets_dir: Path, step: str, *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
    """Run the task; a connection that is touched fails the test."""
    task = Task()
    task.args = {"fleets_dir": str(fleets_dir), "step": step, **arguments}
    task.check_mode = check_mode
    task.async_val = 0
    plugin = action_loader.get(
        "gangway.docker.authority_rotation",
        task=task,
        connection=mock.Mock(spec_set=["_shell", "transport"]),
        play_context=mock.Mock(),
        loader=DataLoader(),
        templar=mock.Mock(),
        shared_loader_obj=None,
    )
    with mock.patch.object(type(plugin), "_execute_module", side_effect=AssertionError("no module is to be run")):
        result: dict[str, t.Any] = plugin.run(task_vars={})
    return result


def _authority(fleets_dir: Path) -> Authority:
    return Fleet(str(fleets_dir), "default").required_authority()


def _image(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    ensure_bundles(Fleet(str(tmp_path / "fleets"), "default"), ["ci"], [{"name": "web1", "tls_sans": []}])
    return tmp_path / "fleets"


@pytest.fixture
def visit(fleets_dir: Path, make_record: MakeRecord) -> t.Callable[..., None]:
    """Note of a daemon that it was given what the fleet has, and was seen working."""

    def note(name: str = "web1", **changes: t.Any) -> None:
        authority = _authority(fleets_dir)
        trust = hashlib.sha256(authority.client_trust).hexdigest()
        record = make_record(name=name, issuer=fingerprint(authority.certificate), trust=trust, verified=True)
        write_record(fleets_dir / "default" / "endpoints", dataclasses.replace(record, **changes))

    return note


def test_a_rotation_from_begin_to_end_each_step_once(fleets_dir: Path, visit: t.Callable[..., None]) -> None:
    old = fingerprint(_authority(fleets_dir).certificate)
    visit()
    results = {}
    for step, phase in (("begin", "overlap"), ("drop", "dropping"), ("end", "")):
        visit()
        first = results[step] = _run(fleets_dir, step)
        assert (first["changed"], first["phase"]) == (True, phase), step
        visit()
        if step != "end":
            again = _run(fleets_dir, step)
            assert (again["changed"], again["phase"], again["diff"]) == (False, phase, []), step
    new = fingerprint(_authority(fleets_dir).certificate)
    assert {result["fingerprint"] for result in results.values()} == {new} != {old}
    assert [(i["kind"], i["name"], i["reason"]) for i in results["begin"]["identities"]] == [
        ("client", "ci", "another authority"),
        ("server", "web1", "another authority"),
    ]
    assert len(results["begin"]["diff"]) == 2
    assert [i["reason"] for i in results["drop"]["identities"]] == [
        "ca.pem is not as it was; cert.pem is not as it was"
    ] * 2
    assert results["end"]["identities"] == []
    assert _run(fleets_dir, "end")["changed"] is False


def test_a_step_out_of_turn_changes_nothing_and_says_so(fleets_dir: Path) -> None:
    for step in ("drop", "end"):
        assert (_run(fleets_dir, step)["changed"], _run(fleets_dir, step)["phase"]) == (False, "")
    _run(fleets_dir, "begin")
    result = _run(fleets_dir, "end")
    assert (result["changed"], result["phase"]) == (False, "overlap")


def test_check_mode_predicts_each_step_and_touches_nothing(fleets_dir: Path) -> None:
    for step in ("begin", "drop", "end"):
        before = _image(fleets_dir)
        predicted = _run(fleets_dir, step, check_mode=True)
        assert _image(fleets_dir) == before
        made = _run(fleets_dir, step)
        for key in ("changed", "phase", "diff", "warnings"):
            assert predicted[key] == made[key], (step, key)
        if step == "begin":
            assert "fingerprint" not in predicted, "nobody knows yet"
        else:
            assert predicted["fingerprint"] == made["fingerprint"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [({"issuer": "ab" * 32}, ["web2"]), ({"verified": False}, ["web2"]), ({"issuer": None}, [])],
)
def test_drop_waits_for_the_endpoints_by_their_records(
    fleets_dir: Path, visit: t.Callable[..., None], changes: dict[str, t.Any], names: list[str]
) -> None:
    _run(fleets_dir, "begin")
    visit()
    visit("web2", **changes)
    result = _run(fleets_dir, "drop")
    if not names:
        assert result["changed"] is True
        return
    assert (result["failed"], result["failure"], result["waiting"]) == (True, "rotation_unfinished", names)
    assert "rotate_leave_behind" in result["msg"]
    assert _run(fleets_dir, "drop", leave_behind=["web2"])["phase"] == "dropping"


def test_end_waits_for_the_endpoints_by_their_records(fleets_dir: Path, visit: t.Callable[..., None]) -> None:
    _run(fleets_dir, "begin")
    visit()
    _run(fleets_dir, "drop")
    result = _run(fleets_dir, "end")
    assert (result["failure"], result["waiting"]) == ("rotation_unfinished", ["web1"])
    assert _run(fleets_dir, "end", check_mode=True)["failure"] == "rotation_unfinished"
    visit()
    assert _run(fleets_dir, "end")["phase"] == ""


def test_a_grace_is_kept_told_and_changed(fleets_dir: Path, visit: t.Callable[..., None]) -> None:
    for check_mode in (True, False):
        begun = _run(fleets_dir, "begin", grace="7d", check_mode=check_mode)
        assert (begun["changed"], begun["phase"], "trusted_until" in begun) == (True, "overlap", True)
    visit()
    for step in ("begin", "drop", "end"):
        result = _run(fleets_dir, step)
        assert (result["changed"], result["phase"]) == (False, "overlap"), step
        assert result["trusted_until"] == begun["trusted_until"]
        assert any("stays trusted until" in warning for warning in result["warnings"]) == (step == "drop")
    for check_mode in (True, False):
        ended = _run(fleets_dir, "begin", grace="0", check_mode=check_mode)
        assert (ended["changed"], "trusted_until" in ended) == (True, False)
    assert _run(fleets_dir, "drop")["phase"] == "dropping"
    assert _run(fleets_dir, "begin", grace="soon")["failure"] == "invalid_grace"


def test_options_reach_what_is_made(fleets_dir: Path) -> None:
    _run(fleets_dir, "begin", authority_key_type="ecdsa_p384", authority_validity=20, passphrase=None)
    result = _run(fleets_dir, "begin")
    authority = _authority(fleets_dir)
    assert authority.certificate.public_key().key_size == 384  # type: ignore[union-attr]
    assert result["not_after"] == authority.certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_no_secret_is_told(tmp_path: Path) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default", Settings(passphrase=PASSPHRASE)), ["ci"], [])
    result = _run(tmp_path, "begin", passphrase=PASSPHRASE)
    assert result["changed"] is True
    told = repr({key: value for key, value in result.items() if key != "invocation"})
    assert PASSPHRASE not in told
    assert "PRIVATE KEY" not in told


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_failure_is_a_result_with_its_key_and_changes_nothing(tmp_path: Path, check_mode: bool) -> None:
    assert _run(tmp_path / "none", "begin", check_mode=check_mode)["failure"] == "authority_missing"
    ensure_bundles(Fleet(str(tmp_path), "default", Settings(passphrase=PASSPHRASE)), ["ci"], [])
    before = _image(tmp_path)
    result = _run(tmp_path, "begin", passphrase="wrong", check_mode=check_mode)
    assert (result["failed"], result["failure"]) == (True, "passphrase_wrong")
    assert _image(tmp_path) == before


@pytest.mark.parametrize("arguments", [{"step": "undo"}, {"step": "begin", "unheard_of": 1}, {"step": None}])
def test_arguments_that_do_not_fit_are_refused(fleets_dir: Path, arguments: dict[str, t.Any]) -> None:
    before = _image(fleets_dir)
    with pytest.raises(AnsibleError):
        _run(fleets_dir, **arguments)
    assert _image(fleets_dir) == before
