# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of daemon.json on the way back and for a start, as bytes. Pure."""

from __future__ import annotations

__all__ = ("undo_daemon_json", "with_live_restore", "without_hosts", "without_tcp_hosts")

from .._guard.daemon_json import merge, parse, raw_values, restore
from .._guard.daemon_json import without_tcp_hosts as _without_tcp_hosts
from .._shared import layout


def undo_daemon_json(current: bytes, original: bytes | None) -> bytes | None:
    """Return daemon.json with our keys as in the original, and the user's edits since; None: no file.

    Raises ValueError.
    """
    before = _text(original)
    reverted = restore(_text(current), raw_values(before, layout.OUR_KEYS))
    return original if parse(reverted) == parse(before) else _bytes(reverted)


def with_live_restore(content: bytes | None, *, on: bool = True) -> bytes:
    """Return daemon.json with live-restore set. Raises ValueError."""
    return _bytes(merge(_text(content), {"live-restore": on}))


def without_hosts(content: bytes) -> bytes:
    """Return daemon.json without C(hosts). Raises ValueError."""
    return _bytes(restore(_text(content), {"hosts": None}))


def without_tcp_hosts(content: bytes | None) -> bytes:
    """Return daemon.json without its TCP ports. Raises ValueError."""
    return _bytes(_without_tcp_hosts(_text(content)))


def _text(content: bytes | None) -> str:
    # dockerd accepts strings that are not UTF-8.
    return (content or b"").decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
