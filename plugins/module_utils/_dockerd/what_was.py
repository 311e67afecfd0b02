# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host was before its first exposure, kept on the host so that withdrawing can restore it to the byte."""

from __future__ import annotations

__all__ = ("WhatWas",)

import base64
import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass

from .daemon_json import parse, raw_values, restore

#: All that we ever put into daemon.json.
OUR_KEYS = ("tlsverify", "tlscacert", "tlscert", "tlskey", "live-restore")


@dataclass(frozen=True)
class WhatWas:
    """C(daemon_json): its content in base64, None where there was no file; C(folders): those that we made."""

    daemon_json: str | None
    folders: tuple[str, ...]
    #: SHA-256 of daemon.json as we left it: as long as it matches, the original comes back to the byte.
    written: str

    @classmethod
    def of(cls, daemon_json: bytes | None, folders: t.Iterable[str], written: bytes) -> WhatWas:
        image = None if daemon_json is None else base64.b64encode(daemon_json).decode()
        return cls(image, tuple(folders), _digest(written))

    @classmethod
    def read(cls, content: bytes) -> WhatWas:
        fields = json.loads(content)
        return cls(fields["daemon_json"], tuple(fields["folders"]), fields["written"])

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    def original_daemon_json(self) -> bytes | None:
        return None if self.daemon_json is None else base64.b64decode(self.daemon_json)

    def undo(self, current: bytes | None) -> bytes | None:
        """Return daemon.json without our doing; None: no file.

        Where the user has edited it since, only our keys go back to what they were, and the edits stay.
        """
        original = self.original_daemon_json()
        if current is None or _digest(current) == self.written:
            return original
        text = current.decode()
        reverted = restore(text, raw_values((original or b"").decode(), OUR_KEYS))
        if parse(reverted) == parse((original or b"").decode()):
            return original
        return reverted.encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
