# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host was before its first exposure, kept on the host so that withdrawing can restore it to the byte."""

from __future__ import annotations

__all__ = ("OUR_KEYS", "Kept", "WhatWas", "undo_daemon_json")

import base64
import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass, field

from .._shared.failure import Failure
from . import layout
from .daemon_json import parse, raw_values, restore
from .host import Attributes
from .options_block import without_block

#: All that we ever put into daemon.json.
OUR_KEYS = ("hosts", "tls", "tlsverify", "tlscacert", "tlscert", "tlskey", "live-restore")


@dataclass(frozen=True)
class Kept:
    """A file of somebody else's that we have changed. C(content): in base64, None where there was no file."""

    content: str | None
    mode: int
    uid: int
    gid: int
    #: SHA-256 of the file as we left it: as long as it matches, the original comes back to the byte.
    written: str

    @classmethod
    def of(cls, before: tuple[bytes, Attributes] | None, written: bytes | None) -> Kept:
        if before is None:
            return cls(None, 0o644, 0, 0, digest(written))
        content, attributes = before
        return cls(base64.b64encode(content).decode(), attributes.mode, attributes.uid, attributes.gid, digest(written))

    @property
    def original(self) -> bytes | None:
        return None if self.content is None else base64.b64decode(self.content)

    @property
    def attributes(self) -> Attributes:
        return Attributes(self.mode, self.uid, self.gid)


@dataclass(frozen=True)
class WhatWas:
    """C(files): those of others that we changed, by path; C(folders): those that we made."""

    #: How the listener was put in place.
    method: str = ""
    files: t.Mapping[str, Kept] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    #: The files of a listener that was there before us.
    adopted: tuple[str, ...] = ()
    #: False: plain TCP.
    is_tls: bool = True
    #: Socket units of that listener, those that were active.
    sockets: tuple[str, ...] = ()

    @classmethod
    def read(cls, content: bytes) -> WhatWas:
        """Read what was kept. Failure: C(state_unreadable)."""
        try:
            fields = json.loads(content)
            files = {path: Kept(**kept) for path, kept in fields["files"].items()}
            folders, adopted, sockets = (tuple(fields[name]) for name in ("folders", "adopted", "sockets"))
            return cls(fields["method"], files, folders, adopted, fields["is_tls"], sockets)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise Failure(
                "state_unreadable",
                thing=layout.WHAT_WAS,
                reason=f"the memory of what was on this host before is damaged ({exc!r})",
                cure="Put it back from a backup, or remove it; then only what can be told to be ours goes at the end",
            ) from exc

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode() + b"\n"

    def undo(self, path: str, current: bytes | None) -> bytes | None:
        """Return the file without our doing; None: no file.

        Where the user has edited it since, only what is ours goes out of it, and the edits stay.
        """
        kept = self.files.get(path)
        if kept is None:
            return current
        original = kept.original
        if digest(current) == kept.written:
            return original
        if path == layout.DAEMON_JSON:
            return original if current is None else undo_daemon_json(current, original)
        if current is None:
            # Put aside by us, or removed by somebody since.
            return original if kept.written == digest(None) else None
        without = without_block(current)
        return original if original is None and not without.strip() else without

    def users_daemon_json(self, current: bytes | None) -> bytes | None:
        """Return daemon.json without our doing, also where what it was is not remembered (any more)."""
        if layout.DAEMON_JSON in self.files:
            return self.undo(layout.DAEMON_JSON, current)
        if current is None or (self.method != "daemon_json" and parse(current.decode()).get("tlscacert") != layout.CA):
            return current
        # Only our keys go, and no file is taken for one of ours.
        return undo_daemon_json(current, None) or b"{}\n"


def digest(content: bytes | None) -> str:
    """Return SHA-256 in hex; empty for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def undo_daemon_json(current: bytes, original: bytes | None) -> bytes | None:
    """Return daemon.json with our keys as they were in the original, and the user's edits since; None: no file."""
    before = (original or b"").decode()
    reverted = restore(current.decode(), raw_values(before, OUR_KEYS))
    return original if parse(reverted) == parse(before) else reverted.encode()
