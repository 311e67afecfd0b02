# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's folder that others can change, or read keys in, is refused by path and with the cure."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet


@pytest.fixture
def fleets_dir(tmp_path: Path) -> Path:
    """The folder of a fleet with one client."""
    _run(tmp_path / "fleets")
    return tmp_path / "fleets"


def _run(fleets_dir: Path, *, check_mode: bool = False) -> None:
    ensure_bundles(Fleet(str(fleets_dir), "default", check_mode=check_mode), ["ci"], [])


def _open_up(fleets_dir: Path) -> None:
    """Let others enter, as in a checkout of a repository."""
    fleets_dir.chmod(0o755)
    (fleets_dir / "default").chmod(0o755)


def _give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    else:
        mine = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)


#: What is done to the folder of a fleet, the path that the failure names, and what its cure is.
LOOSE: list[tuple[t.Callable[[Path], object], str, str]] = [
    (lambda fleets_dir: fleets_dir.chmod(0o770), "", "chmod go-w"),
    (lambda fleets_dir: fleets_dir.chmod(0o702), "", "chmod go-w"),
    (lambda fleets_dir: (fleets_dir / "default").chmod(0o720), "default", "chmod go-w"),
    (
        lambda fleets_dir: (_open_up(fleets_dir), (fleets_dir / "default" / "clients").chmod(0o777)),
        "default/clients",
        "chmod go-w",
    ),
    (
        lambda fleets_dir: (
            _open_up(fleets_dir),
            (fleets_dir / "default" / "authority").chmod(0o755),
            (fleets_dir / "default" / "authority" / "ca.pem").chmod(0o664),
        ),
        "default/authority/ca.pem",
        "chmod go-w",
    ),
    (
        lambda fleets_dir: (
            _open_up(fleets_dir),
            (fleets_dir / "default" / "authority").chmod(0o755),
            (fleets_dir / "default" / "authority" / "ca-key.pem").chmod(0o640),
        ),
        "default/authority/ca-key.pem",
        "replace the key",
    ),
]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(("loosen", "place", "cure"), LOOSE, ids=range(len(LOOSE)))
def test_what_others_can_write_or_read_is_refused(
    fleets_dir: Path, loosen: t.Callable[[Path], object], place: str, cure: str, check_mode: bool
) -> None:
    loosen(fleets_dir)
    with pytest.raises(Failure) as failure:
        _run(fleets_dir, check_mode=check_mode)
    assert failure.value.key == "fleets_dir_unsafe"
    assert str(failure.value).startswith(f"{fleets_dir / place}: ")
    assert cure in str(failure.value)


def test_reading_the_authority_is_refused_as_well(fleets_dir: Path) -> None:
    """Planning reads it before anything is locked."""
    fleets_dir.chmod(0o777)
    with pytest.raises(Failure) as failure:
        Fleet(str(fleets_dir), "default").authority()
    assert failure.value.key == "fleets_dir_unsafe"


@pytest.mark.parametrize("place", ["", "default"])
def test_a_folder_of_somebody_else_is_refused(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    _give_away(fleets_dir / place, monkeypatch)
    with pytest.raises(Failure) as failure:
        _run(fleets_dir)
    assert failure.value.key == "fleets_dir_unsafe"
    assert "belongs to" in str(failure.value)
    assert "chown" in str(failure.value)


def test_a_link_of_somebody_else_is_refused(fleets_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o700)
    (shared / "default").symlink_to(fleets_dir / "default")
    _run(shared)
    _give_away(shared / "default", monkeypatch)
    with pytest.raises(Failure) as failure:
        _run(shared)
    assert failure.value.key == "fleets_dir_unsafe"


def test_a_folder_like_tmp_that_contains_the_fleet_is_fine(fleets_dir: Path) -> None:
    fleets_dir.chmod(0o1777)
    _run(fleets_dir)


def test_others_who_can_look_and_neither_write_nor_read_a_key_are_fine(fleets_dir: Path) -> None:
    _open_up(fleets_dir)
    for path in (fleets_dir / "default").rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    _run(fleets_dir)


def test_modes_below_a_folder_that_nobody_else_can_enter_are_put_right(fleets_dir: Path) -> None:
    key = fleets_dir / "default" / "clients" / "ci" / "key.pem"
    key.chmod(0o644)
    _run(fleets_dir)
    assert key.stat().st_mode & 0o777 == 0o600
