# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each client may do at each endpoint, by the records and the lists of whom daemons accept. Pure."""

from __future__ import annotations

__all__ = ("RIGHTS", "accepted_clients", "make_clients")

import datetime
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509

from .._endpoint.record import EndpointRecord
from .._pki.authority import Authority
from .._pki.chain import is_issued_by
from .certificates import facts_of
from .folders import ClientFiles, FleetFiles
from .model import Client

#: What is said of a client at an endpoint, and what it means.
RIGHTS = {
    "full": "may do everything, like root on the host",
    "still_accepted": "was revoked, and the daemon does not have the new list yet",
    "anyone": "the endpoint has no TLS: anyone who reaches it may do everything",
    "unknown": "the daemon has a client CA of its own, or an older list",
    "expired": "its certificate has expired",
    "revoked": "was revoked, and the daemon has the new list",
    "refused": "the daemon does not trust its certificate",
}


def make_clients(files: FleetFiles, now: datetime.datetime) -> tuple[Client, ...]:
    """Return the fleet's clients with their rights at its endpoints."""
    found = []
    for client in files.clients:
        standing = _Standing.of(client, files.authority, now)
        found.append(
            Client(
                fleet=files.name,
                name=client.name,
                places=tuple(dict.fromkeys(client.places)) or ("elsewhere",),
                revoked=client.revoked,
                certificate=newest(client),
                rights={record.name: standing.at(record, files.authority) for record in files.records},
            )
        )
    return tuple(found)


def accepted_clients(clients: t.Iterable[Client], endpoint: str) -> list[Client]:
    """Return those that the daemon accepts, or would if their certificate had not expired."""
    return [client for client in clients if client.rights.get(endpoint) in ("full", "expired") and not client.revoked]


def newest(client: ClientFiles) -> CertificateFacts | None:
    """Return the facts of the certificate that expires last."""
    last = max(client.certificates, key=lambda certificate: certificate.not_valid_after_utc, default=None)
    return None if last is None else facts_of(last, "client")


class _Standing(t.NamedTuple):
    """How the fleet's authority sees a client, which is the same for all endpoints."""

    revoked: bool
    expired: bool
    #: By today's list.
    accepted: bool
    #: By the authority itself, whose clients older lists accept as well.
    long_accepted: bool

    @classmethod
    def of(cls, client: ClientFiles, authority: Authority | None, now: datetime.datetime) -> _Standing:
        valid = [certificate for certificate in client.certificates if certificate.not_valid_after_utc > now]
        return cls(
            revoked=client.revoked,
            expired=not valid,
            accepted=authority is not None and any(_is_accepted(each, authority) for each in valid),
            long_accepted=authority is not None and any(is_issued_by(each, authority.certificate) for each in valid),
        )

    def at(self, record: EndpointRecord, authority: Authority | None) -> str:
        if not record.tls:
            return "anyone"
        if record.foreign:
            return "refused"
        if record.trust is None or authority is None:
            return "unknown"
        if self.expired:
            return "expired"
        has_todays_list = record.trust == authority.client_trust_digest
        if self.revoked:
            return "revoked" if has_todays_list else "still_accepted"
        if has_todays_list:
            return "full" if self.accepted else "refused"
        return "full" if self.accepted and self.long_accepted else "unknown"


def _is_accepted(certificate: x509.Certificate, authority: Authority) -> bool:
    anchors = authority.listed or (authority.certificate,)
    return certificate in anchors or any(is_issued_by(certificate, anchor) for anchor in anchors)
