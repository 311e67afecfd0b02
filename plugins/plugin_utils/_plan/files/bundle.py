# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle on a host: CA, certificate and key, and what the host remembers of them."""

from __future__ import annotations

__all__ = ("bundle_changes", "is_unknown")

import hashlib

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..desired import ServerFiles
from ..host.observation import Attributes
from .change import FileChange

_TEXT = Attributes(0o644)
#: CIS Docker Benchmark 3.x: certificates 0444, server key 0400, root:root.
_CERTIFICATE, _KEY = Attributes(0o444), Attributes(0o400)


def bundle_changes(files: ServerFiles) -> list[FileChange]:
    """Return what has to be on the host."""
    trust = [FileChange(layout.TRUST, files.trust, Attributes(0o600))] if files.of_fleet else []
    known = None if files.ca is None else f"{hashlib.sha256(files.ca).hexdigest()}\n".encode()
    return [
        *trust,
        FileChange(layout.CA_DIGEST, known, _TEXT),
        FileChange(layout.CA, files.ca, _CERTIFICATE),
        FileChange(layout.CERTIFICATE, files.certificate, _CERTIFICATE),
        FileChange(layout.KEY, None, _KEY, secret=files.key_secret),
        *([] if files.revocation_lists is None else [FileChange(layout.CRL, files.revocation_lists.content, _TEXT)]),
    ]


def is_unknown(change: FileChange, files: ServerFiles | None) -> bool:
    """Whether a file of the bundle will differ, though check mode does not know how."""
    if files is None:
        return False
    unknown = dict.fromkeys((layout.CA, layout.CA_DIGEST), files.ca is None)
    unknown |= {layout.TRUST: files.trust is None, layout.CERTIFICATE: files.certificate is None}
    unknown[layout.CRL] = files.revocation_lists is not None and files.revocation_lists.content is None
    return unknown.get(change.path, change.path == layout.KEY and files.key_is_new)
