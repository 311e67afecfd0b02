# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's key that is made on the controller."""

from __future__ import annotations

__all__ = ("read_key_here",)

from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.keys import key_type_of, load_private_key


def read_key_here(path: Path, key_type: str) -> str | None:
    """Return the key that stays under a new certificate; None: there is none yet, as in check mode."""
    try:
        text = path.read_text(encoding="ascii")
        key = load_private_key(text.encode(), path=str(path))
    except (OSError, ValueError, Failure):
        return None
    return text if key_type_of(key.public_key()) == key_type else None
