# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller knows of its fleets, as one value that tables, metrics and pages are made from. Pure."""

from __future__ import annotations

__all__ = ("SEVERITIES", "Authority", "Client", "Endpoint", "Noted", "Overview", "worst")

import datetime
import typing as t
from collections import Counter
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.finding import SEVERITIES as _OF_PROBES
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

#: From the least to the worst.
SEVERITIES = ("info", *_OF_PROBES)


@dataclass(frozen=True)
class Noted:
    """A finding and what it is about. C(kind): endpoint, client, authority or fleet. C(key) is stable."""

    fleet: str
    kind: str
    name: str
    key: str
    severity: str
    #: The item of the CIS Docker Benchmark, if there is one.
    cis: str | None
    text: str
    fix: str


@dataclass(frozen=True)
class Endpoint:
    """One daemon. Certificates are None where nothing is known of them, or nothing applies."""

    fleet: str
    name: str
    #: Empty: the record is unreadable.
    url: str = ""
    #: Whether DOCKER_HOST points to it.
    active: bool = False
    engine_version: str | None = None
    tls: bool = True
    #: Others expose it, under an authority of theirs.
    foreign: bool = False
    method: str = ""
    listen: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    #: The client identity that lookups take.
    client: str | None = None
    server: CertificateFacts | None = None
    #: The first one to expire of the clients that the daemon accepts.
    clients: CertificateFacts | None = None
    authority: CertificateFacts | None = None
    #: Whether the last run got through from the controller; None: it did not try.
    verified: bool | None = None
    state: str = "unreadable"
    reason: str = ""


@dataclass(frozen=True)
class Client:
    """A client identity. C(places): the controller, machines of the role client, or elsewhere."""

    fleet: str
    name: str
    places: tuple[str, ...]
    revoked: bool
    #: The one that expires last.
    certificate: CertificateFacts | None
    #: What it may do, by endpoint: full, expired, revoked, still_accepted, refused, unknown or anyone.
    rights: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Authority:
    """A fleet's authority; C(certificate) None: it has none, or an unreadable one. C(phase): of a rotation."""

    fleet: str
    certificate: CertificateFacts | None
    phase: str | None = None


@dataclass(frozen=True)
class Overview:
    """Everything at one moment. Findings are sorted, the worst first."""

    now: datetime.datetime
    #: Whether the endpoints were probed.
    live: bool
    authorities: tuple[Authority, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    clients: tuple[Client, ...] = ()
    findings: tuple[Noted, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return the number of findings by severity, the worst first."""
        counted = Counter(finding.severity for finding in self.findings)
        return {severity: counted[severity] for severity in reversed(SEVERITIES)}

    def severities(self) -> dict[tuple[str, str], str]:
        """Return the worst severity of each endpoint that has findings, by fleet and name."""
        found: dict[tuple[str, str], str] = {}
        for finding in self.findings:
            if finding.kind == "endpoint":
                # They are sorted.
                found.setdefault((finding.fleet, finding.name), finding.severity)
        return found


def worst(findings: t.Iterable[Noted]) -> str | None:
    """Return the worst severity; None: there are no findings."""
    return max((finding.severity for finding in findings), key=SEVERITIES.index, default=None)
