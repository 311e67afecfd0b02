# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes to a host's files that can be taken back, also by the next run where this one was killed.

Before each change its before-image goes into a journal on the disk. A journal that is still there means that a run
did not end: M(Transaction.interrupted) finds it.
"""

from __future__ import annotations

__all__ = ("Transaction",)

import base64
import contextlib
import json
import os
import shutil
import typing as t

from .._shared.failure import Failure
from . import layout
from .host import Attributes, Host, sync_folder


class Transaction:
    """Write and remove files and folders through this object, then M(commit) or M(roll_back)."""

    def __init__(self, host: Host, entries: list[dict[str, t.Any]] | None = None) -> None:
        self._host = host
        self._entries = entries or []

    @classmethod
    def interrupted(cls, host: Host) -> Transaction | None:
        """Return the transaction of a run that was killed, to be rolled back; None: there is none.

        Failure: C(state_unreadable).
        """
        journal = host.read(layout.JOURNAL)
        try:
            return None if journal is None else cls(host, json.loads(journal))
        except ValueError as exc:
            raise Failure(
                "state_unreadable",
                thing=layout.JOURNAL,
                reason=f"a run was cut off, and the list of what it had changed is damaged ({exc})",
                cure="Remove it, and run again: what differs from what is asked is put right",
            ) from exc

    @property
    def touched_services(self) -> bool:
        """Whether systemd or dockerd may already have seen the changes."""
        return any(entry["kind"] == "services" for entry in self._entries)

    def touched(self, path: str) -> bool:
        """Whether this file may have been changed."""
        return any(entry["kind"] == "file" and entry["path"] == path for entry in self._entries)

    @property
    def live_restore(self) -> bool:
        """Whether dockerd can be started with live-restore (not in swarm mode)."""
        return all(entry.get("live_restore", True) for entry in self._entries)

    @property
    def sockets(self) -> list[str]:
        """Socket units of others that are to be started anew on the way back."""
        return [unit for entry in self._entries for unit in entry.get("sockets", [])]

    @property
    def was_running(self) -> bool:
        """Whether dockerd ran when this began."""
        return all(entry.get("was_running", True) for entry in self._entries)

    @property
    def files(self) -> list[str]:
        """The files that may have been changed."""
        return [entry["path"] for entry in self._entries if entry["kind"] == "file"]

    def about_to_touch_services(
        self, *, live_restore: bool, sockets: t.Sequence[str] = (), was_running: bool = True
    ) -> None:
        """Note that from here on, going back takes a restart too."""
        entry = {"live_restore": live_restore, "sockets": list(sockets), "was_running": was_running}
        self._note({"kind": "services", **entry})

    def before(self, path: str) -> tuple[bytes | None, Attributes]:
        """Return the file's before-image where there is one, else what it is now."""
        for entry in self._entries:
            if entry["kind"] == "file" and entry["path"] == path:
                content = None if entry["content"] is None else base64.b64decode(entry["content"])
                return content, Attributes(entry["mode"], entry["uid"], entry["gid"])
        return self._host.read(path), self._host.attributes(path) or Attributes(0o644)

    def make_folder(self, path: str) -> None:
        """Make the folder and its missing parents; each of them is taken away again by M(roll_back)."""
        mode = layout.FOLDERS.get(path, 0o755)
        if not os.path.isdir(path):
            self.make_folder(os.path.dirname(path))
            self._note({"kind": "folder", "path": path})
            # Noting may have made it: the journal lies in one of them.
            if not os.path.isdir(path):
                os.mkdir(path, mode)
                os.chmod(path, mode)
        if path in layout.FOLDERS and self._host.attributes(path) != Attributes(mode):
            os.chown(path, 0, 0)
            os.chmod(path, mode)

    def write(self, path: str, content: bytes, attributes: Attributes) -> None:
        if self._host.read(path) == content and self._host.attributes(path) == attributes:
            return
        self.note_file(path)
        self._host.write(path, content, attributes)

    def remove(self, path: str) -> None:
        if os.path.lexists(path):
            self.note_file(path)
            os.unlink(path)

    def note_file(self, path: str) -> None:
        """Record the file as it is now, before something else than this object changes it."""
        if self.touched(path):
            return
        content, attributes = self._host.read(path), self._host.attributes(path) or Attributes(0)
        image = None if content is None else base64.b64encode(content).decode()
        self._note(
            {
                "kind": "file",
                "path": path,
                "content": image,
                "mode": attributes.mode,
                "uid": attributes.uid,
                "gid": attributes.gid,
            }
        )

    def commit(self) -> None:
        """Make the changes final."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(layout.JOURNAL)

    def roll_back(self, *, but: str = "") -> None:
        """Put every file (but one) and folder back as it was, the last change first. The journal stays meanwhile."""
        for entry in reversed(self._entries):
            if entry["kind"] == "file" and entry["path"] != but:
                self._put_back(entry)
        # Folders only now: the files that other programs made in them meanwhile (a log, a cache) keep them.
        for entry in reversed(self._entries):
            if entry["kind"] == "folder" and entry["path"] == layout.BUNDLE:
                shutil.rmtree(layout.BUNDLE, ignore_errors=True)
            elif entry["kind"] == "folder" and entry["path"] != layout.STATE:
                with contextlib.suppress(OSError):
                    os.rmdir(entry["path"])

    def forget_state(self) -> None:
        """Take away our own folder where this transaction made it, the journal with it."""
        if any(entry["kind"] == "folder" and entry["path"] == layout.STATE for entry in self._entries):
            shutil.rmtree(layout.STATE, ignore_errors=True)

    def _put_back(self, entry: t.Mapping[str, t.Any]) -> None:
        path = entry["path"]
        content, attributes = self.before(path)
        # What a killed run had begun to write; the file itself may be as it was.
        self._host.drop_unfinished(path)
        if self._host.read(path) == content and (content is None or self._host.attributes(path) == attributes):
            return
        if entry["content"] is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._host.put(path, content, attributes)

    def _note(self, entry: dict[str, t.Any]) -> None:
        self._entries.append(entry)
        if not os.path.isdir(layout.STATE):
            if entry.get("path") != layout.STATE:
                self._entries.insert(0, {"kind": "folder", "path": layout.STATE})
            os.makedirs(layout.STATE, mode=0o700)
            sync_folder(os.path.dirname(layout.STATE))
        self._host.write(layout.JOURNAL, json.dumps(self._entries).encode(), Attributes(0o600))
