# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When certificates expire, on a time line whose near end is stretched. Pure."""

from __future__ import annotations

__all__ = ("make_timeline", "next_to_expire")

import math
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

from ..model import Overview
from ..text import as_printable, day_of, describe_left
from .health import HEALTHS, health_of_certificate

#: Bars side by side, and the share of the line, in percent, that is for what has expired.
_BINS = 36
_PAST = 6.0
#: Days in which the line's near end is stretched.
_NEAR = 10.0
_TICKS = {7: "1 w", 30: "1 m", 90: "3 m", 365: "1 y", 3 * 365: "3 y", 10 * 365: "10 y", 30 * 365: "30 y"}
_NAMED = 12
_SOONEST = 6
_ORDER = tuple(HEALTHS)


class _Item(t.NamedTuple):
    lane: str
    name: str
    facts: CertificateFacts


def make_timeline(overview: Overview) -> dict[str, t.Any]:
    """Return lanes of bars, and ticks, with their places in percent of the line."""
    items = list(_items(overview))
    days = [item.facts.days_left(overview.now) for item in items]
    last = max([365.0, *days]) * 1.1
    lanes = []
    for lane in ("Authorities", "Clients", "Servers"):
        bins: dict[int, list[_Item]] = {}
        for item, left in zip(items, days):
            if item.lane == lane:
                bins.setdefault(_bin(left, last), []).append(item)
        most = max(map(len, bins.values()), default=1)
        bars = [_bar(number, found, most, overview) for number, found in sorted(bins.items())]
        lanes.append({"name": lane, "count": sum(map(len, bins.values())), "bars": bars})
    ticks = [{"left": _place(tick, last), "text": text} for tick, text in _TICKS.items() if tick < last * 0.9]
    return {"lanes": lanes, "ticks": ticks}


def next_to_expire(overview: Overview) -> list[dict[str, str]]:
    """Return the certificates that expire first, those that have expired included."""
    items = sorted(_items(overview), key=lambda item: item.facts.not_after)[:_SOONEST]
    return [
        {
            "what": item.lane[:-1].lower() if item.lane != "Authorities" else "authority",
            "name": item.name,
            "left": describe_left(item.facts, overview.now),
            "day": day_of(item.facts),
            "health": health_of_certificate(item.facts, overview.now),
        }
        for item in items
    ]


def _items(overview: Overview) -> t.Iterator[_Item]:
    for authority in overview.authorities:
        if authority.certificate is not None:
            yield _Item("Authorities", authority.fleet, authority.certificate)
    for client in overview.clients:
        if client.certificate is not None and not client.revoked:
            yield _Item("Clients", as_printable(client.name), client.certificate)
    for endpoint in overview.endpoints:
        if endpoint.server is not None:
            yield _Item("Servers", as_printable(endpoint.name), endpoint.server)


def _share(days: float, last: float) -> float:
    return math.log1p(max(days, 0.0) / _NEAR) / math.log1p(last / _NEAR)


def _bin(days: float, last: float) -> int:
    return -1 if days <= 0 else min(int(_share(days, last) * _BINS), _BINS - 1)


def _place(days: float, last: float) -> float:
    return round(_PAST + _share(days, last) * (100 - _PAST), 2)


def _bar(number: int, items: t.Sequence[_Item], most: int, overview: Overview) -> dict[str, t.Any]:
    items = sorted(items, key=lambda item: item.facts.not_after)
    first, last = (day_of(item.facts) for item in (items[0], items[-1]))
    when = f"on {first}" if first == last else f"between {first} and {last}"
    names = ", ".join(item.name for item in items[:_NAMED])
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    verb = "expired" if number < 0 else "expires" if len(items) == 1 else "expire"
    width = (100 - _PAST) / _BINS
    healths = [health_of_certificate(item.facts, overview.now) for item in items]
    return {
        "left": 1.5 if number < 0 else round(_PAST + number * width, 2),
        "width": round(width, 2),
        "share": round(0.2 + 0.8 * math.sqrt(len(items) / most), 2) if most > 1 else 0.6,
        "health": min(healths, key=_ORDER.index),
        "count": len(items),
        "text": f"{names}{more}: {verb} {when}",
    }
