# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recovery: a program of its own, copied from the modules in use, that ends what a killed run has left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._run import arming
from ansible_collections.gangway.docker.plugins.module_utils._run.lock import Lock
from ansible_collections.gangway.docker.plugins.module_utils._run.transaction import Transaction
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import ReadUnits, Write

from .conftest import World
from .test_run import FAULT

MODULE_UTILS = Path(arming.__file__).parents[1]
#: The program must not find the dockerd of the machine that the tests run on.
_NO_DOCKERD = """
class NoDockerd(Scripts):
    def main_pid(self):
        return 0

    def has_failed(self):
        return False


def init_of(host):
    return NoDockerd(host, "none")
"""


def _copy(world: World) -> None:
    """Copy the program, for the host below the test's folder. Its user need not be root."""
    arming.copy_program()
    copied = Path(layout.RECOVERY) / "gangway/_shared/layout.py"
    moved = [
        f"{name} = {getattr(layout, name)!r}\n" for name in layout.__all__ if isinstance(getattr(layout, name), str)
    ]
    copied.write_text(copied.read_text() + "".join(moved))
    for name, addition in (("runner", "\nos.fchown = lambda *_words: None\n"), ("init", _NO_DOCKERD)):
        module = Path(layout.RECOVERY) / f"gangway/_host/{name}.py"
        module.write_text(module.read_text() + addition)


def _wait_for(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _pid() -> int:
    return int(Path(f"{layout.RECOVERY}/pid").read_text())


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_copy_is_closed_to_others_and_complete(world: World) -> None:
    _copy(world)
    assert os.stat(layout.RECOVERY).st_mode & 0o777 == 0o700
    Path(layout.STATE).mkdir()
    ran = subprocess.run([*arming._command()], capture_output=True, text=True, timeout=20, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    # Nothing was to be done, and nothing is left: no program, no lock, not even an empty folder.
    assert [os.path.exists(path) for path in (layout.RECOVERY, layout.LOCK, layout.STATE, layout.RECOVERED)] == [
        False
    ] * 4


def test_an_image_of_the_key_without_a_journal_is_removed(world: World) -> None:
    """As a run leaves it that is killed before it has written its journal."""
    _copy(world)
    Path(layout.STATE).mkdir()
    Path(layout.KEY_IMAGE).write_bytes(b"the old one")
    Path(f"{layout.KEY_IMAGE}.gangway-new").write_bytes(b"the")
    subprocess.run([*arming._command()], check=True, capture_output=True, timeout=20)
    assert not os.path.exists(layout.STATE)


def test_the_copy_comes_out_of_a_zip_file_as_well(world: World, tmp_path: Path) -> None:
    """As Ansible carries modules to hosts."""
    base = "ansible_collections/gangway/docker/plugins/module_utils"
    with zipfile.ZipFile(tmp_path / "modules.zip", "w") as packed:
        folders = base.split("/")
        for depth in range(1, len(folders) + 1):
            packed.writestr("/".join(folders[:depth]) + "/__init__.py", "")
        for folder in ("_shared", "_guard", "_host", "_run"):
            for path in (MODULE_UTILS / folder).glob("*.py"):
                packed.write(path, f"{base}/{folder}/{path.name}")
    module = base.replace("/", ".")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'modules.zip')!r})\n"
        f"from {module}._run import arming, run\n"
        f"from {module}._shared import layout\n"
        f"layout.RECOVERY = {str(tmp_path / 'copied')!r}\n"
        "arming.copy_program()\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, timeout=20)
    copied = {str(path.relative_to(tmp_path / "copied")) for path in (tmp_path / "copied").rglob("*.py")}
    assert {"__main__.py", "gangway/_run/recovery.py", "gangway/_guard/daemon_json.py"} <= copied
    start = "import sys; sys.path.insert(0, sys.argv[1]); import gangway._run.recovery"
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", start, str(tmp_path / "copied")], check=True, timeout=20)


@pytest.mark.parametrize("old_key", [None, b"the old one"])
def test_a_killed_run_is_rolled_back_at_once(world: World, old_key: bytes | None) -> None:
    if old_key is not None:
        os.makedirs(layout.BUNDLE, 0o700)
        Path(layout.KEY).write_bytes(old_key)
    before = world.image()
    _copy(world)
    reading, writing = os.pipe()
    run = os.fork()
    if run == 0:
        Lock.acquire()
        arming.start_daemon()
        transaction = Transaction(world.host)
        transaction.write(layout.KEY, b"PRIVATE", transaction.before(layout.DAEMON_JSON)[1])
        transaction.write(
            layout.DAEMON_JSON, b'{"mtu": 1400, "tlsverify": true}', transaction.before(layout.DAEMON_JSON)[1]
        )
        os.write(writing, b"!")
        time.sleep(60)
        os._exit(1)
    os.close(writing)
    assert os.read(reading, 1) == b"!"
    # The daemon has not got Ansible's pipe open.
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    assert os.read(reading, 1) == b""
    os.close(reading)
    _wait_for(lambda: not os.path.exists(layout.RECOVERY))
    assert world.image() == before
    report = json.loads(Path(layout.RECOVERED).read_bytes())
    assert report["files"] == sorted([layout.DAEMON_JSON, layout.KEY])
    assert (report["restarted"], report["completed"]) == (False, False)
    _wait_for(lambda: not os.path.exists(layout.LOCK))


def test_a_recovery_that_fails_says_so_and_keeps_the_journal(world: World) -> None:
    _copy(world)
    Path(layout.STATE).mkdir()
    Path(layout.JOURNAL).write_bytes(b"{")
    subprocess.run(arming._command(), check=True, timeout=20)
    assert "is damaged" in json.loads(Path(layout.RECOVERED).read_bytes())["failed"]
    assert os.path.exists(layout.JOURNAL)


def test_the_next_run_waits_for_a_recovery(world: World) -> None:
    held = Lock.acquire()
    _copy(world)
    Transaction(world.host).note([layout.DAEMON_JSON])
    arming.start_daemon()
    pid = _pid()
    time.sleep(0.5)
    assert not _is_gone(pid)
    held.release()
    _wait_for(lambda: not os.path.exists(layout.RECOVERY))
    assert world.carry_out([Write(layout.DAEMON_JSON, "{}")])["changed"] is True


def test_a_run_disarms_its_recovery(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If systemd does not start it as a unit, it is a daemon."""
    copy_program = arming.copy_program

    def copied() -> None:
        monkeypatch.setattr(arming, "copy_program", copy_program)
        _copy(world)

    monkeypatch.setattr(arming, "copy_program", copied)
    pids: list[int] = []
    world.watch = lambda command: pids.append(_pid()) if command == "systemctl daemon-reload" else None
    run = world.host.run

    def without_systemd_run(words: t.Sequence[str], **options: t.Any) -> tuple[int, str, str]:
        return (1, "", "no bus") if words[0] == "systemd-run" else run(words, **options)

    world.host.run = without_systemd_run
    world.failure([Write(layout.DAEMON_JSON, "{}"), ReadUnits(), FAULT])
    assert pids
    _wait_for(lambda: _is_gone(pids[0]))
    assert not os.path.exists(layout.RECOVERY)


def test_under_systemd_the_recovery_is_a_unit_outside_of_the_session(world: World) -> None:
    world.carry_out([Write(layout.DAEMON_JSON, "{}")])
    started = next(command for command in world.calls if command.startswith("systemd-run"))
    assert f"--unit={layout.RECOVERY_SERVICE}" in started
    assert "--collect" in started
    assert started.endswith(f"{sys.executable} -I -S -B {layout.RECOVERY}")
    assert world.calls[-1] == f"systemctl stop {layout.RECOVERY_SERVICE}"


def test_a_host_without_any_recovery_is_warned_about(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arming, "copy_program", broken)
    (warning,) = world.carry_out([Write(layout.DAEMON_JSON, "{}")])["notes"]
    assert "No space left" in warning
