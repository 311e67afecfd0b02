# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint from its record, from a probe where there was one, and from what is known of its clients. Pure."""

from __future__ import annotations

__all__ = ("as_seen", "is_active", "make_endpoint")

import dataclasses
import datetime
import typing as t
import urllib.parse

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

from .._endpoint.record import EndpointRecord
from .live import Seen
from .model import Endpoint


def make_endpoint(
    record: EndpointRecord,
    *,
    fleet: str,
    docker_host: str | None,
    server: CertificateFacts | None,
    clients: t.Sequence[CertificateFacts],
    authority: CertificateFacts | None,
    now: datetime.datetime,
) -> Endpoint:
    """Return the endpoint by its record; the state is the worst that its dates and its last run say."""
    tls = record.tls
    endpoint = Endpoint(
        fleet=fleet,
        name=record.name,
        url=record.url,
        active=is_active(record.url, docker_host),
        engine_version=record.engine_version,
        tls=tls,
        foreign=record.foreign,
        method=record.method,
        listen=tuple(record.listen),
        allow=tuple(record.allow),
        client=record.client or None,
        server=server if tls else None,
        clients=min(clients, key=lambda facts: facts.not_after, default=None) if tls else None,
        authority=authority if tls else None,
        verified=record.verified,
    )
    state, reason = _recorded_state(endpoint, now)
    return dataclasses.replace(endpoint, state=state, reason=reason)


def _recorded_state(endpoint: Endpoint, now: datetime.datetime) -> tuple[str, str]:
    """Return the state of an endpoint that nobody has asked, and why."""
    for facts, whose in ((endpoint.server, "server"), (endpoint.authority, "authority"), (endpoint.clients, "client")):
        if facts is not None and facts.not_after <= now:
            return "expired", f"the certificate of the {whose} expired on {facts.not_after:%Y-%m-%d}"
    if endpoint.verified is False:
        return "unverified", "the last run did not get through from the controller"
    return "recorded", "the records show nothing that keeps it from working"


def as_seen(endpoint: Endpoint, seen: Seen) -> Endpoint:
    """Return the endpoint as a probe found it."""
    return dataclasses.replace(
        endpoint,
        state=seen.state,
        reason=seen.reason,
        engine_version=seen.engine_version or endpoint.engine_version,
        server=seen.server or endpoint.server,
    )


def is_active(url: str, docker_host: str | None) -> bool:
    """Tell whether DOCKER_HOST is this endpoint; the scheme does not matter, and upper case neither."""
    return bool(docker_host) and _place(url) == _place(docker_host or "")


def _place(url: str) -> tuple[str | None, int | None] | None:
    rest = url.strip().rpartition("://")[2]
    try:
        parts = urllib.parse.urlsplit(f"//{rest}")
        return parts.hostname, parts.port
    except ValueError:
        return None
