# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in the fleets' folders, damaged or not."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.folders import (
    FleetFiles,
    fleet_names,
    read_fleet,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock

MakeRecord = t.Callable[..., EndpointRecord]


@pytest.fixture
def fleet(tmp_path: Path, make_record: MakeRecord) -> Fleet:
    fleet = Fleet(str(tmp_path), "default")
    ensure_bundles(fleet, ["ci", "bob"], [])
    write_record(fleet.endpoints_folder, make_record())
    return Fleet(str(tmp_path), "default")


def _read(fleet: Fleet) -> FleetFiles:
    return read_fleet(fleet, clock.now())


def test_records_clients_and_the_authority_are_found(fleet: Fleet) -> None:
    files = _read(fleet)
    assert [record.name for record in files.records] == ["web1"]
    assert [(client.name, client.places) for client in files.clients] == [
        ("bob", ("controller",)),
        ("ci", ("controller",)),
    ]
    assert files.authority is not None
    assert not files.unreadable


def test_reading_changes_nothing(fleet: Fleet) -> None:
    def image() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in [fleet.folder, *fleet.folder.rglob("*")]}

    before = image()
    _read(fleet)
    assert image() == before


DAMAGES = {
    "no JSON": "{",
    "a list": "[]",
    "half of it": '{"name": "web2"}',
    "not text": "\udcff",
    "nested too deep": "[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_is_noted_and_the_others_are_read(fleet: Fleet, content: str) -> None:
    (fleet.endpoints_folder / "web2.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    files = _read(fleet)
    assert [record.name for record in files.records] == ["web1"]
    assert [(each.kind, each.name, each.failure.key) for each in files.unreadable] == [
        ("endpoint", "web2", "record_unreadable")
    ]


WRONG = {"url": 5, "allow": "10.0.0.0/8", "listen": [1], "tls": "no", "verified": "yes", "engine_version": 28}


@pytest.mark.parametrize(("field", "value"), WRONG.items(), ids=WRONG)
def test_a_field_of_another_type_makes_the_record_unreadable(
    fleet: Fleet, make_record: MakeRecord, field: str, value: t.Any
) -> None:
    content = {**dataclasses.asdict(make_record(name="web2")), field: value}
    (fleet.endpoints_folder / "web2.json").write_text(json.dumps(content))
    files = _read(fleet)
    assert [each.name for each in files.unreadable] == ["web2"]
    assert f"wrong: {field}" in str(files.unreadable[0].failure)


def test_a_record_under_another_name_is_not_believed(fleet: Fleet, make_record: MakeRecord) -> None:
    content = json.dumps(dataclasses.asdict(make_record(name="web1")))
    (fleet.endpoints_folder / "web9.json").write_text(content)
    assert [each.name for each in _read(fleet).unreadable] == ["web9"]


def test_a_damaged_authority_is_noted(fleet: Fleet) -> None:
    (fleet.authority_folder / "ca.pem").write_text("no certificate")
    files = _read(fleet)
    assert files.authority is None
    assert [each.kind for each in files.unreadable] == ["authority"]
    assert [record.name for record in files.records] == ["web1"]


def test_a_client_without_a_certificate_is_noted(fleet: Fleet) -> None:
    (fleet.client_folder("ci") / "cert.pem").write_text("no certificate")
    files = _read(fleet)
    assert [(each.kind, each.name) for each in files.unreadable] == [("client", "ci")]


def test_all_fleets_are_found_and_nothing_else(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "endpoints").mkdir(parents=True)
    (tmp_path / ".hidden" / "endpoints").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    assert fleet_names(tmp_path) == ["default", "other"]
    assert fleet_names(tmp_path / "missing") == []


def test_a_fleet_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        _read(Fleet(str(tmp_path), "nosuch"))
    assert caught.value.key == "fleet_missing"
