# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unsafe or will break, by the records alone, and what a probe adds. Pure."""

from __future__ import annotations

__all__ = ("find_for_client", "find_for_endpoint", "find_for_fleet", "find_unreadable", "sort_noted")

import dataclasses
import datetime
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.access import (
    find_access,
    find_http2,
    find_wildcards,
)
from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.certificates import find_certificates
from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.finding import Finding
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import ANSWERS

from .._endpoint.record import EndpointRecord
from .._pki.authority import Authority
from .._pki.freshness import fingerprint
from .folders import FleetFiles, Unreadable
from .live import Seen
from .model import SEVERITIES, Client, Endpoint, Noted
from .text import natural

_EVERYONE = ("any", "0.0.0.0/0", "::/0")
#: Found by the certificates that are known here. A probe repeats those of client and authority at each endpoint.
_OF_CERTIFICATES = ("expired", "expires_soon", "not_yet_valid", "weak_key", "wildcard_name")
#: What a probe that got an answer has looked at itself.
_ANSWERED = {"http2", "unverified"}
_UNREADABLE = {"endpoint": "high", "authority": "critical", "client": "medium"}


def find_for_endpoint(
    record: EndpointRecord, endpoint: Endpoint, authority: Authority | None, seen: Seen | None, now: datetime.datetime
) -> list[Finding]:
    """Return what is to be said of one endpoint."""
    found = [*_by_record(record, endpoint, authority)]
    certificates = [endpoint.server]
    if endpoint.foreign:
        # Of its own; nothing else names them.
        certificates += [endpoint.clients, endpoint.authority]
    found += find_certificates([facts for facts in certificates if facts is not None], now)
    if seen is None:
        return found
    added = [each for each in seen.findings if each.key not in _OF_CERTIFICATES]
    # Of what both say, what was seen counts.
    outdated = {each.key for each in added} | (_ANSWERED if seen.state == ANSWERS else set())
    return [*(each for each in found if each.key not in outdated), *_by_probe(record, seen), *added]


def _by_record(record: EndpointRecord, endpoint: Endpoint, authority: Authority | None) -> t.Iterator[Finding]:
    if not record.tls:
        yield from find_access(plain="answered", no_certificate=None, foreign_certificate=None)
    yield from find_wildcards(record.listen)
    if any(network in _EVERYONE for network in record.allow):
        text = "The access list is everyone: only certificates keep strangers out."
        yield Finding(
            "open_access", "medium", None, text, "List the networks of the clients (expose_allow in the role)"
        )
    yield from find_http2(record.engine_version, offered=None, strangers=not record.tls)
    if record.verified is False:
        text = "The last run did not get through to the daemon from the controller."
        fix = "Run fleet_info with live: true, which says why"
        yield Finding("unverified", "medium", None, text, fix)
    if not record.tls or endpoint.foreign:
        return
    if endpoint.server is None:
        text = "The record has no certificate that can be read, so nobody is warned before it expires."
        yield Finding("certificate_unknown", "medium", None, text, "Expose the host again")
    if record.trust is None:
        text = "The daemon accepts the clients of a client CA of its own, which the controller does not know."
        yield Finding("own_client_ca", "info", None, text, "Revoke its clients at that CA")
    elif authority is not None:
        yield from _by_trust(record, authority)


def _by_trust(record: EndpointRecord, authority: Authority) -> t.Iterator[Finding]:
    if record.trust != authority.client_trust_digest:
        text = "The daemon does not have today's list of clients: it may accept clients that were revoked."
        fix = "Run gangway.docker.renew for it (after a revocation: gangway.docker.revoke)"
        yield Finding("older_list", "high", None, text, fix)
    if record.issuer is not None and record.issuer != fingerprint(authority.certificate):
        text = "The server's certificate is of another authority than the fleet's."
        yield Finding("other_authority", "medium", None, text, "Run gangway.docker.rotate_authority to its end")


def _by_probe(record: EndpointRecord, seen: Seen) -> t.Iterator[Finding]:
    if seen.state == ANSWERS:
        return
    # The access list leaves the controller out, and the port is as closed to it as it should be.
    expected = (
        record.verified is None and not record.foreign and seen.state in ("filtered", "unreachable", "nothing_listens")
    )
    text = f"The endpoint does not answer the controller: {seen.reason}."
    yield Finding(seen.state, "info" if expected else "high", None, text, seen.cure or "See the text")


def find_for_client(client: Client, now: datetime.datetime) -> t.Iterator[Finding]:
    """Yield what is to be said of a client's certificate, and of a revocation that is not in force everywhere."""
    if client.revoked:
        still = sorted(name for name, rights in client.rights.items() if rights == "still_accepted")
        if still:
            text = f"It was revoked, and daemons without the new list still accept it: {', '.join(still)}."
            yield Finding("still_accepted", "high", None, text, "Run gangway.docker.revoke for these hosts")
        return
    for finding in find_certificates([client.certificate] if client.certificate is not None else [], now):
        # It locks itself out, and nobody else.
        yield dataclasses.replace(finding, severity="high") if finding.key == "expired" else finding


def find_for_fleet(files: FleetFiles) -> t.Iterator[Finding]:
    """Yield what is to be said of the fleet's authority, its dates apart."""
    authority = files.authority
    if authority is None:
        if any(record.issuer is not None for record in files.records) and not files.unreadable:
            text = "There are exposed daemons, and the fleet's authority is not here: nothing can be renewed."
            yield Finding("authority_missing", "high", None, text, "Restore the fleet's folder from a backup")
        return
    if authority.phase is not None:
        text = "A rotation of the authority is under way: old and new certificates are accepted."
        fix = "Run gangway.docker.rotate_authority again to finish it"
        yield Finding("rotation_unfinished", "info", None, text, fix)
    if authority.key_pem is not None and b"ENCRYPTED" not in authority.key_pem:
        text = "The authority's key is not encrypted. Anyone who can read it can make clients of their own."
        yield Finding("key_not_encrypted", "low", None, text, "Set expose_passphrase, and rotate the authority")


def find_unreadable(each: Unreadable) -> Finding:
    """Return the finding for something that is there and can't be used."""
    failure = each.failure
    return Finding(failure.key, _UNREADABLE[each.kind], None, f"{failure.thing}: {failure.reason}.", failure.cure)


def sort_noted(findings: t.Iterable[Noted]) -> tuple[Noted, ...]:
    """Return each finding once: the worst first, then by what they are about."""
    return tuple(
        sorted(
            dict.fromkeys(findings),
            key=lambda each: (-SEVERITIES.index(each.severity), each.key, each.fleet, each.kind, natural(each.name)),
        )
    )
