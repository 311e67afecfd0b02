# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words for people: days left, and text of unknown origin that does no harm on a terminal or in a file. Pure."""

from __future__ import annotations

__all__ = ("as_encodable", "as_printable", "day_of", "describe_left", "natural", "width_of")

import datetime
import re
import typing as t
import unicodedata

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts


def as_encodable(text: str) -> str:
    """Return the text with C(?) for halves of surrogate pairs, which JSON can hold and UTF-8 can't."""
    return text.encode("utf-8", "replace").decode()


def as_printable(text: str) -> str:
    """Return the text with C(?) for control characters, those of terminals and of the direction of text included."""
    return "".join(char if char.isprintable() else "?" for char in text)


def width_of(text: str) -> int:
    """Return the number of columns that a terminal needs for it."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def natural(name: str) -> list[t.Any]:
    """Return a key by which web2 comes before web10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def describe_left(facts: CertificateFacts | None, now: datetime.datetime) -> str:
    """Return, for example, C(9.9 y), C(12 d), C(5 h), C(expired); C(-): nothing is known, or nothing applies."""
    if facts is None:
        return "-"
    left = facts.not_after - now
    if left <= datetime.timedelta(0):
        return "expired"
    if left.days >= 730:
        return f"{left.days / 365:.1f} y"
    return f"{left.days} d" if left.days else f"{int(left.total_seconds() // 3600)} h"


def day_of(facts: CertificateFacts | None) -> str:
    """Return the day on which it expires, in UTC."""
    return "-" if facts is None else f"{facts.not_after:%Y-%m-%d}"
