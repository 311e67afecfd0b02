# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many new bundles at once: one sync for all of them, and as safe as one by one. Killed writers: test_killed.py."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk import bundle, disk

FILES = {
    "ca.pem": (b"ca", bundle.PUBLIC),
    "cert.pem": (b"cert", bundle.PUBLIC),
    "key.pem": (b"key", bundle.PRIVATE),
}
CONTENTS = {name: content for name, (content, _mode) in FILES.items()}


@pytest.fixture(autouse=True)
def _three_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_MANY", 3)


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [tmp_path / parent / name for parent in ("clients", "servers") for name in ("a", "b")]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reaches the disk, in its order, by the names of files and folders."""
    heard: list[str] = []

    def listen(owner: t.Any, name: str, tell: t.Callable[..., str]) -> None:
        function = getattr(owner, name)

        def telling(*args: t.Any, **kwargs: t.Any) -> t.Any:
            heard.append(tell(*args))
            return function(*args, **kwargs)

        monkeypatch.setattr(owner, name, telling)

    def opened(descriptor: int) -> str:
        return os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))

    listen(os, "write", lambda descriptor, _content: f"write {opened(descriptor)}")
    listen(os, "fsync", lambda descriptor: f"sync {opened(descriptor)}")
    listen(os, "rename", lambda _source, target: f"name {os.path.basename(target)}")
    listen(disk, "_SYNCFS", lambda descriptor: f"sync all of {opened(descriptor)}")
    return heard


def _is_whole(folder: Path) -> bool:
    return bundle.read_bundle(folder, os.listdir(folder)) == CONTENTS


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_they_are_whole_and_closed_to_others_whatever_the_umask(folders: list[Path], umask: int) -> None:
    before = os.umask(umask)
    try:
        bundle.write_bundles(dict.fromkeys(folders, FILES))
    finally:
        os.umask(before)
    for folder in folders:
        assert _is_whole(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
            "ca.pem": 0o644,
            "cert.pem": 0o644,
            "key.pem": 0o600,
        }
        assert sorted(os.listdir(folder.parent)) == ["a", "b"]


def test_a_key_is_closed_to_others_before_it_is_written(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    modes: set[int] = set()
    write = os.write

    def looking(descriptor: int, content: bytes) -> int:
        if content == b"key":
            modes.add(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", looking)
    bundle.write_bundles(dict.fromkeys(folders, FILES))
    assert modes == {0o600}


def test_what_takes_several_writes_is_written_whole(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:1]))
    bundle.write_bundles(dict.fromkeys(folders, FILES))
    assert all(_is_whole(folder) for folder in folders)


def test_none_has_its_name_before_the_disk_holds_it_and_all_have_it_for_good_in_the_end(
    folders: list[Path], events: list[str]
) -> None:
    bundle.write_bundles(dict.fromkeys(folders, FILES))
    kinds = [event if event.startswith("sync") else event.split()[0] for event in events]
    written, named = len(folders) * len(FILES), len(folders)
    assert kinds[:written] == ["write"] * written
    assert sorted(kinds[written : written + 2]) == ["sync all of clients", "sync all of servers"]
    assert kinds[written + 2 : -2] == ["name"] * named
    assert sorted(kinds[-2:]) == ["sync clients", "sync servers"]


def test_where_the_disk_fails_none_has_its_name(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_descriptor: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    with monkeypatch.context() as patch:
        patch.setattr(disk, "_SYNCFS", failing)
        with pytest.raises(OSError, match="synced") as error:
            bundle.write_bundles(dict.fromkeys(folders, FILES))
    assert error.value.errno == errno.EIO
    assert not any(folder.exists() for folder in folders)
    bundle.write_bundles(dict.fromkeys(folders, FILES))
    assert all(_is_whole(folder) for folder in folders)


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_few_or_without_syncfs_each_is_synced_by_itself(
    folders: list[Path], events: list[str], monkeypatch: pytest.MonkeyPatch, has_syncfs: bool
) -> None:
    if not has_syncfs:
        monkeypatch.setattr(disk, "_SYNCFS", None)
    few = folders[:2] if has_syncfs else folders
    bundle.write_bundles(dict.fromkeys(few, FILES))
    assert all(_is_whole(folder) for folder in few)
    assert [event for event in events if event.startswith("sync all")] == []
    assert events.count("sync key.pem") == len(few)


def test_those_that_are_there_keep_what_the_user_put_beside_our_files(folders: list[Path]) -> None:
    folders[0].mkdir(parents=True)
    (folders[0] / "cert.pem").write_bytes(b"old cert")
    (folders[0] / "note.txt").write_text("mine")
    bundle.write_bundles(dict.fromkeys(folders, FILES))
    assert bundle.read_bundle(folders[0], os.listdir(folders[0])) == {**CONTENTS, "note.txt": b"mine"}
    assert all(_is_whole(folder) for folder in folders[1:])


def test_what_a_crash_left_beside_them_is_in_nobody_s_way(folders: list[Path]) -> None:
    for suffix, folder in zip(("tmp", "new", "old"), folders):
        left = folder.with_name(f".{folder.name}.{suffix}")
        left.mkdir(parents=True)
        (left / "key.pem").write_bytes(b"key of another")
    bundle.write_bundles(dict.fromkeys(folders, FILES))
    assert all(_is_whole(folder) for folder in folders)
    assert [sorted(os.listdir(folder.parent)) for folder in folders] == [["a", "b"]] * 4


def test_clients_are_noted_for_good_before_any_of_their_bundles_has_its_name(tmp_path: Path, events: list[str]) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), [], [])
    events.clear()
    ensure_bundles(Fleet(str(tmp_path), "default"), ["a", "b", "c"], [])
    names = [event for event in events if not event.startswith("write")]
    assert names[0] == "sync all of issued"
    assert [event.endswith(".pem") for event in names[1:4]] == [True] * 3
    assert names[4:] == ["sync issued", "sync all of clients", "name a", "name b", "name c", "sync clients"]
    assert len(list((tmp_path / "default" / "issued").iterdir())) == 3


def test_one_that_is_named_twice_in_a_call_becomes_what_was_asked_last(tmp_path: Path) -> None:
    servers = [{"name": name, "tls_sans": [name]} for name in ("a", "b", "c")] + [{"name": "a", "tls_sans": ["other"]}]
    result = ensure_bundles(Fleet(str(tmp_path), "default"), [], servers)
    assert [identity["reason"] for identity in result["identities"]] == [
        "missing",
        "missing",
        "missing",
        "lacks other and contains a, which is no longer requested",
    ]
    assert not ensure_bundles(Fleet(str(tmp_path), "default"), [], servers[1:])["changed"]
