# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings of the same kind together: 500 hosts with the same setting are one thing to fix. Pure."""

from __future__ import annotations

__all__ = ("group_findings",)

import typing as t

from ..model import Noted, Overview
from ..text import as_printable
from .health import health_of_severity

_TITLES = {
    "authority_missing": "The authority is missing",
    "certificate_unknown": "Nothing is known of the certificate",
    "clock_skew": "The daemon's clock is wrong",
    "daemon_warning": "dockerd warns",
    "debug": "dockerd logs at the level debug",
    "expired": "Expired",
    "expires_soon": "Expires soon",
    "file_unreadable": "A file can't be read",
    "fleets_dir_unsafe": "Others can get at the fleet's folder",
    "http2": "HTTP/2 with known flaws",
    "insecure_registry": "Images from insecure registries",
    "key_not_encrypted": "The authority's key is not encrypted",
    "new_privileges": "Containers can gain privileges",
    "no_authorization": "No authorization plugin",
    "no_client_certificate": "No client certificate is needed",
    "no_live_restore": "live-restore is off",
    "no_seccomp": "No seccomp profile",
    "no_userns": "No user namespaces",
    "older_list": "The daemon has an older list of clients",
    "open_access": "The access list is everyone",
    "open_listener": "dockerd warns of an open listener",
    "other_authority": "The certificate is of another authority",
    "own_client_ca": "A client CA of its own",
    "plain": "The API answers without TLS",
    "record_unreadable": "The record can't be read",
    "rotation_unfinished": "A rotation is under way",
    "still_accepted": "A revoked client is still accepted",
    "unverified": "Did not work in the last run",
    "wildcard_address": "dockerd listens on every address",
}


def group_findings(overview: Overview, numbers: t.Mapping[tuple[str, str], int]) -> list[dict[str, t.Any]]:
    """Return one group for each key and severity, the worst first; C(numbers): those of the endpoints' rows."""
    grouped: dict[tuple[str, str], list[Noted]] = {}
    for finding in overview.findings:
        grouped.setdefault((finding.severity, finding.key), []).append(finding)
    return [_group(found, numbers) for found in grouped.values()]


def _group(found: t.Sequence[Noted], numbers: t.Mapping[tuple[str, str], int]) -> dict[str, t.Any]:
    first = found[0]
    texts, fixes = ({getattr(each, name) for each in found} for name in ("text", "fix"))
    items = [
        {
            "name": as_printable(each.name if each.kind == "endpoint" else f"{each.kind} {each.name}"),
            "fleet": each.fleet,
            "number": numbers.get((each.fleet, each.name), "") if each.kind == "endpoint" else "",
            "text": as_printable(each.text) if len(texts) > 1 else "",
            "fix": as_printable(each.fix) if len(fixes) > 1 else "",
        }
        for each in found
    ]
    return {
        "key": first.key,
        "title": _TITLES.get(first.key, first.key.replace("_", " ").capitalize()),
        "severity": first.severity,
        "health": health_of_severity(first.severity),
        "cis": first.cis,
        "text": as_printable(first.text) if len(texts) == 1 else "",
        "fix": as_printable(first.fix) if len(fixes) == 1 else "",
        "found": items,
    }
