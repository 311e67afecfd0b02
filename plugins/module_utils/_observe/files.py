# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading files and folders of the host as JSON takes them."""

from __future__ import annotations

__all__ = ("Files", "as_json")

import base64
import glob
import hashlib
import json
import os
import stat
import typing as t

#: Nothing that dockerd or we read is larger; of a larger file only the digest is known.
_LARGEST = 2 << 20


class Files:
    """The host's file system. Paths are absolute; C(root) is set by tests only."""

    def __init__(self, root: str = "") -> None:
        self._root = root

    def real(self, path: str) -> str:
        """Return the path to open."""
        return f"{self._root}{path}"

    def read(self, path: str) -> bytes | None:
        """Return the content, or None if there is no such file."""
        return self._open(path)[0]

    def _open(self, path: str) -> tuple[bytes | None, os.stat_result | None]:
        try:
            status = os.stat(self.real(path))
            # /dev/null is a unit that is masked; reading a FIFO or a device would never end.
            if not stat.S_ISREG(status.st_mode):
                return None if stat.S_ISDIR(status.st_mode) else b"", status
            with open(self.real(path), "rb") as stream:
                return stream.read(), os.fstat(stream.fileno())
        except OSError:
            return None, None

    def text(self, path: str) -> str:
        """Return the content for reading only, empty if there is no such file."""
        return (self.read(path) or b"").decode(errors="surrogateescape")

    def mapping(self, path: str) -> dict[str, t.Any] | None:
        """Return what a file of JSON holds, or None if that is no mapping."""
        try:
            found = json.loads(self.text(path))
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def describe(self, path: str, *, digest_only: bool = False) -> dict[str, t.Any] | None:
        """Return content, digest, mode and owner, or None if there is no such file."""
        content, status = self._open(path)
        if content is None or status is None:
            return None
        return {
            "content": None if digest_only or len(content) > _LARGEST else as_json(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "mode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
            "link": os.path.islink(self.real(path)),
        }

    def folder(self, path: str) -> list[int] | None:
        """Return mode, uid and gid of the folder, or None if there is none."""
        try:
            status = os.stat(self.real(path))
        except OSError:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return None
        return [stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid]

    def exists(self, path: str) -> bool:
        return os.path.exists(self.real(path))

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(self.real(path))

    def is_writable(self, path: str) -> bool:
        """Tell whether something can be made at the path: by the nearest folder that exists."""
        folder = path
        while not self.is_folder(folder) and folder != "/":
            folder = os.path.dirname(folder.rstrip("/"))
        return os.access(self.real(folder), os.W_OK)

    def find(self, pattern: str) -> list[str]:
        """Return the paths that match the pattern, sorted."""
        return sorted(path[len(self._root) :] for path in glob.glob(self.real(pattern)))

    def resolved(self, path: str) -> str:
        """Return the path without symbolic links."""
        return os.path.realpath(self.real(path))[len(os.path.realpath(self._root)) if self._root else 0 :]

    def target(self, path: str) -> str:
        """Return what a symbolic link holds; empty if there is none."""
        try:
            return os.readlink(self.real(path))
        except OSError:
            return ""


def as_json(content: bytes) -> t.Any:
    """Return text, or what is no UTF-8 in base64."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
