# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon.json on the host, as the guard reads and repairs it.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("parse_leniently", "read", "replace_malformed", "say", "write")

import contextlib
import os
import re
import sys
import typing as t

from .command import run_command
from .daemon_json import MalformedDaemonJson, encoding_problem, parse


def read(path: str) -> str:
    """Return the file's text, empty if there is no file."""
    try:
        # dockerd before 23.0 accepts strings that are not UTF-8.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def write(path: str, text: str, *, like: str) -> None:
    """Replace the file at once, with the owner and mode of the file that exists, or of C(like)."""
    path = os.path.realpath(path)
    temporary = f"{path}.gangway-new"
    # A crash may have left one. Whoever made it, or holds it open, must not get hold of the new file.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            model = path if os.path.exists(path) else like
            if os.path.exists(model):
                status = os.stat(model)
                os.fchown(stream.fileno(), status.st_uid, status.st_gid)
                os.fchmod(stream.fileno(), status.st_mode & 0o7777)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def replace_malformed(path: str, replacement: str) -> str:
    """Return the text of daemon.json. If dockerd could not read it, replace it, and keep the user's beside it."""
    text = read(path)
    try:
        parse(text)
        # dockerd before 23.0 does not start with an empty file.
        if not text.strip() and os.path.exists(path):
            raise MalformedDaemonJson("it is empty")
        problem = encoding_problem(text, _dockerd_version)
        if problem is not None:
            raise MalformedDaemonJson(problem)
    except MalformedDaemonJson as exc:
        if not replacement:
            # Without TLS keys, the other port of this dockerd would be open to all; as it is, dockerd does not start.
            say(f"{path} is malformed: {exc}")
            return text
        say(f"{path} is malformed: {exc}; starting with the last good one")
        if text.strip():
            say(f"the malformed one is kept as {_keep_broken(path, text)}")
        write(path, replacement, like=path)
        return replacement
    return text


def _keep_broken(path: str, text: str) -> str:
    """Keep the text in a file of its own; return its path. Earlier ones stay."""
    kept, number = f"{path}.broken", 1
    while os.path.lexists(kept):
        with contextlib.suppress(OSError):
            if read(kept) == text:
                return kept
        number += 1
        kept = f"{path}.broken.{number}"
    write(kept, text, like=path)
    return kept


def _dockerd_version() -> str:
    """Return the version of the dockerd that is installed; empty if it does not say."""
    _code, said, _errors = run_command(["dockerd", "--version"], seconds=10)
    match = re.search(r"version (\S+)", said)
    return match.group(1) if match else ""


def parse_leniently(text: str) -> dict[str, t.Any]:
    """Return the settings; none if the text is malformed."""
    try:
        return parse(text)
    except MalformedDaemonJson:
        return {}


def say(message: str) -> None:
    """Write a line to the journal."""
    # <3> is "error" to the journal, see sd-daemon(3).
    sys.stderr.write(f"<3>gangway.docker: {message}\n")
