# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's key while the controller signs its certificate: it waits on the host, in memory, under a name."""

from __future__ import annotations

__all__ = ("drop", "drop_stale", "make", "read")

import contextlib
import os
import re
import time
import typing as t
from pathlib import Path

from .._shared import layout
from .._shared.failure import Failure

#: Seconds that a key waits for its certificate; the run that made it has ended by then.
_LIFE = 600
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def make(name: str, make_key: t.Callable[[str], None]) -> str:
    """Make a key under this name and return its path. A key that waits under the name already is kept.

    C(make_key) writes the key to a path, mode 0600. Failure: C(pending_key_name).
    """
    path = _path(name)
    drop_stale()
    if os.path.exists(path):
        return path
    os.makedirs(layout.PENDING_KEYS, 0o700, exist_ok=True)
    # Complete or not there at all.
    unfinished = f"{path}.new"
    try:
        make_key(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished)
        drop(name)
        raise
    return path


def read(name: str) -> bytes:
    """Return the key, in PEM. Failures: C(pending_key_missing), C(pending_key_name)."""
    path = _path(name)
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as exc:
        raise Failure(
            "pending_key_missing",
            thing=path,
            reason="the key that the certificate was signed for is gone (did the host reboot, or another run finish?)",
            cure="Run again",
        ) from exc


def drop(name: str) -> None:
    """Remove the key, and the folder if it is empty. Failure: C(pending_key_name)."""
    Path(_path(name)).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        # Another run's key may wait there, too.
        os.rmdir(layout.PENDING_KEYS)


def drop_stale() -> None:
    """Remove keys that nobody waits for any more."""
    for path in Path(layout.PENDING_KEYS).glob("*.pem*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _LIFE:
                path.unlink()


def _path(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Failure(
            "pending_key_name",
            thing=f"the key's name {name!r}",
            reason="it has to consist of letters, digits, - and _",
            cure="Run the collection's own plugins on the controller; they choose such names",
        )
    return f"{layout.PENDING_KEYS}/{name}.pem"
