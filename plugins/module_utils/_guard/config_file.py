# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""daemon.json on the host, as the guard reads and repairs it.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("parse_leniently", "read", "replace_malformed", "say", "write")

import os
import sys
import typing as t

from .daemon_json import MalformedDaemonJson, parse


def read(path: str) -> str:
    """Return the file's text, empty if there is no file."""
    try:
        # dockerd accepts strings that are not UTF-8.
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def write(path: str, text: str, *, like: str) -> None:
    """Replace the file at once, with the owner and mode of the file that exists, or of C(like)."""
    path = os.path.realpath(path)
    temporary = f"{path}.gangway-new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
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


def replace_malformed(path: str, replacement: str) -> str:
    """Return the text of daemon.json. If dockerd could not read it, replace it, and keep the user's beside it."""
    text = read(path)
    try:
        parse(text)
        # dockerd before 23.0 does not start with an empty file.
        if not text.strip() and os.path.exists(path):
            raise MalformedDaemonJson("it is empty")
    except MalformedDaemonJson as exc:
        if not replacement:
            # Without TLS keys, the other port of this dockerd would be open to all; as it is, dockerd does not start.
            say(f"{path} is malformed: {exc}")
            return text
        say(f"{path} is malformed: {exc}; starting with the last good one")
        if text.strip():
            write(f"{path}.broken", text, like=path)
            say(f"the malformed one is kept as {path}.broken")
        write(path, replacement, like=path)
        return replacement
    return text


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
