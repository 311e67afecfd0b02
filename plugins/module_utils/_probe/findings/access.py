# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about who can use the port. Pure."""

from __future__ import annotations

__all__ = ("find_access", "find_http2", "find_wildcards")

import re
import typing as t

from .finding import Finding

_TLS_ITEM = "2.7"
_MUTUAL = "Expose the daemon with TLS and client certificates (role gangway.docker.expose)"
_WILDCARDS = ("0.0.0.0", "::", "*", "any", "")  # noqa: S104
_VERSION = re.compile(r"(\d+)\.(\d+)")


def find_access(
    *, plain: t.Optional[str], no_certificate: t.Optional[str], foreign_certificate: t.Optional[str]
) -> t.Iterator[Finding]:
    """Yield findings by what strangers got, see C(Strangers)."""
    if plain == "answered":
        text = "The API answers without TLS. Anyone who can reach the port has root on the host."
        yield Finding("plain", "critical", _TLS_ITEM, text, _MUTUAL)
    if no_certificate == "answered":
        text = "The API answers clients without a certificate. Anyone who can reach the port has root on the host."
        yield Finding("no_client_certificate", "critical", _TLS_ITEM, text, _MUTUAL)
    elif foreign_certificate == "answered":
        text = "The API accepts client certificates of any CA. Anyone who can reach the port has root on the host."
        yield Finding("any_client_certificate", "critical", _TLS_ITEM, text, _MUTUAL)


def find_wildcards(listen: t.Iterable[str], *, severity: str = "medium") -> t.Iterator[Finding]:
    """Yield a finding for each ADDRESS:PORT (or URL) that is every address of the host."""
    for listener in listen:
        place = listener.rpartition("://")[2]
        if place.rpartition(":")[0].strip("[]") in _WILDCARDS:
            text = f"dockerd listens on {place}: on every address of the host, those of public networks included."
            fix = "Listen on the address of the management network only (expose_listen in the role)"
            yield Finding("wildcard_address", severity, _TLS_ITEM, text, fix)


def find_http2(engine_version: t.Optional[str], *, offered: t.Optional[bool], strangers: bool) -> t.Iterator[Finding]:
    """Yield the finding for Engine 29.2 to 29.8, whose port speaks HTTP/2 with the flaws of Go of that time.

    C(offered): whether the port chose HTTP/2, where that was tried. C(strangers): whether they can use the API.
    """
    matched = _VERSION.match(engine_version or "")
    if offered is False or matched is None or not (29, 2) <= (int(matched[1]), int(matched[2])) < (29, 9):
        return
    who = "Anyone who can reach the port" if strangers else "Any client with a certificate"
    text = (
        f"Engine {engine_version} speaks HTTP/2 on this port. {who} can crash the daemon or exhaust its memory "
        "(CVE-2026-97032, CVE-2026-78659, CVE-2026-78663, CVE-2026-78669)."
    )
    severity = "high" if strangers else "medium"
    yield Finding("http2", severity, None, text, "Update the engine to 29.9 or later")
