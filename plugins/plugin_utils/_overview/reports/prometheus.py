# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The overview as metrics, in the text format of Prometheus, for the textfile collector of node_exporter. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

__all__ = ("make_metrics",)

import typing as t
from collections import Counter

from ansible_collections.gangway.docker.plugins.module_utils._probe.states import ANSWERS
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

from ..model import SEVERITIES, Overview
from ..text import as_encodable

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_Labels = t.Dict[str, str]
_Sample = t.Tuple[_Labels, float]


def make_metrics(overview: Overview) -> str:
    """Return the metrics; each ends with a line feed, as the format requires."""
    return "".join(
        (
            _family("gangway_report_timestamp_seconds", "When the fleets were looked at.", _timestamp(overview)),
            _family("gangway_report_live", "Whether the endpoints were probed.", [({}, overview.live)]),
            _family("gangway_endpoint_info", "An exposed daemon.", _infos(overview)),
            _family("gangway_endpoint_up", "Whether the daemon answered its client.", _ups(overview)),
            _family("gangway_endpoint_verified", "Whether the last run got through.", _verified(overview)),
            _family(
                "gangway_certificate_not_after_timestamp_seconds", "When a certificate expires.", _expiries(overview)
            ),
            _family("gangway_findings", "Findings by fleet and severity.", _counts(overview)),
            _family("gangway_finding", "A finding.", _findings(overview)),
        )
    )


def _family(name: str, meaning: str, samples: t.Iterable[_Sample]) -> str:
    # Of two samples with the same labels, the collector would refuse the whole file.
    unique = {_labels(labels): value for labels, value in samples}
    lines = [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
    lines += [f"{name}{labels} {float(value):.17g}" for labels, value in unique.items()]
    return "".join(f"{line}\n" for line in lines) if unique else ""


def _labels(labels: _Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{as_encodable(value).translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"


def _timestamp(overview: Overview) -> list[_Sample]:
    return [({}, overview.now.timestamp())]


def _infos(overview: Overview) -> t.Iterator[_Sample]:
    for each in overview.endpoints:
        labels = {
            "fleet": each.fleet,
            "endpoint": each.name,
            "url": each.url,
            "engine": each.engine_version or "",
            "tls": str(each.tls).lower(),
            "foreign": str(each.foreign).lower(),
            "state": each.state,
        }
        yield labels, 1


def _ups(overview: Overview) -> t.Iterator[_Sample]:
    for each in overview.endpoints if overview.live else ():
        yield {"fleet": each.fleet, "endpoint": each.name}, each.state == ANSWERS


def _verified(overview: Overview) -> t.Iterator[_Sample]:
    for each in overview.endpoints:
        if each.verified is not None:
            yield {"fleet": each.fleet, "endpoint": each.name}, each.verified


def _expiries(overview: Overview) -> t.Iterator[_Sample]:
    for endpoint in overview.endpoints:
        yield from _expiry(endpoint.fleet, "server", endpoint.name, endpoint.server)
    for client in overview.clients:
        if not client.revoked:
            yield from _expiry(client.fleet, "client", client.name, client.certificate)
    for authority in overview.authorities:
        yield from _expiry(authority.fleet, "authority", authority.fleet, authority.certificate)


def _expiry(fleet: str, kind: str, name: str, facts: CertificateFacts | None) -> t.Iterator[_Sample]:
    if facts is not None:
        yield {"fleet": fleet, "kind": kind, "name": name}, facts.not_after.timestamp()


def _counts(overview: Overview) -> t.Iterator[_Sample]:
    counted = Counter((finding.fleet, finding.severity) for finding in overview.findings)
    for authority in overview.authorities:
        for severity in SEVERITIES:
            yield {"fleet": authority.fleet, "severity": severity}, counted[authority.fleet, severity]


def _findings(overview: Overview) -> t.Iterator[_Sample]:
    for each in overview.findings:
        labels = {"fleet": each.fleet, "kind": each.kind, "name": each.name}
        yield {**labels, "key": each.key, "severity": each.severity}, 1
