# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page shows, in the order and the words in which it does. Pure."""

from __future__ import annotations

__all__ = ("make_view",)

import typing as t
from collections import Counter

from ..model import Client, Endpoint, Overview
from ..rights import RIGHTS
from ..text import as_printable, day_of, describe_left
from .groups import group_findings
from .health import HEALTHS, health_of_certificate, health_of_severity
from .timeline import make_timeline, next_to_expire

#: What cells of the matrix say; the others say the word itself.
_SHORT = {"still_accepted": "still", "refused": "\u2013"}
#: States in which nothing is wrong, or not known to be; the others are bad.
_STATES = {"answers": "good", "recorded": "none", "unverified": "warn"}
_VERIFIED = {True: "yes", False: "no", None: "not tried"}


def make_view(overview: Overview) -> dict[str, t.Any]:
    """Return the template's values."""
    severities = overview.severities()
    endpoints = [
        _endpoint(number, each, overview, severities.get((each.fleet, each.name)))
        for number, each in enumerate(overview.endpoints)
    ]
    counted = Counter(each["health"] for each in endpoints)
    numbers = {(each.fleet, each.name): number for number, each in enumerate(overview.endpoints)}
    fleets = [each.fleet for each in overview.authorities]
    return {
        "time": f"{overview.now:%Y-%m-%d %H:%M} UTC",
        "live": overview.live,
        "fleets": fleets,
        "endpoints": endpoints,
        "healths": [{"name": name, "label": label, "count": counted[name]} for name, label in HEALTHS.items()],
        "counts": overview.counts(),
        "verdict": _verdict(overview),
        "timeline": make_timeline(overview),
        "next": next_to_expire(overview),
        "groups": group_findings(overview, numbers),
        "matrices": [matrix for fleet in fleets if (matrix := _matrix(fleet, overview, numbers))["rows"]],
        "rights": [(right, _SHORT.get(right, right), meaning) for right, meaning in RIGHTS.items()],
        "used_rights": {right for client in overview.clients for right in client.rights.values()},
        "clients": [_client(each, overview) for each in overview.clients],
    }


def _verdict(overview: Overview) -> dict[str, str]:
    """Return the page's first sentence."""
    counts = overview.counts()
    urgent = counts["critical"] + counts["high"]
    if not overview.endpoints and not urgent:
        return {"health": "good", "text": "No daemon is exposed."}
    if urgent:
        return {"health": "bad", "text": f"{urgent} finding{' needs' if urgent == 1 else 's need'} action now."}
    if counts["medium"]:
        medium = counts["medium"]
        return {
            "health": "warn",
            "text": f"Nothing is urgent. {medium} finding{' is' if medium == 1 else 's are'} due.",
        }
    return {"health": "good", "text": "Nothing needs action."}


def _endpoint(number: int, endpoint: Endpoint, overview: Overview, severity: str | None) -> dict[str, t.Any]:
    dates = [
        {
            "head": head,
            "left": describe_left(facts, overview.now),
            "day": day_of(facts),
            "order": "" if facts is None else int(facts.not_after.timestamp()),
            "health": health_of_certificate(facts, overview.now),
        }
        for head, facts in (
            ("Server", endpoint.server),
            ("Clients", endpoint.clients),
            ("Authority", endpoint.authority),
        )
    ]
    return {
        "number": number,
        "fleet": endpoint.fleet,
        "name": as_printable(endpoint.name),
        "url": as_printable(endpoint.url) or "\u2013",
        "active": endpoint.active,
        "engine": as_printable(endpoint.engine_version or "\u2013"),
        "allow": [as_printable(network) for network in endpoint.allow],
        "dates": dates,
        "verified": _VERIFIED[endpoint.verified],
        "state": endpoint.state.replace("_", " "),
        "state_health": _STATES.get(endpoint.state, "bad"),
        "reason": as_printable(endpoint.reason),
        "tls": endpoint.tls,
        "foreign": endpoint.foreign,
        "health": health_of_severity(severity),
        "severity": severity or "none",
    }


def _matrix(fleet: str, overview: Overview, numbers: t.Mapping[tuple[str, str], int]) -> dict[str, t.Any]:
    """Return who can do what where in one fleet: a row for each endpoint, a column for each client."""
    clients = [client for client in overview.clients if client.fleet == fleet]
    rows = []
    for endpoint in overview.endpoints:
        if endpoint.fleet == fleet and endpoint.url and clients:
            rights = [client.rights.get(endpoint.name, "unknown") for client in clients]
            cells = [(right, _SHORT.get(right, right)) for right in rights]
            number = numbers[fleet, endpoint.name]
            rows.append({"number": number, "name": as_printable(endpoint.name), "cells": cells})
    return {"fleet": fleet, "clients": [as_printable(client.name) for client in clients], "rows": rows}


def _client(client: Client, overview: Overview) -> dict[str, t.Any]:
    counted = Counter(client.rights.values())
    return {
        "fleet": client.fleet,
        "name": as_printable(client.name),
        "places": [as_printable(place) for place in client.places],
        "revoked": client.revoked,
        "left": describe_left(client.certificate, overview.now),
        "day": day_of(client.certificate),
        "health": "none" if client.revoked else health_of_certificate(client.certificate, overview.now),
        "rights": [(right, _SHORT.get(right, right), counted[right]) for right in RIGHTS if counted[right]],
        "total": len(client.rights),
    }
