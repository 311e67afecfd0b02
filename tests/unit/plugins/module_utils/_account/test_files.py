# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing files: each in one step, none of them seen by others, and no link followed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._account import files
from ansible_collections.gangway.docker.plugins.module_utils._account.account import Account
from ansible_collections.gangway.docker.plugins.module_utils._account.changes import Wanted
from ansible_collections.gangway.docker.plugins.module_utils._account.files import (
    make_folder,
    observe,
    remove_folder,
    replace_files,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account("me", os.geteuid(), os.getegid(), str(tmp_path))


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path, account: Account) -> None:
    target, link = tmp_path / "target", tmp_path / "cert.pem"
    target.write_text("theirs")
    link.symlink_to(target)
    found = observe([str(link)], [])[str(link)]
    assert (found.kind, found.content) == ("other", None)
    (tmp_path / ".cert.pem.gangway-new").symlink_to(target)
    replace_files({str(link): Wanted(b"ours")}, account.gid, None)
    assert target.read_text() == "theirs"
    assert not link.is_symlink()
    assert link.read_text() == "ours"
    assert stat.S_IMODE(link.stat().st_mode) == 0o644


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key.pem")
    assert observe([str(tmp_path / "key.pem")], [])[str(tmp_path / "key.pem")].kind == "other"


def test_nothing_is_in_place_before_all_is_written(tmp_path: Path, account: Account) -> None:
    (tmp_path / "ca.pem").write_text("old")
    wanted = {str(tmp_path / "ca.pem"): Wanted(b"new"), str(tmp_path / "missing" / "key.pem"): Wanted(b"new", 0o600)}
    with pytest.raises(FileNotFoundError):
        replace_files(wanted, account.gid, None)
    assert (tmp_path / "ca.pem").read_text() == "old"
    assert os.listdir(tmp_path) == ["ca.pem"]


def test_a_certificate_is_not_put_in_place_without_its_key(tmp_path: Path, account: Account) -> None:
    pair = (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    with pytest.raises(Failure) as error:
        replace_files({path: Wanted(b"junk") for path in pair}, account.gid, pair)
    assert error.value.key == "bundle_mismatch"
    assert os.listdir(tmp_path) == []


def test_the_mode_is_right_whatever_the_umask(tmp_path: Path, account: Account) -> None:
    before = os.umask(0)
    try:
        make_folder(str(tmp_path / "folder"), account)
        replace_files({str(tmp_path / "folder" / "key.pem"): Wanted(b"k", 0o600)}, account.gid, None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "folder" / "key.pem").stat().st_mode) == 0o600


def test_a_folder_that_is_not_empty_stays(tmp_path: Path, account: Account) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_folder(str(tmp_path / "a"), account)
    assert (tmp_path / "a" / "b").is_dir()
    remove_folder(str(tmp_path / "a" / "b"), account)
    remove_folder(str(tmp_path / "a" / "b"), account)
    assert not (tmp_path / "a" / "b").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_root_follows_no_link_of_the_users(tmp_path: Path) -> None:
    """Where a folder can't be made with the user's rights, root helps only where nobody but root has been."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/tmp") and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    roots, own = tmp_path / "roots", tmp_path / "own"
    roots.mkdir(mode=0o755)
    own.mkdir()
    os.chown(own, 65534, 65534)
    (own / "link").symlink_to(roots)
    account = Account("nobody", 65534, 65534, str(own))
    with account.rights():
        assert os.geteuid() == 65534
        make_folder(f"{own}/mine", account)
        with pytest.raises(PermissionError):
            make_folder(f"{own}/link/trap", account)
        with pytest.raises(PermissionError):
            # pytest's folders are below /tmp, where everybody may write.
            make_folder(f"{roots}/other", account)
    assert os.geteuid() == 0
    assert os.listdir(roots) == []
    assert (own / "mine").stat().st_uid == 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_root_helps_where_only_root_has_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a host, /etc or /opt is such a folder; here, its place is told by hand."""
    roots = tmp_path / "roots"
    roots.mkdir(mode=0o755)

    def opened(path: str) -> object:
        return _Opened(path)

    monkeypatch.setattr(files, "_roots_own_folder", opened)
    account = Account("nobody", 65534, 65534, "/")
    for folder in (tmp_path, *tmp_path.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    (roots / "theirs").mkdir()
    with account.rights():
        make_folder(f"{roots}/ci", account)
        remove_folder(f"{roots}/theirs", account)
    assert ((roots / "ci").stat().st_uid, (roots / "ci").stat().st_gid) == (65534, 65534)
    assert (roots / "theirs").is_dir(), "it is not the user's"
    with account.rights():
        remove_folder(f"{roots}/ci", account)
    assert not (roots / "ci").exists()


class _Opened:
    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> int:
        self.descriptor = os.open(self.path, os.O_RDONLY)
        return self.descriptor

    def __exit__(self, *_unused: object) -> None:
        os.close(self.descriptor)
