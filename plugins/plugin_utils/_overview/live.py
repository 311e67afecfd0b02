# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probing all endpoints side by side. The one place here that knows how an endpoint is probed."""

from __future__ import annotations

__all__ = ("AT_ONCE", "Seen", "Visit", "check_timeout", "probe_all")

import ssl
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._probe.api.sdk import HAS_SDK, ask_api, sdk_versions
from ansible_collections.gangway.docker.plugins.module_utils._probe.deadline import Deadline
from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.finding import Finding
from ansible_collections.gangway.docker.plugins.module_utils._probe.probe import AskApi, probe
from ansible_collections.gangway.docker.plugins.module_utils._probe.request import Api, Request
from ansible_collections.gangway.docker.plugins.module_utils._probe.target import Target, parse_target
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.contexts import ClientTls
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

#: Probes side by side. One that hangs takes its timeout, and no CPU. More of them gain nothing on two cores (measured).
AT_ONCE = 64


@dataclass(frozen=True)
class Visit:
    """One endpoint to probe. C(bundle): the folder of the client's; None: no TLS."""

    fleet: str
    name: str
    url: str
    bundle: Path | None


@dataclass(frozen=True)
class Seen:
    """What came of it. C(state) is one of endpoint_info's, or the key of a failure of the client's own files."""

    state: str
    reason: str
    cure: str | None = None
    engine_version: str | None = None
    server: CertificateFacts | None = None
    findings: tuple[Finding, ...] = ()


def check_timeout(seconds: float) -> None:
    """Refuse what is no time for a probe. Failure: C(invalid_timeout)."""
    if not 0.1 <= seconds <= 86400:
        raise Failure(
            "invalid_timeout",
            thing=f"timeout {seconds}",
            reason="it is not between 0.1 and 86400",
            cure="Give a number of seconds",
        )


def probe_all(visits: t.Sequence[Visit], *, timeout: float) -> dict[tuple[str, str], Seen]:
    """Return what was seen, by fleet and name. With the Docker SDK, the daemons' settings are read, too."""
    if not visits:
        return {}
    ask = _asking() if HAS_SDK else None
    with ThreadPoolExecutor(min(AT_ONCE, len(visits))) as pool:
        seen = pool.map(lambda visit: _probe(visit, timeout, ask), visits)
        return {(visit.fleet, visit.name): each for visit, each in zip(visits, seen)}


def _probe(visit: Visit, timeout: float, ask: AskApi | None) -> Seen:
    try:
        result = probe(Request(parse_target(visit.url), _client_tls(visit.bundle), timeout=timeout), ask)
    except Failure as exc:
        return Seen(exc.key, str(exc))
    return Seen(
        state=result.state,
        reason=result.reason,
        cure=result.cure,
        engine_version=result.api.engine_version if result.api is not None else None,
        server=result.chain[0] if result.chain else None,
        findings=result.findings,
    )


def _client_tls(bundle: Path | None) -> ClientTls | None:
    if bundle is None:
        return None
    ca, certificate, key = (str(bundle / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    return ClientTls(verify=True, ca=ca, certificate=certificate, key=key)


def _asking() -> AskApi:
    versions = sdk_versions()

    def ask(target: Target, context: ssl.SSLContext | None, name: str, deadline: Deadline) -> t.Iterator[Api]:
        return ask_api(target, context, name, versions, deadline)

    return ask
