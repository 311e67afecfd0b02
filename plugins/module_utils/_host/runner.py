# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner: the only part that changes a host, by commands and by files."""

from __future__ import annotations

__all__ = ("Attributes", "Host", "sync_folder")

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from .command import Run, parse_show


@dataclass(frozen=True)
class Attributes:
    """Owner and mode of a file."""

    mode: int
    uid: int = 0
    gid: int = 0


class Host:
    """The machine that the module runs on."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def systemctl(self, *words: str) -> tuple[int, str]:
        """Run systemctl; return its exit status and its output, errors included."""
        code, stdout, stderr = self.run(["systemctl", *words])
        return code, stdout + stderr

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        _code, stdout, _stderr = self.run(["systemctl", "show", unit, f"--property={','.join(properties)}"])
        return parse_show(stdout)

    def journal_tail(self, unit: str, lines: int = 12) -> str:
        """Return the last lines that the journal has of this unit, for error messages."""
        _code, stdout, _stderr = self.run(
            ["journalctl", f"--unit={unit}", f"--lines={lines}", "--output=cat", "--no-pager", "--quiet"]
        )
        return stdout.strip()

    @staticmethod
    def read(path: str) -> bytes | None:
        """Return the file's content, or None if there is no file."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return Path(path).read_bytes()
        return None

    @staticmethod
    def attributes(path: str) -> Attributes | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            status = os.stat(path)
            return Attributes(status.st_mode & 0o7777, status.st_uid, status.st_gid)
        return None

    @staticmethod
    def write(path: str, content: bytes, attributes: Attributes) -> None:
        """Replace the file at once; a symbolic link stays one. The mode is right from the first byte on."""
        path = os.path.realpath(path)
        temporary = _unfinished(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchown(stream.fileno(), attributes.uid, attributes.gid)
                os.fchmod(stream.fileno(), attributes.mode)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        sync_folder(os.path.dirname(path))

    def put(self, path: str, content: bytes | None, attributes: Attributes | None) -> None:
        """Write the file, or remove it if there is no content."""
        if content is not None and attributes is not None:
            self.write(path, content, attributes)
            return
        self.drop_unfinished(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    @staticmethod
    def drop_unfinished(path: str) -> None:
        """Remove what a run that was killed had begun to write in this file's place."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_unfinished(os.path.realpath(path)))

    @staticmethod
    def hang_up(pid: int) -> None:
        """Make dockerd read daemon.json again; C(systemctl reload) would need /bin/kill, which not all hosts have."""
        # kill(2) takes 0 for our own process group; MainPID is 0 while dockerd is down.
        if pid > 1:
            os.kill(pid, signal.SIGHUP)


def _unfinished(path: str) -> str:
    return f"{path}.gangway-new"


def sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
