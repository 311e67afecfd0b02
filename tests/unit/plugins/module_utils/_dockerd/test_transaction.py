# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transactions: whatever was done to files goes back, in this process or in the next one."""

from __future__ import annotations

import os
import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Attributes, Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.transaction import Transaction


@dataclass
class Tree:
    """A host's file system below a folder of the test's."""

    root: Path
    host: Host

    def path(self, name: str) -> str:
        return str(self.root / name)

    def image(self) -> dict[str, tuple[int, bytes | None]]:
        """Everything that is there: modes, and what files hold."""
        return {
            str(p.relative_to(self.root)): (p.lstat().st_mode, p.read_bytes() if p.is_file() else None)
            for p in self.root.rglob("*")
        }


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A host whose paths lie in a folder of the test's, for any user to write to."""
    for name, path in {
        "DAEMON_JSON": "etc/docker/daemon.json",
        "BUNDLE": "etc/docker/gangway",
        "STATE": "var/lib/gangway-docker",
        "GUARD": "var/lib/gangway-docker/guard",
        "JOURNAL": "var/lib/gangway-docker/journal.json",
    }.items():
        monkeypatch.setattr(layout, name, str(tmp_path / path))
    monkeypatch.setattr(layout, "FOLDERS", {layout.STATE: 0o700, layout.GUARD: 0o700, layout.BUNDLE: 0o700})
    # Who owns a file is root's to say, and these tests run as anyone.
    monkeypatch.setattr(os, "fchown", lambda _descriptor, _uid, _gid: None)
    monkeypatch.setattr(os, "chown", lambda _path, _uid, _gid: None)
    for folder in ("etc/docker", "var/lib"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "theirs").touch()
    daemon_json = tmp_path / "etc/docker/daemon.json"
    daemon_json.write_bytes(b'{"mtu": 1400}\n')
    daemon_json.chmod(0o640)

    def no_command(_words: t.Sequence[str]) -> tuple[int, str, str]:
        raise AssertionError("a transaction runs no command")

    return Tree(tmp_path, Host(no_command))


def _expose(tree: Tree, transaction: Transaction) -> None:
    """All kinds of changes."""
    transaction.make_folder(layout.STATE)
    transaction.make_folder(layout.GUARD)
    transaction.make_folder(layout.BUNDLE)
    transaction.write(f"{layout.BUNDLE}/key.pem", b"key", Attributes(0o400))
    transaction.write(layout.DAEMON_JSON, b"{}\n", Attributes(0o644))
    transaction.write(layout.DAEMON_JSON, b'{"again": 1}\n', Attributes(0o600))
    transaction.make_folder(tree.path("etc/systemd/system/docker.service.d"))
    transaction.write(tree.path("etc/systemd/system/docker.service.d/50.conf"), b"[Unit]\n", Attributes(0o644))
    transaction.write(f"{layout.GUARD}/__main__.py", b"pass\n", Attributes(0o644))


def test_files_are_written_with_their_modes(tree: Tree) -> None:
    _expose(tree, Transaction(tree.host))
    assert Path(layout.DAEMON_JSON).read_bytes() == b'{"again": 1}\n'
    assert os.stat(layout.DAEMON_JSON).st_mode & 0o7777 == 0o600
    assert os.stat(f"{layout.BUNDLE}/key.pem").st_mode & 0o7777 == 0o400
    assert os.stat(layout.BUNDLE).st_mode & 0o7777 == 0o700
    assert os.stat(tree.path("etc/systemd/system")).st_mode & 0o7777 == 0o755


def test_rolling_back_leaves_the_host_as_it_was(tree: Tree) -> None:
    before = tree.image()
    transaction = Transaction(tree.host)
    _expose(tree, transaction)
    transaction.remove(layout.DAEMON_JSON)
    transaction.roll_back()
    transaction.commit()
    transaction.forget_state()
    assert tree.image() == before


def test_the_next_process_can_roll_back_what_a_killed_one_did(tree: Tree) -> None:
    before = tree.image()
    _expose(tree, Transaction(tree.host))
    assert Path(layout.JOURNAL).stat().st_mode & 0o7777 == 0o600
    second = Transaction.interrupted(tree.host)
    assert second is not None
    second.roll_back()
    second.commit()
    second.forget_state()
    assert tree.image() == before


def test_rolling_back_twice_is_rolling_back_once(tree: Tree) -> None:
    before = tree.image()
    transaction = Transaction(tree.host)
    _expose(tree, transaction)
    transaction.roll_back()
    again = Transaction.interrupted(tree.host)
    assert again is not None, "the journal stays until all is back, services too"
    again.roll_back()
    again.commit()
    again.forget_state()
    assert tree.image() == before


def _killed_at(tree: Tree, at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Make the changes in a process that is gone, without a word, at the n-th write; tell whether it was."""
    child = os.fork()
    if child == 0:
        left = at
        replace = os.replace

        def killing(source: str, target: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os._exit(9)
            replace(source, target)

        monkeypatch.setattr(os, "replace", killing)
        _expose(tree, Transaction(tree.host))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_killed_at_any_write_it_leaves_what_can_be_rolled_back(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree.image()
    kill_at = 0
    killed = True
    while killed:
        kill_at += 1
        killed = _killed_at(tree, kill_at, monkeypatch)
        interrupted = Transaction.interrupted(tree.host)
        if interrupted is not None:
            interrupted.roll_back()
            interrupted.commit()
            interrupted.forget_state()
        # Before the journal's first write, our own folder is all that there is; withdrawing takes it away.
        if interrupted is None:
            shutil.rmtree(layout.STATE)
        assert tree.image() == before, f"killed at write {kill_at}"
    assert kill_at > 10


def test_a_commit_ends_the_transaction(tree: Tree) -> None:
    transaction = Transaction(tree.host)
    _expose(tree, transaction)
    transaction.commit()
    assert Transaction.interrupted(tree.host) is None
    assert Path(layout.STATE).is_dir()


def test_a_clean_host_has_no_interrupted_transaction(tree: Tree) -> None:
    assert Transaction.interrupted(tree.host) is None


def test_what_is_so_already_is_not_written(tree: Tree) -> None:
    attributes = tree.host.attributes(layout.DAEMON_JSON)
    assert attributes is not None
    transaction = Transaction(tree.host)
    transaction.write(layout.DAEMON_JSON, b'{"mtu": 1400}\n', attributes)
    transaction.remove(tree.path("etc/nothing"))
    assert not transaction.touched(layout.DAEMON_JSON)
    assert not os.path.exists(layout.STATE)


def test_a_file_that_was_noted_goes_back_though_someone_else_changed_it(tree: Tree) -> None:
    before = tree.image()
    transaction = Transaction(tree.host)
    transaction.note_file(layout.DAEMON_JSON)
    transaction.note_file(tree.path("etc/docker/new.json"))
    Path(layout.DAEMON_JSON).unlink()
    tree.root.joinpath("etc/docker/new.json").write_text("{}")
    transaction.roll_back()
    transaction.commit()
    transaction.forget_state()
    assert tree.image() == before


def test_folders_that_others_put_files_into_meanwhile_stay(tree: Tree) -> None:
    transaction = Transaction(tree.host)
    transaction.make_folder(tree.path("etc/new/deeper"))
    tree.root.joinpath("etc/new/theirs").write_text("x")
    transaction.roll_back()
    assert tree.root.joinpath("etc/new/theirs").read_text() == "x"
    assert not tree.root.joinpath("etc/new/deeper").exists()


def test_services_are_restarted_on_the_way_back_only_where_they_were_touched(tree: Tree) -> None:
    transaction = Transaction(tree.host)
    transaction.note_file(layout.DAEMON_JSON)
    seen = [transaction.touched_services]
    transaction.about_to_touch_services(live_restore=False)
    interrupted = Transaction.interrupted(tree.host)
    assert interrupted is not None
    assert [*seen, transaction.touched_services, interrupted.touched_services] == [False, True, True]
    assert interrupted.live_restore is False


def test_our_folders_are_closed_again_where_someone_opened_them(tree: Tree) -> None:
    for folder in layout.FOLDERS:
        os.makedirs(folder)
        Path(folder).chmod(0o755)
        Transaction(tree.host).make_folder(folder)
        assert os.stat(folder).st_mode & 0o7777 == 0o700


def test_folders_of_the_system_keep_their_modes(tree: Tree) -> None:
    Path(tree.path("etc/docker")).chmod(0o711)
    Transaction(tree.host).make_folder(tree.path("etc/docker"))
    assert os.stat(tree.path("etc/docker")).st_mode & 0o7777 == 0o711


def test_a_file_that_is_a_link_stays_one(tree: Tree) -> None:
    target = tree.root / "managed.json"
    os.rename(layout.DAEMON_JSON, target)
    os.symlink(target, layout.DAEMON_JSON)
    before = tree.image()
    transaction = Transaction(tree.host)
    transaction.write(layout.DAEMON_JSON, b"{}", Attributes(0o644))
    assert os.path.islink(layout.DAEMON_JSON)
    assert target.read_bytes() == b"{}"
    transaction.roll_back()
    transaction.commit()
    transaction.forget_state()
    assert tree.image() == before
