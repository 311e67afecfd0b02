# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that wait for their certificates: private, named, and gone afterwards."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.pending_key import (
    drop_pending_key,
    make_pending_key,
    read_pending_key,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.fixture(autouse=True)
def pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(layout, "PENDING", str(tmp_path / "pending"))
    monkeypatch.setattr(layout, "KEY", str(tmp_path / "key.pem"))
    return tmp_path / "pending"


def _make_key(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    Path(path).write_text("new")


def _make(*, reuse: bool = False, make_request: t.Callable[[str], str] = lambda path: "csr") -> str:
    return make_pending_key(_make_key, make_request, reuse=reuse)["pending"]


def test_two_runs_have_a_key_each_and_leave_no_folder(pending: Path) -> None:
    first, second = _make(), _make()
    assert first != second
    drop_pending_key(first)
    assert read_pending_key(second) == b"new"
    drop_pending_key(second)
    assert not pending.exists()


def test_the_key_in_place_is_copied_and_stays_private(pending: Path) -> None:
    Path(layout.KEY).write_text("old")
    name = _make(reuse=True)
    assert read_pending_key(name) == b"old"
    assert (pending / f"{name}.pem").stat().st_mode & 0o777 == 0o600
    assert pending.stat().st_mode & 0o777 == 0o700


def test_a_request_that_fails_leaves_no_key(pending: Path) -> None:
    def fail(_path: str) -> str:
        raise Failure("openssl_failed", thing="openssl", reason="no", cure="none")

    with pytest.raises(Failure):
        _make(make_request=fail)
    assert not pending.exists()


def test_a_key_that_is_gone_is_said_so() -> None:
    with pytest.raises(Failure) as failure:
        read_pending_key("0123456789abcdef")
    assert failure.value.key == "pending_key_missing"


def test_a_key_that_nobody_came_back_for_goes_with_the_next(pending: Path) -> None:
    stale = _make()
    os.utime(pending / f"{stale}.pem", (0, 0))
    fresh = _make()
    assert [path.stem for path in pending.iterdir()] == [fresh]
