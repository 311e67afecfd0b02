# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests in HTTP/2, RFC 9113, framed by hand: their headers are literals without an index, RFC 7541 section 6.2.2."""

from __future__ import annotations

import struct
import typing as t

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _SETTINGS = 1, 4
_END_STREAM, _END_HEADERS = 1, 4


def conversation(*requests: t.Mapping[str, str]) -> bytes:
    """Return the bytes of a connection with these requests, given by their headers, pseudo-headers included."""
    frames = [_PREFACE, _frame(_SETTINGS, 0, 0, b"")]
    for number, headers in enumerate(requests):
        block = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers.items())
        frames.append(_frame(_HEADERS, _END_STREAM | _END_HEADERS, 2 * number + 1, block))
    return b"".join(frames)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _text(value: str) -> bytes:
    encoded = value.encode()
    if len(encoded) > 126:
        raise ValueError("a length of one byte is all that is written here")
    return bytes([len(encoded)]) + encoded
