# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's key while its certificate is being signed: it waits on the host, in memory, under a name of its own."""

from __future__ import annotations

__all__ = ("drop_pending_key", "make_pending_key", "read_pending_key")

import contextlib
import os
import secrets
import shutil
import time
import typing as t
from pathlib import Path

from .._shared.failure import Failure
from . import layout

#: Seconds that a key waits for its certificate; after that, the run that made it has long ended.
_LIFE = 600


def make_pending_key(
    make_key: t.Callable[[str], None], make_request: t.Callable[[str], str], *, reuse: bool
) -> dict[str, str]:
    """Return the CSR and the key's name. With C(reuse), the key is a copy of the one that is in place."""
    _drop_stale()
    os.makedirs(layout.PENDING, 0o700, exist_ok=True)
    name = secrets.token_hex(8)
    path = _path(name)
    try:
        if reuse:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            shutil.copyfile(layout.KEY, path)
        else:
            make_key(path)
        return {"request": make_request(path), "pending": name}
    except BaseException:
        drop_pending_key(name)
        raise


def read_pending_key(name: str) -> bytes:
    """Return the key, in PEM. Failure: C(pending_key_missing)."""
    try:
        return Path(_path(name)).read_bytes()
    except FileNotFoundError as exc:
        raise Failure(
            "pending_key_missing",
            thing=_path(name),
            reason="the key that the certificate was signed for is gone (did the host reboot, or another run finish?)",
            cure="Run again",
        ) from exc


def drop_pending_key(name: str) -> None:
    Path(_path(name)).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        # Another run's key may wait there, too.
        os.rmdir(layout.PENDING)


def _drop_stale() -> None:
    for path in Path(layout.PENDING).glob("*.pem"):
        if time.time() - path.stat().st_mtime > _LIFE:
            drop_pending_key(path.stem)


def _path(name: str) -> str:
    return f"{layout.PENDING}/{name}.pem"
