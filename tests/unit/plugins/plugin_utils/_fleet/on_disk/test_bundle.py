# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bundles on the controller: whole or not at all, and closed to others."""

from __future__ import annotations

import os
import shutil
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.bundle import (
    PRIVATE,
    PUBLIC,
    make_private_folder,
    read_bundle,
    recover,
    replace_file,
    write_bundle,
)

Files = t.Dict[str, t.Tuple[bytes, int]]
OLD: Files = {"ca.pem": (b"old ca", PUBLIC), "cert.pem": (b"old cert", PUBLIC), "key.pem": (b"old key", PRIVATE)}
NEW: Files = {"ca.pem": (b"new ca", PUBLIC), "cert.pem": (b"new cert", PUBLIC), "key.pem": (b"new key", PRIVATE)}
RENEWED: Files = {**OLD, "cert.pem": (b"new cert", PUBLIC)}


def _contents(files: Files) -> dict[str, bytes]:
    return {name: content for name, (content, _mode) in files.items()}


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "clients" / "ci"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_bundle_is_closed_to_others_whatever_the_umask(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_bundle(folder, OLD)
        write_bundle(folder, NEW)
        write_bundle(folder, {**NEW, "key.pem": (b"third key", PRIVATE)})
    finally:
        os.umask(before)
    assert _mode(folder) == 0o700
    assert _mode(folder.parent) == 0o700
    assert {path.name: _mode(path) for path in folder.iterdir()} == {
        "ca.pem": 0o644,
        "cert.pem": 0o644,
        "key.pem": 0o600,
    }


@pytest.mark.parametrize("after", [NEW, RENEWED, OLD])
def test_a_bundle_holds_what_was_written_and_nothing_lies_beside_it(folder: Path, after: Files) -> None:
    write_bundle(folder, OLD)
    write_bundle(folder, after)
    assert read_bundle(folder, os.listdir(folder)) == _contents(after)
    assert _beside(folder) == []


def test_what_is_so_already_is_not_written_again(folder: Path) -> None:
    write_bundle(folder, OLD)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (folder, *folder.iterdir())}
    write_bundle(folder, OLD)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (folder, *folder.iterdir())} == before


def test_modes_that_drifted_are_mended(folder: Path) -> None:
    write_bundle(folder, OLD)
    (folder / "key.pem").chmod(0o644)
    (folder / "ca.pem").chmod(0o600)
    write_bundle(folder, OLD)
    assert (_mode(folder / "key.pem"), _mode(folder / "ca.pem")) == (0o600, 0o644)


def test_what_the_user_put_beside_our_files_stays(folder: Path) -> None:
    write_bundle(folder, OLD)
    (folder / "note.txt").write_text("mine")
    (folder / "note.txt").chmod(0o640)
    (folder / "more").mkdir()
    (folder / "more" / "deep").write_text("mine, too")
    (folder / "link").symlink_to("nowhere")
    write_bundle(folder, NEW)
    assert read_bundle(folder, NEW) == _contents(NEW)
    assert (folder / "note.txt").read_text() == "mine"
    assert _mode(folder / "note.txt") == 0o640
    assert (folder / "more" / "deep").read_text() == "mine, too"
    assert os.readlink(folder / "link") == "nowhere"


def test_reading_leaves_out_what_is_not_there(tmp_path: Path) -> None:
    assert read_bundle(tmp_path / "nowhere", ["ca.pem"]) == {}
    (tmp_path / "file").write_bytes(b"x")
    assert read_bundle(tmp_path / "file", ["ca.pem"]) == {}
    assert read_bundle(tmp_path, ["file", "other"]) == {"file": b"x"}


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"tmp": NEW}, None),
        ({"": OLD, "tmp": NEW}, OLD),
        ({"": OLD, "new": NEW}, NEW),
        ({"new": NEW, "old": OLD}, NEW),
        ({"": NEW, "old": OLD}, NEW),
        ({"": OLD, "new": NEW, "old": RENEWED}, NEW),
        ({"": OLD}, OLD),
        ({}, None),
    ],
    ids=lambda value: "+".join(suffix or "folder" for suffix in value) if isinstance(value, dict) else "",
)
def test_what_a_crash_left_is_finished_or_cleared_away(
    tmp_path: Path, present: dict[str, Files], expected: Files | None
) -> None:
    folder = tmp_path / "ci"
    for suffix, files in present.items():
        place = tmp_path / f".ci.{suffix}" if suffix else folder
        place.mkdir()
        for name, (content, _mode) in files.items():
            (place / name).write_bytes(content)
    recover(folder)
    assert read_bundle(folder, OLD) == ({} if expected is None else _contents(expected))
    assert _beside(folder) == []


class _Crash(BaseException):
    """What no handler on the way catches, as no handler catches a power cut."""


def _crashing(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Make the n-th change of a name on the disk the last thing that does not happen."""
    done = 0

    def wrap(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def counting(*args: t.Any, **kwargs: t.Any) -> t.Any:
            nonlocal done
            done += 1
            if done >= at:
                raise _Crash
            return function(*args, **kwargs)

        return counting

    for owner, name in ((os, "replace"), (os, "rename"), (Path, "rename"), (os, "fsync"), (shutil, "rmtree")):
        monkeypatch.setattr(owner, name, wrap(getattr(owner, name)))


@pytest.mark.parametrize("before", [None, OLD], ids=["first", "again"])
@pytest.mark.parametrize("after", [NEW, RENEWED], ids=["all files", "one file"])
def test_a_crash_at_any_moment_leaves_the_old_bundle_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Files | None, after: Files
) -> None:
    outcomes, crash_at, finished = set(), 0, False
    while not finished:
        crash_at += 1
        folder = tmp_path / str(crash_at) / "ci"
        if before is not None:
            write_bundle(folder, before)
        with monkeypatch.context() as patch:
            _crashing(patch, crash_at)
            try:
                write_bundle(folder, after)
                finished = True
            except _Crash:
                pass
        recover(folder)
        found = read_bundle(folder, OLD)
        assert found in (_contents(after), {} if before is None else _contents(before)), f"crash {crash_at}"
        assert _beside(folder) == []
        outcomes.add(tuple(sorted(found.items())))
        write_bundle(folder, after)
        assert read_bundle(folder, OLD) == _contents(after)
        assert _mode(folder / "key.pem") == 0o600
    assert crash_at > 3
    assert len(outcomes) == 2


def test_a_replaced_file_was_never_readable_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    fsync = os.fsync

    def looking(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", looking)
    (tmp_path / ".key.pem.tmp").write_bytes(b"left by a crash, readable")
    replace_file(tmp_path / "key.pem", b"key", PRIVATE)
    assert modes == [0o600]
    assert os.listdir(tmp_path) == ["key.pem"]


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure) as failure:
        make_private_folder(tmp_path / "file" / "below")
    assert failure.value.key == "fleets_dir_not_writable"
    assert str(tmp_path / "file" / "below") in str(failure.value)
