# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is probed, and what comes of it."""

from __future__ import annotations

__all__ = ("Api", "Request", "Result", "Strangers")

import datetime
import typing as t
from dataclasses import asdict, dataclass, field

from .findings.finding import Finding
from .states import ANSWERS, CURES
from .target import Target
from .tls.certificates import CertificateFacts
from .tls.contexts import ClientTls


@dataclass(frozen=True)
class Request:
    """One probe. C(tls): None is a client without TLS. C(timeout): seconds for everything together."""

    target: Target
    tls: t.Optional[ClientTls]
    timeout: float = 10.0
    #: Also try without TLS, without a certificate, and with one of a foreign CA.
    as_strangers: bool = True
    #: Refuse certificates that only strict clients refuse (RFC 5280 to the letter); else they are a finding.
    strict: bool = False

    @property
    def server_name(self) -> str:
        """The name that the server's certificate must have."""
        return (self.tls.name if self.tls is not None else None) or self.target.host


@dataclass(frozen=True)
class Api:
    """What the Engine API says of itself. C(info): the answer to C(/info)."""

    engine_version: t.Optional[str]
    version: t.Optional[str]
    min_version: t.Optional[str] = None
    #: The version that client and daemon agree on.
    negotiated: t.Optional[str] = None
    info: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Strangers:
    """What those get who should get nothing: answered, refused, unknown (nothing is proved), or None (not tried)."""

    plain: t.Optional[str] = None
    no_certificate: t.Optional[str] = None
    foreign_certificate: t.Optional[str] = None


@dataclass
class Result:
    """What was seen, filled as far as the probe gets."""

    url: str
    state: str = ANSWERS
    reason: str = "dockerd answers"
    address: t.Optional[str] = None
    api: t.Optional[Api] = None
    tls_version: t.Optional[str] = None
    tls_cipher: t.Optional[str] = None
    #: Whether the server's certificate was checked and found good; None without TLS.
    tls_verified: t.Optional[bool] = None
    #: Whether strict clients (RFC 5280 to the letter) accept the certificate, too.
    tls_strict: t.Optional[bool] = None
    #: Whether the port offers HTTP/2; None: not tried.
    http2: t.Optional[bool] = None
    chain: t.Tuple[CertificateFacts, ...] = ()
    client: t.Optional[CertificateFacts] = None
    #: Seconds that the daemon's clock is ahead.
    clock_skew: t.Optional[float] = None
    strangers: Strangers = Strangers()
    findings: t.Tuple[Finding, ...] = ()

    @property
    def cure(self) -> t.Optional[str]:
        return CURES.get(self.state)

    def as_result(self, now: datetime.datetime) -> t.Dict[str, t.Any]:
        """Return what the module returns."""
        api, server = self.api, self.chain[0] if self.chain else None
        return {
            "state": self.state,
            "reason": self.reason,
            "cure": self.cure,
            "url": self.url,
            "address": self.address,
            "engine_version": api.engine_version if api is not None else None,
            "api": {
                "version": api.version if api is not None else None,
                "min_version": api.min_version if api is not None else None,
                "negotiated": api.negotiated if api is not None else None,
            },
            "tls": {"version": self.tls_version, "cipher": self.tls_cipher, "verified": self.tls_verified},
            "chain": [certificate.as_result(now) for certificate in self.chain],
            "client": self.client.as_result(now) if self.client is not None else None,
            "days_left": server.days_left(now) if server is not None else None,
            "clock_skew": self.clock_skew,
            "strangers": asdict(self.strangers),
            "findings": [asdict(finding) for finding in self.findings],
        }
