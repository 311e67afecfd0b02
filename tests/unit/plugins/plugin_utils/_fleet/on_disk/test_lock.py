# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet's lock: one holder at a time, no waiting without end, and nobody else can hold it."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import stat
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk import lock as lock_module
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.lock import lock


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return tmp_path / "fleets" / "default"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "_TIMEOUT", 0.3)


def _failure(fleet: Path) -> Failure:
    with pytest.raises(Failure) as failure, lock(fleet):
        pass
    return failure.value


def test_the_lock_is_held_by_one_at_a_time(fleet: Path) -> None:
    order: list[str] = []

    def second() -> None:
        with lock(fleet):
            order.append("second")

    with lock(fleet):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(timeout=0.1)
        assert thread.is_alive()
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("impatient")
def test_a_run_that_does_not_end_is_named(fleet: Path) -> None:
    with lock(fleet):
        pass
    code = (
        "import fcntl, os, sys; d = os.open(sys.argv[1], os.O_RDWR); fcntl.flock(d, fcntl.LOCK_EX); "
        "os.ftruncate(d, 0); os.pwrite(d, f'{os.getpid()} {sys.argv[2]}'.encode(), 0); print(flush=True); input()"
    )
    words = [sys.executable, "-c", code, str(fleet / ".lock"), platform.node()]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        failure = _failure(fleet)
        holder.communicate(b"\n")
    assert failure.key == "fleet_locked"
    assert f"process {holder.pid} on {platform.node()} ({sys.executable}" in str(failure)
    # It has let go of the lock, though its name is still in it.
    with lock(fleet):
        assert (fleet / ".lock").read_text() == f"{os.getpid()} {platform.node()}"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("holder", ["", "12 other-controller", "x\xff", "999999999 " + platform.node()])
def test_a_holder_that_can_not_be_looked_at_is_named_as_far_as_it_goes(fleet: Path, holder: str) -> None:
    fleet.mkdir(parents=True, mode=0o700)
    (fleet / ".lock").write_bytes(holder.encode("latin-1"))
    with (fleet / ".lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        failure = _failure(fleet)
    assert failure.key == "fleet_locked"
    pid, _space, machine = holder.partition(" ")
    assert (f"process {pid} on {machine}." if pid.isdigit() else "an unknown process.") in str(failure)


def test_a_holder_that_makes_progress_is_waited_for(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that makes many certificates."""
    monkeypatch.setattr(lock_module, "_TIMEOUT", 2.0)
    waited: list[float] = []

    def second() -> None:
        began = time.monotonic()
        with lock(fleet):
            waited.append(time.monotonic() - began)

    with lock(fleet) as held:
        thread = threading.Thread(target=second)
        thread.start()
        for _number in range(26):
            time.sleep(0.1)
            held.touch()
    thread.join(timeout=10)
    held.touch()
    assert waited[0] > 2


def test_each_signature_is_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of RSA take a second each."""
    touched: list[str] = []
    monkeypatch.setattr(lock_module.Lock, "touch", lambda _lock: touched.append("touched"))
    ensure_bundles(Fleet(str(tmp_path), "default"), ["ci", "alice"], [])
    assert len(touched) == 2


def test_each_sign_command_is_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    monkeypatch.setattr(lock_module.Lock, "touch", lambda _lock: touched.append("touched"))
    ensure_bundles(Fleet(str(tmp_path / "other"), "default"), [], [])

    def run(_words: t.Any, _stdin: bytes, _environment: t.Any) -> tuple[int, bytes, bytes]:
        touched.append("run")
        return 1, b"", b"refused"

    theirs = tmp_path / "other" / "default" / "authority" / "ca.pem"
    settings = Settings(authority_certificate=str(theirs), sign_command="sign")
    with pytest.raises(Failure) as failure:
        ensure_bundles(Fleet(str(tmp_path / "fleets"), "default", settings, run=run), ["ci"], [])
    assert failure.value.key == "sign_command_failed"
    assert touched == ["touched", "run"]


def test_nobody_else_can_open_the_lock(fleet: Path) -> None:
    """A copy of the folder, or a careless chmod, may have opened it."""
    fleet.mkdir(parents=True, mode=0o700)
    (fleet / ".lock").touch()
    (fleet / ".lock").chmod(0o666)
    with lock(fleet):
        assert stat.S_IMODE((fleet / ".lock").stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_lies_in_the_place_of_the_lock_is_refused_and_left_alone(fleet: Path, tmp_path: Path, kind: str) -> None:
    fleet.mkdir(parents=True, mode=0o700)
    target = tmp_path / "target"
    target.write_text("theirs")
    if kind == "link":
        (fleet / ".lock").symlink_to(target)
    elif kind == "pipe":
        os.mkfifo(fleet / ".lock")
    else:
        (fleet / ".lock").mkdir()
    failure = _failure(fleet)
    assert failure.key == "fleets_dir_not_writable"
    assert str(fleet / ".lock") in str(failure)
    assert target.read_text() == "theirs"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO])
def test_a_file_system_without_locks_is_refused(fleet: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """As NFSv3 without rpc.statd answers, and some FUSE file systems."""

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    failure = _failure(fleet)
    assert failure.key == "fleet_lock_unsupported"
    assert os.strerror(code) in str(failure)
    assert str(fleet / ".lock") in str(failure)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.ESTALE, errno.EACCES])
def test_a_folder_that_can_not_be_written_to_is_a_failure_with_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])

    def refuse(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Failure) as failure:
        ensure_bundles(Fleet(str(tmp_path), "default"), ["ci", "alice"], [])
    assert failure.value.key == "fleets_dir_not_writable"
    assert os.strerror(code) in str(failure.value)
    monkeypatch.undo()
    assert [i["changed"] for i in ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])["identities"]] == [False]


def test_a_share_that_shows_an_authority_too_late_gets_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS keeps in mind that a name was not there: what another controller has made since comes into sight later."""
    ensure_bundles(Fleet(str(tmp_path), "default"), [], [])
    authority = tmp_path / "default" / "authority"
    before = {path.name: path.read_bytes() for path in authority.iterdir()}
    lstat, opened = os.stat, Path.read_bytes

    def late(path: t.Any, **options: t.Any) -> os.stat_result:
        if str(path).startswith(str(authority)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return lstat(path, **options)

    def read_late(path: Path) -> bytes:
        if path.parent == authority:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return opened(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", late)
        patched.setattr(Path, "read_bytes", read_late)
        with pytest.raises(Failure) as failure:
            ensure_bundles(Fleet(str(tmp_path), "default"), [], [])
    assert failure.value.key == "fleets_dir_not_writable"
    assert {path.name: path.read_bytes() for path in authority.iterdir()} == before
    assert ensure_bundles(Fleet(str(tmp_path), "default"), [], [])["changed"] is False


def test_a_file_system_that_syncs_no_folders_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    assert ensure_bundles(Fleet(str(tmp_path), "default"), ["ci"], [])["changed"] is True
