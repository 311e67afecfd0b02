# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file's change, and its entry in a diff."""

from __future__ import annotations

__all__ = ("FileChange", "changes_of", "diff_of")

import hashlib
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Remove, Step, Write

from ..host.observation import Attributes
from ..host.observed import Observed

#: The bundle is described by the controller; originals.json repeats what other entries show; digests say nothing.
_NOT_SHOWN = (
    layout.CA,
    layout.CA_DIGEST,
    layout.CERTIFICATE,
    layout.CRL,
    layout.GATEWAY_DIGESTS,
    layout.KEY,
    layout.ORIGINALS,
    layout.TRUST,
)


@dataclass(frozen=True)
class FileChange:
    """One file to write, or (C(attributes) None) to remove.

    C(content) None with attributes: it comes as a secret, is not known yet, or stays, and only owner and mode change.
    """

    path: str
    content: bytes | None
    attributes: Attributes | None
    #: On the way to another text, so that dockerd can start at any moment.
    is_interim: bool = False
    #: The name of the secret that has the content.
    secret: str | None = None

    @property
    def removes(self) -> bool:
        return self.attributes is None

    def differs(self, observed: Observed) -> bool:
        """Whether the host has something else."""
        there = observed.files.get(self.path)
        if there is None:
            return not self.removes
        if self.secret is not None or there.attributes != self.attributes:
            return True
        return self.content is not None and hashlib.sha256(self.content).hexdigest() != there.sha256

    def differs_in_content(self, observed: Observed) -> bool:
        """Whether more than owner and mode is different, as far as that is known."""
        there = observed.files.get(self.path)
        if there is None or self.removes or self.secret is not None:
            return True
        return self.content is not None and hashlib.sha256(self.content).hexdigest() != there.sha256

    def as_step(self) -> Step:
        if self.attributes is None:
            return Remove(self.path)
        content = None if self.content is None else self.content.decode("utf-8", "surrogateescape")
        owner = self.attributes
        return Write(self.path, content, self.secret, owner.mode, owner.uid, owner.gid, self.is_interim)


def changes_of(steps: t.Iterable[Step]) -> list[FileChange]:
    """Return what steps that a firewall kind has planned do to files; of several for one file, the last."""
    found: dict[str, FileChange] = {}
    for step in steps:
        if isinstance(step, Write):
            content = (step.content or "").encode("utf-8", "surrogateescape")
            found[step.path] = FileChange(step.path, content, Attributes(step.mode, step.uid, step.gid))
        elif isinstance(step, Remove):
            found[step.path] = FileChange(step.path, None, None)
    return list(found.values())


def diff_of(observed: Observed, changes: t.Iterable[FileChange]) -> tuple[dict[str, str], ...]:
    """Return diff entries: texts as they are, the guard's program by its digest."""
    entries = []
    for change in changes:
        if change.path in _NOT_SHOWN or change.is_interim:
            continue
        before, after = observed.content(change.path) or b"", change.content or b""
        if change.path.startswith(layout.GUARD):
            there = observed.files.get(change.path)
            before = f"sha256: {there.sha256}\n".encode() if there else b""
            after = b"" if change.removes else f"sha256: {hashlib.sha256(after).hexdigest()}\n".encode()
        entries.append(
            {
                "before_header": change.path,
                "after_header": change.path,
                "before": before.decode(errors="replace"),
                "after": after.decode(errors="replace"),
            }
        )
    return tuple(entries)
