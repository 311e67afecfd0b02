# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overview as plain data: what the module returns, and what its JSON file holds. Pure."""

from __future__ import annotations

__all__ = ("as_json", "as_result")

import json
import typing as t
from dataclasses import asdict

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

from ..model import Authority, Client, Endpoint, Overview


def as_json(overview: Overview) -> str:
    """Return the content of the JSON file: ASCII, whatever the records hold."""
    return json.dumps(as_result(overview), indent=2) + "\n"


def as_result(overview: Overview) -> dict[str, t.Any]:
    """Return what the module's documentation lists."""
    severities = overview.severities()
    return {
        "time": overview.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "live": overview.live,
        "summary": {
            "endpoints": len(overview.endpoints),
            "clients": len(overview.clients),
            "findings": overview.counts(),
        },
        "authorities": [_authority(each) for each in overview.authorities],
        "endpoints": [_endpoint(each, severities.get((each.fleet, each.name))) for each in overview.endpoints],
        "clients": [_client(each) for each in overview.clients],
        "findings": [asdict(each) for each in overview.findings],
    }


def _endpoint(endpoint: Endpoint, severity: str | None) -> dict[str, t.Any]:
    return {
        "fleet": endpoint.fleet,
        "name": endpoint.name,
        "url": endpoint.url,
        "active": endpoint.active,
        "engine_version": endpoint.engine_version,
        "tls": endpoint.tls,
        "foreign": endpoint.foreign,
        "method": endpoint.method,
        "listen": list(endpoint.listen),
        "allow": list(endpoint.allow),
        "client": endpoint.client,
        "not_after": _end(endpoint.server),
        "clients_not_after": _end(endpoint.clients),
        "authority_not_after": _end(endpoint.authority),
        "verified": endpoint.verified,
        "state": endpoint.state,
        "reason": endpoint.reason,
        "severity": severity,
    }


def _client(client: Client) -> dict[str, t.Any]:
    rights: dict[str, list[str]] = {}
    for endpoint, right in sorted(client.rights.items()):
        rights.setdefault(right, []).append(endpoint)
    return {
        "fleet": client.fleet,
        "name": client.name,
        "places": list(client.places),
        "revoked": client.revoked,
        "not_after": _end(client.certificate),
        "rights": rights,
    }


def _authority(authority: Authority) -> dict[str, t.Any]:
    return {"fleet": authority.fleet, "not_after": _end(authority.certificate), "phase": authority.phase}


def _end(facts: CertificateFacts | None) -> str | None:
    return None if facts is None else facts.not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
