# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Arming the recovery: a process outside of the SSH session that rolls back if the run's process is killed."""

from __future__ import annotations

__all__ = ("arm", "copy_program", "disarm", "start_daemon")

import contextlib
import os
import pkgutil
import shutil
import signal
import sys
import time

from .._host.init import init_of
from .._host.runner import Host
from .._shared import layout

#: Those of module_utils that the program consists of; as a package of this name it has nothing to do with Ansible.
_PACKAGES = ("_shared", "_guard", "_host", "_run")
_NAME = "gangway"
_START = f"from {_NAME}._run.recovery import main\n\nmain()\n"
#: Isolated from the environment, without site-packages, and leaving no compiled files.
_FLAGS = ("-I", "-S", "-B")
#: More than the run has open.
_DESCRIPTORS = 4096


def arm(host: Host) -> list[str]:
    """Start the recovery; return a warning if that is impossible."""
    try:
        if os.path.lexists(layout.RECOVERY):
            disarm(host)
        copy_program()
        if init_of(host).name != "systemd" or not _start_unit(host):
            start_daemon()
    except OSError as exc:
        return [f"A run that is killed on this host is not rolled back before the next run: {exc}"]
    return []


def disarm(host: Host) -> None:
    """End the recovery and remove its program. The caller holds the lock, so it does nothing at the moment."""
    pid = (host.read(_pid_file()) or b"").decode()
    # First, since a recovery that outlives us ends anyway, and a folder does not.
    shutil.rmtree(layout.RECOVERY, ignore_errors=True)
    if init_of(host).name == "systemd":
        host.systemctl("stop", layout.RECOVERY_SERVICE)
    if pid.isdigit() and layout.RECOVERY.encode() in (host.read(f"/proc/{pid}/cmdline") or b"").split(b"\0"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def copy_program() -> None:
    """Copy the modules in use into a folder that Python can run.

    Modules travel to hosts in a zip file that is gone after the run.
    """
    base = __package__.rpartition(".")[0]
    os.mkdir(layout.RECOVERY, 0o700)
    _write(f"{layout.RECOVERY}/__main__.py", _START.encode())
    for folder in ("", *_PACKAGES):
        os.makedirs(f"{layout.RECOVERY}/{_NAME}/{folder}", 0o700, exist_ok=True)
        _write(f"{layout.RECOVERY}/{_NAME}/{folder}/__init__.py", b"")
    for name in list(sys.modules):
        package, _dot, module = name.rpartition(".")
        parent, _dot, folder = package.rpartition(".")
        if parent == base and folder in _PACKAGES:
            source = pkgutil.get_data(package, f"{module}.py")
            _write(f"{layout.RECOVERY}/{_NAME}/{folder}/{module}.py", source or b"")


def _start_unit(host: Host) -> bool:
    words = [
        "systemd-run",
        "--quiet",
        "--collect",
        "--no-ask-password",
        f"--unit={layout.RECOVERY_SERVICE}",
        "--description=Rolls back a run of gangway.docker that is killed",
        *_command(),
    ]
    for _attempt in range(2):
        with contextlib.suppress(OSError):
            if host.run(words)[0] == 0:
                return True
        # An earlier one may be about to end.
        host.systemctl("stop", layout.RECOVERY_SERVICE)
        time.sleep(0.1)
    return False


def start_daemon() -> None:
    """Start the recovery as a daemon, see daemon(7): in its own session, with nothing of ours open."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        os.chdir("/")
        grandchild = os.fork()
        if grandchild:
            _write(_pid_file(), str(grandchild).encode())
        else:
            # Ansible waits for the end of its output as long as anyone holds it open.
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(null, descriptor)
            os.closerange(3, _DESCRIPTORS)
            command = _command()
            os.execv(command[0], command)  # noqa: S606 - no shell is needed
    finally:
        os._exit(0)


def _command() -> list[str]:
    return [sys.executable, *_FLAGS, layout.RECOVERY]


def _pid_file() -> str:
    return f"{layout.RECOVERY}/pid"


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
