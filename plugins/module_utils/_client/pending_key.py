# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key while its certificate is being signed: it waits in our folder, closed to others, under a name of its own."""

from __future__ import annotations

__all__ = ("drop_pending_key", "drop_stale_keys", "make_pending_key", "read_pending_key")

import contextlib
import os
import secrets
import time
import typing as t
from pathlib import Path

from .._shared.failure import Failure
from .layout import Layout

#: Seconds that a key waits for its certificate; after that, the run that made it has long ended.
_LIFE = 600


def make_pending_key(
    layout: Layout, make_key: t.Callable[[str], None], make_csr: t.Callable[[str], str]
) -> dict[str, str]:
    """Return the CSR and the key's name."""
    name = secrets.token_hex(8)
    path = layout.pending(name)
    try:
        make_key(path)
        return {"csr": make_csr(path), "pending": name}
    except BaseException:
        drop_pending_key(layout, name)
        raise


def read_pending_key(layout: Layout, name: str) -> bytes:
    """Return the key, in PEM. Failure: C(pending_key_missing)."""
    try:
        descriptor = os.open(layout.pending(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise Failure(
            "pending_key_missing",
            thing=layout.pending(name),
            reason="the key that the certificate was signed for is gone (did another run finish?)",
            cure="Run again",
        ) from exc
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def drop_pending_key(layout: Layout, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.pending(name))


def drop_stale_keys(layout: Layout) -> None:
    """Remove what runs that were cut off have left."""
    for path in Path(layout.state).glob(".pending-*.pem"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.lstat().st_mtime > _LIFE:
                path.unlink()
