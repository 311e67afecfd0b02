# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes to a host's files that can be undone, also by another process if this one is killed.

A journal on the disk holds the before-image of each file before it changes, and how far the change went. The key's is
in a file beside it. A journal that still exists means that a run did not end: M(Transaction.interrupted) finds it.
"""

from __future__ import annotations

__all__ = ("FILES", "GATEWAY", "RULES", "SERVICES", "UNITS", "Transaction")

import base64
import contextlib
import json
import os
import shutil
import typing as t

from .._host.runner import Attributes, Host, sync_folder
from .._shared import layout
from .._shared.failure import Failure
from .._shared.plan_data import as_data, from_data
from .._shared.steps import Discard
from .._shared.way_back import WayBack
from .discard import discard_all, forget_journal, forget_state

#: What has seen the changes, and so has to see the way back: nothing, systemd, the firewall, HAProxy, dockerd.
FILES, UNITS, RULES, GATEWAY, SERVICES = range(5)


class Transaction:
    """Write and remove files and folders through this object, then M(commit) or M(roll_back)."""

    def __init__(self, host: Host, way_back: WayBack | None = None, pid: int = 0) -> None:
        self._host = host
        self._entries: list[dict[str, t.Any]] = []
        self.way_back = way_back or WayBack()
        #: dockerd's process before the first change.
        self.pid = pid
        self.level = FILES
        #: What is left to remove; None: not committed.
        self.discard: Discard | None = None

    @classmethod
    def interrupted(cls, host: Host) -> Transaction | None:
        """Return the transaction of a run that was killed; None: there is none. Failure: C(state_unreadable)."""
        journal = host.read(layout.JOURNAL)
        if journal is None:
            return None
        try:
            data = json.loads(journal)
            found = cls(host, from_data(WayBack, data["way_back"]), int(data["pid"]))
            found.level = int(data["level"])
            found._entries = [dict(entry) for entry in data["entries"]]
            found.discard = None if data["discard"] is None else from_data(Discard, data["discard"])
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise _unreadable(layout.JOURNAL, f"the record of its changes is damaged ({exc!r})") from exc
        return found

    @property
    def files(self) -> list[str]:
        """The files that may have been changed."""
        return [entry["path"] for entry in self._entries if entry["kind"] == "file"]

    def changed_files(self) -> list[str]:
        """Return the files that are not as their before-image."""
        return sorted(
            entry["path"]
            for entry in self._entries
            if entry["kind"] == "file" and not self._is_back(entry["path"], self._content(entry), _attributes(entry))
        )

    def touched(self, path: str) -> bool:
        """Whether this file may have been changed."""
        return path in self.files

    def reach(self, level: int) -> None:
        """Note that from here on, going back takes more than files."""
        if level <= self.level:
            return
        self.level = level
        if self.way_back.touches_dockerd:
            # On the way back, dockerd may start with another text in it.
            self._remember_file(layout.DAEMON_JSON)
        self._save()

    def before(self, path: str) -> tuple[bytes | None, Attributes]:
        """Return the file's before-image if there is one, else the file as it is."""
        for entry in self._entries:
            if entry["kind"] == "file" and entry["path"] == path:
                return self._content(entry), _attributes(entry)
        return self._host.read(path), self._host.attributes(path) or Attributes(0o644)

    def note(self, files: t.Iterable[str], folders: t.Iterable[str] = ()) -> None:
        """Record these files as they are now, and which folders do not exist, in one write of the journal."""
        files = list(files)
        known = len(self._entries)
        for folder in [*folders, *map(os.path.dirname, files)]:
            self._remember_folder(folder)
        for path in files:
            self._remember_file(path)
        if len(self._entries) > known:
            self._save()

    def make_folder(self, path: str, mode: int | None = None) -> None:
        """Make the folder and its missing parents (0755), or give an existing one this mode."""
        self.note((), [path])
        missing = path
        while not os.path.isdir(path):
            while not os.path.isdir(os.path.dirname(missing)):
                missing = os.path.dirname(missing)
            os.mkdir(missing)
            os.chmod(missing, layout.FOLDERS.get(missing, 0o755))
            missing = path
        if mode is None or self._host.attributes(path) == Attributes(mode):
            return
        if not any(entry["path"] == path for entry in self._entries if entry["kind"] != "file"):
            self._entries.append({"kind": "attributes", "path": path, **_fields(self._host.attributes(path))})
            self._save()
        os.chown(path, 0, 0)
        os.chmod(path, mode)

    def write(self, path: str, content: bytes, attributes: Attributes) -> None:
        if self._host.read(path) == content and self._host.attributes(path) == attributes:
            return
        self.make_folder(os.path.dirname(path))
        self.note([path])
        self._host.write(path, content, attributes)

    def remove(self, path: str) -> None:
        if os.path.lexists(path):
            self.note([path])
            os.unlink(path)

    def commit(self, discard: Discard | None = None) -> None:
        """Make the changes final; what C(discard) names is removed, by another process if this one is killed."""
        if discard is not None:
            self.discard = discard
            self._save()
            # From here on there is no way back. If the journal stays, the next run goes on.
            with contextlib.suppress(OSError):
                self.finish()
        else:
            forget_journal()

    def finish(self) -> None:
        """Remove what a committed transaction leaves behind."""
        discard_all(self.discard or Discard())

    def roll_back(self, *, but: str = "") -> None:
        """Put every file (but one) and folder back, the last change first. The journal stays meanwhile."""
        for entry in reversed(self._entries):
            if entry["kind"] == "file" and entry["path"] != but:
                self._put_back(entry)
        # Folders only now: files that other programs put into them meanwhile (a log, a cache) keep them.
        for entry in reversed(self._entries):
            path = entry["path"]
            if entry["kind"] == "folder" and path in (layout.BUNDLE, layout.GUARD):
                shutil.rmtree(path, ignore_errors=True)
            elif entry["kind"] == "folder" and path != layout.STATE:
                with contextlib.suppress(OSError):
                    os.rmdir(path)
            elif entry["kind"] == "attributes" and os.path.isdir(path):
                os.chown(path, entry["uid"], entry["gid"])
                os.chmod(path, entry["mode"])

    def end_rollback(self) -> None:
        """Remove the journal, and our own folder if this transaction made it."""
        if {"kind": "folder", "path": layout.STATE} in self._entries:
            forget_state()
        else:
            forget_journal()

    def _put_back(self, entry: t.Mapping[str, t.Any]) -> None:
        path, content, attributes = entry["path"], self._content(entry), _attributes(entry)
        # A killed run may have begun to write the file, and the file itself may be unchanged.
        self._host.drop_unfinished(path)
        if self._is_back(path, content, attributes):
            return
        if content is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        self._host.put(path, content, attributes)

    def _is_back(self, path: str, content: bytes | None, attributes: Attributes) -> bool:
        return self._host.read(path) == content and (content is None or self._host.attributes(path) == attributes)

    def _content(self, entry: t.Mapping[str, t.Any]) -> bytes | None:
        """Return the before-image. Failure: C(state_unreadable)."""
        if not entry.get("beside"):
            return None if entry["content"] is None else base64.b64decode(entry["content"])
        content = self._host.read(layout.KEY_IMAGE)
        if content is None:
            raise _unreadable(layout.KEY_IMAGE, "the key's before-image is gone")
        return content

    def _remember_file(self, path: str) -> None:
        if not self.touched(path):
            content, attributes = self._host.read(path), self._host.attributes(path)
            entry: dict[str, t.Any] = {"kind": "file", "path": path, "content": None, **_fields(attributes)}
            if path == layout.KEY and content is not None:
                self._make_state_folder()
                self._host.write(layout.KEY_IMAGE, content, Attributes(0o600))
                entry["beside"] = True
            elif content is not None:
                entry["content"] = base64.b64encode(content).decode()
            self._entries.append(entry)

    def _remember_folder(self, path: str) -> None:
        entry = {"kind": "folder", "path": path}
        if not os.path.isdir(path) and entry not in self._entries:
            self._remember_folder(os.path.dirname(path))
            self._entries.append(entry)

    def _make_state_folder(self) -> None:
        if not os.path.isdir(layout.STATE):
            self._remember_folder(layout.STATE)
            os.makedirs(layout.STATE, mode=0o700)
            sync_folder(os.path.dirname(layout.STATE))

    def _save(self) -> None:
        self._make_state_folder()
        data = {
            "way_back": as_data(self.way_back),
            "pid": self.pid,
            "level": self.level,
            "entries": self._entries,
            "discard": None if self.discard is None else as_data(self.discard),
        }
        self._host.write(layout.JOURNAL, json.dumps(data).encode(), Attributes(0o600))


def _unreadable(path: str, reason: str) -> Failure:
    return Failure(
        "state_unreadable",
        thing=path,
        reason=f"a previous run was interrupted, and {reason}",
        cure=f"Remove {layout.JOURNAL}, then run again: the host is then compared with the task as usual",
    )


def _attributes(entry: t.Mapping[str, t.Any]) -> Attributes:
    return Attributes(entry["mode"], entry["uid"], entry["gid"])


def _fields(attributes: Attributes | None) -> dict[str, int]:
    attributes = attributes or Attributes(0)
    return {"mode": attributes.mode, "uid": attributes.uid, "gid": attributes.gid}
