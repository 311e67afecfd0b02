# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file's change, and how it is told to people."""

from __future__ import annotations

__all__ = ("FileChange", "diff_of")

import hashlib
import typing as t
from dataclasses import dataclass

from . import layout
from .host import Attributes
from .observe import Observed

_NOT_SHOWN = (layout.CA, layout.CERTIFICATE, layout.KEY, layout.WHAT_WAS)


@dataclass(frozen=True)
class FileChange:
    """One file to write, or (both None) to remove; C(content) None with attributes: not known yet."""

    path: str
    content: bytes | None
    attributes: Attributes | None
    #: On the way to another text, so that dockerd can start at any moment.
    is_interim: bool = False

    @property
    def removes(self) -> bool:
        return self.attributes is None

    def describe(self) -> str:
        return f"{'remove' if self.removes else 'write'} {self.path}"


def diff_of(observed: Observed, changes: t.Iterable[FileChange]) -> tuple[dict[str, str], ...]:
    """Texts as they are; the guard's program by its digest; the bundle is the controller's to describe."""
    entries = []
    for change in changes:
        if change.path in _NOT_SHOWN:
            continue
        before, after = observed.content(change.path), change.content
        if change.path.startswith(layout.GUARD):
            before, after = _digest(before), _digest(after)
        entries.append(
            {
                "before_header": change.path,
                "after_header": change.path,
                "before": (before or b"").decode(errors="replace"),
                "after": (after or b"").decode(errors="replace"),
            }
        )
    return tuple(entries)


def _digest(content: bytes | None) -> bytes | None:
    return None if content is None else f"sha256: {hashlib.sha256(content).hexdigest()}\n".encode()
