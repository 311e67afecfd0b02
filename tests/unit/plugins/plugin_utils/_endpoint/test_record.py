# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint records: what is written reads back, whatever a host is called."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    read_record,
    read_records,
    record_path,
    remove_record,
    write_record,
)

MakeRecord = t.Callable[..., EndpointRecord]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"verified": None, "engine_version": None},
        {"verified": False},
        {"engine": "Podman Engine", "engine_version": "5.4.2"},
        {"server_names": []},
        {"name": "wéb 1"},
        {"tls": False, "certificate": "", "issuer": None, "trust": None},
        {"interfaces": ["eth1"], "options": {"listen": ["eth1:2376"], "live_restore": False}},
    ],
)
def test_what_is_written_reads_back(tmp_path: Path, make_record: MakeRecord, changes: dict[str, t.Any]) -> None:
    record = make_record(**changes)
    write_record(tmp_path / "endpoints", record)
    assert read_record(tmp_path / "endpoints", record.name) == record


@pytest.mark.parametrize(
    "name", ["web1", "a/b", "../../etc/passwd", "..", ".", "wéb 1", "a:b", "host[0]", "%2e", "a\\b", "~", "ops@web1"]
)
def test_a_host_of_any_name_has_a_file_of_its_own_in_the_folder(
    tmp_path: Path, make_record: MakeRecord, name: str
) -> None:
    folder = tmp_path / "endpoints"
    write_record(folder, make_record())
    write_record(folder, make_record(name=name, url="tcp://other:2376"))
    assert record_path(folder, name).parent == folder
    read = read_record(folder, name)
    assert read is not None
    assert (read.name, read.url) == (name, "tcp://other:2376")
    assert len(os.listdir(folder)) == (1 if name == "web1" else 2)
    assert [path.name for path in tmp_path.iterdir()] == ["endpoints"]


def test_names_that_differ_in_escapes_alone_do_not_meet() -> None:
    names = ["a/b", "a%2Fb", "a%2fb", "a b", "a+b", "a%20b"]
    assert len({record_path(Path("/x"), name) for name in names}) == len(names)


def test_there_is_no_record_of_a_host_that_was_not_exposed(tmp_path: Path) -> None:
    assert read_record(tmp_path, "web1") is None
    assert read_record(tmp_path / "nowhere", "web1") is None
    (tmp_path / "file").touch()
    assert read_record(tmp_path / "file", "web1") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"name": "web1"}', "\x00"])
def test_what_is_no_record_is_refused_with_its_path(tmp_path: Path, content: str) -> None:
    record_path(tmp_path, "web1").write_text(content)
    with pytest.raises(Failure) as failure:
        read_record(tmp_path, "web1")
    assert failure.value.key == "record_unreadable"
    assert str(tmp_path / "web1.json") in str(failure.value)


def test_a_record_that_is_no_text_is_refused(tmp_path: Path) -> None:
    record_path(tmp_path, "web1").write_bytes(b"\xff\xfe")
    with pytest.raises(Failure) as failure:
        read_record(tmp_path, "web1")
    assert failure.value.key == "record_unreadable"


def test_fields_of_a_later_release_are_passed_over(tmp_path: Path, record: EndpointRecord) -> None:
    write_record(tmp_path, record)
    path = record_path(tmp_path, "web1")
    path.write_text(json.dumps({**json.loads(path.read_text()), "of_a_later_release": 1}))
    assert read_record(tmp_path, "web1") == record


def test_fields_that_an_earlier_release_did_not_write_have_their_defaults(
    tmp_path: Path, record: EndpointRecord
) -> None:
    write_record(tmp_path, dataclasses.replace(record, tls=False, interfaces=["eth1"], options={"listen": ["eth1"]}))
    path = record_path(tmp_path, "web1")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in content.items() if k not in ("tls", "interfaces", "options")}))
    assert read_record(tmp_path, "web1") == record
    assert (record.tls, record.interfaces, record.options) == (True, [], {})


def test_daemons_without_tls_are_listed_where_they_are_asked_for(tmp_path: Path, make_record: MakeRecord) -> None:
    for name, tls in (("web1", True), ("lab", False), ("web2", True)):
        write_record(tmp_path, make_record(name=name, tls=tls))
    assert [record.name for record in read_records(tmp_path)] == ["web1", "web2"]
    assert [record.name for record in read_records(tmp_path, plain=True)] == ["lab", "web1", "web2"]


def test_a_record_is_written_whole_or_not_at_all(
    tmp_path: Path, record: EndpointRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(tmp_path, record)

    def power_cut(_descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", power_cut)
        with pytest.raises(KeyboardInterrupt):
            write_record(tmp_path, dataclasses.replace(record, url="tcp://new:2376"))
    assert read_record(tmp_path, "web1") == record


def test_what_is_so_already_is_not_written_again(tmp_path: Path, record: EndpointRecord) -> None:
    write_record(tmp_path, record)
    before = record_path(tmp_path, "web1").stat()
    write_record(tmp_path, record)
    after = record_path(tmp_path, "web1").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    write_record(tmp_path, dataclasses.replace(record, verified=False))
    assert read_record(tmp_path, "web1") == dataclasses.replace(record, verified=False)
    assert os.listdir(tmp_path) == ["web1.json"]


def test_removing_is_done_once_and_again(tmp_path: Path, record: EndpointRecord) -> None:
    write_record(tmp_path, record)
    remove_record(tmp_path, "web1")
    remove_record(tmp_path, "web1")
    assert read_record(tmp_path, "web1") is None


def test_facts_are_the_record_without_the_certificate(record: EndpointRecord) -> None:
    facts = record.as_facts()
    assert facts.keys() == {field.name for field in dataclasses.fields(record)} - {"certificate"}
    assert facts["url"] == "tcp://10.0.0.5:2376"
