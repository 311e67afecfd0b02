# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin client_revocation, found and run as the task executor does it."""

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

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint import enforcement
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.verification import Verification
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings

MakeRecord = t.Callable[..., EndpointRecord]

PASSPHRASE = "correct-horse"


def _run(fleets_dir: Path, clients: list[str], *, check_mode: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
    """Run the task; a connection that is touched fails the test."""
    task = Task()
    task.args = {"fleets_dir": str(fleets_dir), "clients": clients, **arguments}
    task.check_mode = check_mode
    task.async_val = 0
    plugin = action_loader.get(
        "gangway.docker.client_revocation",
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


def _image(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    ensure_bundles(Fleet(str(tmp_path / "fleets"), "default"), ["alice", "bob"], [])
    return tmp_path / "fleets"


@pytest.fixture
def visit(fleets_dir: Path, make_record: MakeRecord) -> t.Callable[..., None]:
    """Note of a daemon that it has today's list, and whom it was seen turning away."""

    def note(name: str = "web1", **changes: t.Any) -> None:
        authority = Fleet(str(fleets_dir), "default").required_authority()
        record = make_record(name=name, trust=hashlib.sha256(authority.client_trust).hexdigest())
        write_record(fleets_dir / "default" / "endpoints", dataclasses.replace(record, **changes))

    return note


def test_a_client_is_revoked_once_and_all_endpoints_named(fleets_dir: Path, visit: t.Callable[..., None]) -> None:
    visit()
    visit("web2")
    first, second = (_run(fleets_dir, ["bob"]) for _unused in range(2))
    assert (first["changed"], first["revoked"], first["endpoints"]) == (True, ["bob"], ["web1", "web2"])
    assert (second["changed"], second["revoked"], second["endpoints"]) == (False, [], ["web1", "web2"])
    assert first["warnings"] == []
    assert not (fleets_dir / "default/clients/bob").exists()
    assert (fleets_dir / "default/revoked/bob/key.pem").is_file()


def test_check_mode_predicts_and_touches_nothing(fleets_dir: Path) -> None:
    before = _image(fleets_dir)
    predicted = _run(fleets_dir, ["bob"], check_mode=True)
    assert _image(fleets_dir) == before
    made = _run(fleets_dir, ["bob"])
    assert {key: predicted[key] for key in ("changed", "revoked", "endpoints")} == {
        key: made[key] for key in ("changed", "revoked", "endpoints")
    }


@pytest.fixture
def daemons(monkeypatch: pytest.MonkeyPatch) -> dict[str, Verification | Failure]:
    """What is seen at each endpoint."""
    seen: dict[str, Verification | Failure] = {}

    def verify(name: str, _url: str, client: Path, revoked: t.Mapping[str, Path]) -> Verification:
        assert (client / "key.pem").is_file()
        assert all((folder / "key.pem").is_file() for folder in revoked.values())
        found = seen[name]
        if isinstance(found, Failure):
            raise found
        return found

    monkeypatch.setattr(enforcement, "verify_endpoint", verify)
    return seen


def test_enforced_means_seen_now_at_every_endpoint(
    fleets_dir: Path, visit: t.Callable[..., None], daemons: dict[str, Verification | Failure]
) -> None:
    """Whatever the records say."""
    ensure_bundles(Fleet(str(fleets_dir), "default"), ["ci"], [])
    visit("old")
    _run(fleets_dir, ["alice", "bob"])
    for name in ("brought", "done", "down", "half", "snapshot"):
        visit(name, refused=["alice", "bob"], **({"trust": None} if name == "brought" else {}))
    daemons.update(
        old=Verification(None, ["alice", "bob"]),
        done=Verification(None, ["alice", "bob"]),
        down=Verification("no connection (timed out)"),
        half=Verification(None, ["bob"]),
        snapshot=Failure("revoked_client_let_in", thing="", reason="", cure=""),
    )
    before = _image(fleets_dir)
    for check_mode in (True, False):
        result = _run(fleets_dir, ["alice", "bob"], state="enforced", check_mode=check_mode)
        assert (result["failed"], result["failure"]) == (True, "revocation_incomplete")
        assert result["waiting"] == ["brought", "down", "half", "snapshot"]
        for said in (
            "snapshot still accepts them",
            "down was not seen refusing them: no connection (timed out)",
            "half did not refuse alice by a TLS alert",
            "brought accepts the clients of its own client_ca",
        ):
            assert said in result["msg"]
    assert _image(fleets_dir) == before


def test_enforced_is_a_result_where_all_turn_them_away(
    fleets_dir: Path, visit: t.Callable[..., None], daemons: dict[str, Verification | Failure]
) -> None:
    _run(fleets_dir, ["bob"])
    for name in ("web1", "web2"):
        visit(name)
        daemons[name] = Verification(None, ["bob"])
    result = _run(fleets_dir, ["bob"], state="enforced")
    assert (result["changed"], result["revoked"], result["endpoints"]) == (False, [], ["web1", "web2"])
    assert "failed" not in result


def test_without_a_client_to_compare_with_nothing_is_proved(
    fleets_dir: Path, visit: t.Callable[..., None], daemons: dict[str, Verification | Failure]
) -> None:
    _run(fleets_dir, ["alice", "bob"])
    visit(refused=["alice", "bob"])
    daemons["web1"] = Verification(None, ["alice", "bob"])
    result = _run(fleets_dir, ["bob"], state="enforced")
    assert (result["failure"], "refuses everybody" in result["msg"]) == ("revocation_incomplete", True)


def test_a_client_that_was_not_revoked_is_not_refused(
    fleets_dir: Path, visit: t.Callable[..., None], daemons: dict[str, Verification | Failure]
) -> None:
    visit(refused=["bob"])
    daemons["web1"] = Verification(None, [])
    result = _run(fleets_dir, ["bob"], state="enforced")
    assert (result["failure"], "no bundle of bob" in result["msg"]) == ("revocation_incomplete", True)


def test_a_fleet_without_endpoints_has_nothing_to_enforce(fleets_dir: Path) -> None:
    _run(fleets_dir, ["bob"])
    assert "failed" not in _run(fleets_dir, ["bob"], state="enforced")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("clients", "arguments", "failure_key"),
    [
        (["carol"], {}, "client_missing"),
        (["bob", "carol"], {}, "client_missing"),
        (["../bob"], {}, "invalid_name"),
        (["bob"], {"fleet": "other"}, "authority_missing"),
        (["bob"], {"fleet": "other", "state": "enforced"}, "authority_missing"),
        (["bob"], {"passphrase": "given for a key that has none"}, "passphrase_unneeded"),
    ],
)
def test_a_failure_is_a_result_with_its_key_and_changes_nothing(
    fleets_dir: Path, clients: list[str], arguments: dict[str, t.Any], failure_key: str, check_mode: bool
) -> None:
    before = {name: entry for name, entry in _image(fleets_dir).items() if not name.endswith(".lock")}
    result = _run(fleets_dir, clients, check_mode=check_mode, **arguments)
    assert (result["failed"], result["failure"]) == (True, failure_key)
    assert result["msg"]
    assert {name: entry for name, entry in _image(fleets_dir).items() if not name.endswith(".lock")} == before


def test_no_secret_is_told(tmp_path: Path) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default", Settings(passphrase=PASSPHRASE)), ["bob"], [])
    result = _run(tmp_path, ["bob"], passphrase=PASSPHRASE)
    assert result["revoked"] == ["bob"]
    told = repr({key: value for key, value in result.items() if key != "invocation"})
    assert PASSPHRASE not in told
    assert "PRIVATE KEY" not in told


@pytest.mark.parametrize("arguments", [{"state": "absent"}, {"unheard_of": 1}])
def test_arguments_that_do_not_fit_are_refused(fleets_dir: Path, arguments: dict[str, t.Any]) -> None:
    before = _image(fleets_dir)
    with pytest.raises(AnsibleError):
        _run(fleets_dir, ["bob"], **arguments)
    assert _image(fleets_dir) == before
