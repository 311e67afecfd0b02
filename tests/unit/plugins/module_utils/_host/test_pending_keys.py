# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that wait on the host for their certificates."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import pending_keys
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layout, "PENDING_KEYS", str(tmp_path / "keys"))
    return tmp_path / "keys"


def _make(path: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, b"a key")
    os.close(descriptor)


def test_a_key_is_made_read_and_dropped(folder: Path) -> None:
    path = pending_keys.make("run1", _make)
    assert path == str(folder / "run1.pem")
    assert pending_keys.read("run1") == b"a key"
    assert (folder.stat().st_mode & 0o777, Path(path).stat().st_mode & 0o777) == (0o700, 0o600)
    pending_keys.drop("run1")
    assert not folder.exists()
    with pytest.raises(Failure) as caught:
        pending_keys.read("run1")
    assert caught.value.key == "pending_key_missing"


def test_a_key_is_made_once_under_each_name(folder: Path) -> None:
    pending_keys.make("run1", _make)
    pending_keys.make("run1", pytest.fail)
    pending_keys.make("run2", _make)
    pending_keys.drop("run1")
    assert [path.name for path in folder.iterdir()] == ["run2.pem"]


def test_a_failure_leaves_nothing(folder: Path) -> None:
    def fail(path: str) -> None:
        _make(path)
        raise Failure("openssl_failed", thing="openssl", reason="no", cure="Run again")

    with pytest.raises(Failure):
        pending_keys.make("run1", fail)
    assert not folder.exists()


def test_keys_that_nobody_waits_for_go(folder: Path) -> None:
    path = pending_keys.make("old", _make)
    os.utime(path, (time.time() - 700,) * 2)
    pending_keys.make("new", _make)
    assert [path.name for path in folder.iterdir()] == ["new.pem"]


@pytest.mark.parametrize("name", ["", "../key", "a/b", ".hidden", "x" * 65, "a\n", "-rf"])
def test_no_other_file_is_reached_by_a_name(name: str) -> None:
    with pytest.raises(Failure) as caught:
        pending_keys.read(name)
    assert caught.value.key == "pending_key_name"
