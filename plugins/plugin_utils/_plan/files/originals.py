# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of others as they were before we changed them, kept on the host so that withdrawing restores them."""

from __future__ import annotations

__all__ = ("Original", "Originals")

import base64
import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import parse, raw_values, restore
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import without_block

from ..host.answer import Answer
from ..host.observation import Attributes

#: The names of methods.
_METHODS = ("socket", "override", "options_file", "daemon_json", "gateway")


@dataclass(frozen=True)
class Original:
    """A file of others that we changed. C(content): in base64; None: there was no file."""

    content: str | None
    mode: int
    uid: int
    gid: int
    #: SHA-256 of the file as we left it. While it matches, the original comes back byte for byte.
    written: str

    @classmethod
    def of(cls, before: tuple[bytes, Attributes] | None, written: bytes | None) -> Original:
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
class Originals:
    """C(files): those of others that we changed, by path; C(folders): those that we made."""

    #: How the listener was put in place.
    method: str = ""
    files: t.Mapping[str, Original] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    #: The files of a listener that was there before us.
    adopted: tuple[str, ...] = ()
    #: False: plain TCP.
    is_tls: bool = True
    #: Socket units of that listener, those that were active.
    sockets: tuple[str, ...] = ()

    @classmethod
    def read(cls, content: bytes) -> Originals:
        """Read what the host kept for us: as untrusted as all that a host answers. Failure: C(state_unreadable)."""
        try:
            answer = Answer(json.loads(content), "originals")
            originals = cls(
                answer["method"].one_of("", *_METHODS),
                {path: _original(path, kept) for path, kept in answer["files"].entries().items()},
                tuple(map(Answer.path, answer["folders"].items())),
                tuple(map(Answer.path, answer["adopted"].items())),
                answer["is_tls"].flag(),
                answer["sockets"].names(),
            )
            parse((originals.original_of(layout.DAEMON_JSON) or b"").decode())
        except (Failure, ValueError, RecursionError) as exc:
            raise Failure(
                "state_unreadable",
                thing=layout.ORIGINALS,
                reason=f"the copy of the files as they were before the first run is damaged ({exc})",
                cure="Restore it from a backup, or remove it. Without it, withdrawing removes only what it recognizes",
            ) from exc
        return originals

    def original_of(self, path: str) -> bytes | None:
        """Return the file as it was; None: there was none, or it was not changed."""
        return self.files[path].original if path in self.files else None

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=2, sort_keys=True).encode() + b"\n"

    def undo(self, path: str, current: bytes | None) -> bytes | None:
        """Return the file without our changes; None: no file.

        If the user has edited it since, only our part is removed, and the edits stay.
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
        """Return daemon.json without our changes, also if the original is lost."""
        if layout.DAEMON_JSON in self.files:
            return self.undo(layout.DAEMON_JSON, current)
        if current is None or (self.method != "daemon_json" and parse(current.decode()).get("tlscacert") != layout.CA):
            return current
        # Only our keys go, and no file is taken for one of ours.
        return undo_daemon_json(current, None) or b"{}\n"


def _original(path: str, kept: Answer) -> Original:
    Answer(path, f"a key of {kept.place}").path()
    content = kept["content"].optional(Answer.text)
    if content is not None:
        # As it is decoded later on.
        base64.b64decode(content)
    owner = kept["uid"].integer(), kept["gid"].integer()
    return Original(content, kept["mode"].integer(0, 0o7777), *owner, kept["written"].name())


def digest(content: bytes | None) -> str:
    """Return SHA-256 in hex; empty for no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def undo_daemon_json(current: bytes, original: bytes | None) -> bytes | None:
    """Return daemon.json with our keys as they were in the original, and the user's edits since; None: no file."""
    before = (original or b"").decode()
    reverted = restore(current.decode(), raw_values(before, layout.OUR_KEYS))
    return original if parse(reverted) == parse(before) else reverted.encode()
