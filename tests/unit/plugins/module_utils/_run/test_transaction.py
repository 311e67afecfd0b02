# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Transactions: whatever was done to files goes back, in this process or in the next one."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Attributes
from ansible_collections.gangway.docker.plugins.module_utils._run.transaction import SERVICES, Transaction
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Discard
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack

from .conftest import World


def _expose(world: World, transaction: Transaction) -> None:
    """All kinds of changes."""
    for folder in (layout.STATE, layout.GUARD, layout.BUNDLE):
        transaction.make_folder(folder, 0o700)
    transaction.write(f"{layout.BUNDLE}/key.pem", b"key", Attributes(0o400))
    transaction.write(layout.DAEMON_JSON, b"{}\n", Attributes(0o644))
    transaction.write(layout.DAEMON_JSON, b'{"again": 1}\n', Attributes(0o600))
    transaction.write(world.path("etc/new/folder/50.conf"), b"[Unit]\n", Attributes(0o644))
    transaction.write(f"{layout.GUARD}/__main__.py", b"pass\n", Attributes(0o644))


def _roll_back(transaction: Transaction | None) -> None:
    assert transaction is not None
    transaction.roll_back()
    transaction.end_rollback()


def test_files_are_written_with_their_modes(world: World) -> None:
    _expose(world, Transaction(world.host))
    assert Path(layout.DAEMON_JSON).read_bytes() == b'{"again": 1}\n'
    assert os.stat(layout.DAEMON_JSON).st_mode & 0o7777 == 0o600
    assert os.stat(f"{layout.BUNDLE}/key.pem").st_mode & 0o7777 == 0o400
    assert os.stat(layout.BUNDLE).st_mode & 0o7777 == 0o700
    assert os.stat(layout.JOURNAL).st_mode & 0o7777 == 0o600
    assert os.stat(world.path("etc/new")).st_mode & 0o7777 == 0o755


def test_rolling_back_leaves_the_host_as_it_was(world: World) -> None:
    before = world.image()
    transaction = Transaction(world.host)
    _expose(world, transaction)
    transaction.remove(layout.DAEMON_JSON)
    _roll_back(transaction)
    assert world.image() == before


def test_the_next_process_can_roll_back_what_a_killed_one_did(world: World) -> None:
    before = world.image()
    way_back = WayBack(was_running=False, load_rules=(("nft", "-f", "x"),))
    transaction = Transaction(world.host, way_back, 42)
    _expose(world, transaction)
    transaction.reach(SERVICES)
    second = Transaction.interrupted(world.host)
    assert second is not None
    assert (second.way_back, second.pid, second.level) == (way_back, 42, SERVICES)
    assert second.files == transaction.files
    _roll_back(second)
    assert world.image() == before


def test_rolling_back_twice_is_rolling_back_once(world: World) -> None:
    before = world.image()
    transaction = Transaction(world.host)
    _expose(world, transaction)
    transaction.roll_back()
    # The journal stays until services are back, too.
    _roll_back(Transaction.interrupted(world.host))
    assert world.image() == before


def _killed_at(world: World, at: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Make the changes in a process that ends, without a word, at the n-th write; return whether it did."""
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
        _expose(world, Transaction(world.host))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("has_key", [False, True])
def test_killed_at_any_write_it_leaves_what_can_be_rolled_back(
    world: World, monkeypatch: pytest.MonkeyPatch, has_key: bool
) -> None:
    if has_key:
        _with_key(world)
    before = world.image()
    kill_at, killed = 0, True
    while killed:
        kill_at += 1
        killed = _killed_at(world, kill_at, monkeypatch)
        interrupted = Transaction.interrupted(world.host)
        if interrupted is None:
            # Before the journal's first write, our own folder is all that there is; the recovery removes it.
            shutil.rmtree(layout.STATE)
        else:
            _roll_back(interrupted)
        assert world.image() == before, f"killed at write {kill_at}"
    assert kill_at > 10


OLD_KEY = b"-----BEGIN PRIVATE KEY-----\nthe old one\n-----END PRIVATE KEY-----\n"


def _with_key(world: World) -> None:
    os.makedirs(layout.BUNDLE, 0o700)
    Path(layout.KEY).write_bytes(OLD_KEY)
    Path(layout.KEY).chmod(0o400)


def test_the_journal_never_contains_the_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _with_key(world)
    before = world.image()
    written: list[tuple[str, bytes, int]] = []
    write = world.host.write

    def looking(path: str, content: bytes, attributes: Attributes) -> None:
        written.append((path, content, attributes.mode))
        write(path, content, attributes)

    monkeypatch.setattr(world.host, "write", looking)
    transaction = Transaction(world.host)
    _expose(world, transaction)
    journals = [content for path, content, _mode in written if path == layout.JOURNAL]
    for secret in (OLD_KEY, base64.b64encode(OLD_KEY), b"PRIVATE", base64.b64encode(b"-----BEGIN PRIVATE KEY")[:-4]):
        assert not any(secret in journal for journal in journals)
    assert (layout.KEY_IMAGE, OLD_KEY, 0o600) in written
    assert os.stat(layout.STATE).st_mode & 0o7777 == 0o700
    _roll_back(Transaction.interrupted(world.host))
    assert world.image() == before


def test_a_commit_leaves_no_image_of_the_key(world: World) -> None:
    _with_key(world)
    transaction = Transaction(world.host)
    _expose(world, transaction)
    assert os.path.exists(layout.KEY_IMAGE)
    transaction.commit()
    assert not os.path.exists(layout.KEY_IMAGE)
    assert Path(layout.KEY).read_bytes() == b"key"


def test_a_key_whose_image_is_gone_is_not_taken_for_one_that_was_not_there(world: World) -> None:
    _with_key(world)
    _expose(world, Transaction(world.host))
    os.unlink(layout.KEY_IMAGE)
    interrupted = Transaction.interrupted(world.host)
    assert interrupted is not None
    with pytest.raises(Failure) as failure:
        interrupted.roll_back()
    assert failure.value.key == "state_unreadable"
    assert layout.KEY_IMAGE in str(failure.value)
    assert Path(layout.KEY).read_bytes() == b"key"


def test_one_write_of_the_journal_can_note_all_files(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    write = world.host.write

    def counting(path: str, content: bytes, attributes: Attributes) -> None:
        writes.append(path)
        write(path, content, attributes)

    monkeypatch.setattr(world.host, "write", counting)
    before = world.image()
    transaction = Transaction(world.host)
    paths = [f"{layout.BUNDLE}/key.pem", layout.DAEMON_JSON, world.path("etc/new/folder/50.conf")]
    transaction.note([*paths, f"{layout.GUARD}/__main__.py"])
    _expose(world, transaction)
    assert writes.count(layout.JOURNAL) == 1
    _roll_back(transaction)
    assert world.image() == before


def test_a_commit_ends_the_transaction(world: World) -> None:
    transaction = Transaction(world.host)
    _expose(world, transaction)
    transaction.commit()
    assert Transaction.interrupted(world.host) is None
    assert Path(layout.STATE).is_dir()


def test_a_killed_commit_is_finished_by_the_next_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction = Transaction(world.host)
    _expose(world, transaction)
    monkeypatch.setattr(transaction, "finish", lambda: None)
    transaction.commit(Discard(folders=(layout.STATE, layout.BUNDLE), empty_folders=(world.path("etc/nothing"),)))
    found = Transaction.interrupted(world.host)
    assert found is not None
    assert found.discard == Discard(folders=(layout.STATE, layout.BUNDLE), empty_folders=(world.path("etc/nothing"),))
    found.finish()
    assert not os.path.exists(layout.STATE)
    assert not os.path.exists(layout.BUNDLE)


def test_a_clean_host_has_no_interrupted_transaction(world: World) -> None:
    assert Transaction.interrupted(world.host) is None


def test_what_is_so_already_is_not_written(world: World) -> None:
    attributes = world.host.attributes(layout.DAEMON_JSON)
    assert attributes is not None
    transaction = Transaction(world.host)
    transaction.write(layout.DAEMON_JSON, b'{"mtu": 1400}\n', attributes)
    transaction.remove(world.path("etc/nothing"))
    assert not transaction.touched(layout.DAEMON_JSON)
    assert not os.path.exists(layout.STATE)


def test_a_file_that_was_noted_goes_back_though_someone_else_changed_it(world: World) -> None:
    before = world.image()
    transaction = Transaction(world.host)
    transaction.note([layout.DAEMON_JSON, world.path("etc/docker/new.json")])
    Path(layout.DAEMON_JSON).unlink()
    Path(world.path("etc/docker/new.json")).write_text("{}")
    assert transaction.changed_files() == [layout.DAEMON_JSON, world.path("etc/docker/new.json")]
    _roll_back(transaction)
    assert world.image() == before


def test_folders_that_others_put_files_into_meanwhile_stay(world: World) -> None:
    transaction = Transaction(world.host)
    transaction.make_folder(world.path("etc/new/deeper"))
    Path(world.path("etc/new/theirs")).write_text("x")
    transaction.roll_back()
    assert Path(world.path("etc/new/theirs")).read_text() == "x"
    assert not os.path.exists(world.path("etc/new/deeper"))


def test_our_folders_that_someone_opened_are_closed_and_open_again_on_the_way_back(world: World) -> None:
    for folder, mode in layout.FOLDERS.items():
        os.makedirs(folder)
        Path(folder).chmod(0o755)
        transaction = Transaction(world.host)
        transaction.make_folder(folder, mode)
        assert os.stat(folder).st_mode & 0o7777 == mode
        _roll_back(transaction)
        assert os.stat(folder).st_mode & 0o7777 == 0o755


def test_folders_of_the_system_keep_their_modes(world: World) -> None:
    Path(world.path("etc/docker")).chmod(0o711)
    Transaction(world.host).make_folder(world.path("etc/docker"))
    assert os.stat(world.path("etc/docker")).st_mode & 0o7777 == 0o711
    assert not os.path.exists(layout.STATE)


def test_a_file_that_is_a_link_stays_one(world: World) -> None:
    target = world.path("managed.json")
    os.rename(layout.DAEMON_JSON, target)
    os.symlink(target, layout.DAEMON_JSON)
    before = world.image()
    transaction = Transaction(world.host)
    transaction.write(layout.DAEMON_JSON, b"{}", Attributes(0o644))
    assert os.path.islink(layout.DAEMON_JSON)
    assert Path(target).read_bytes() == b"{}"
    _roll_back(transaction)
    assert world.image() == before
