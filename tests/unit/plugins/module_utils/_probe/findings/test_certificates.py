# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about certificates and clocks."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.certificates import (
    find_certificates,
    find_clock,
    find_trust,
)
from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.finding import Finding, sort_findings
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

NOW = datetime.datetime(2026, 11, 21, 22, 0, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
FACTS = CertificateFacts(
    role="server",
    subject="CN=web1",
    issuer="CN=gangway",
    names=("web1", "10.0.0.5"),
    not_before=NOW - 65 * DAY,
    not_after=NOW + 300 * DAY,
    key="secp256r1",
    key_bits=256,
    digest="sha256",
    fingerprint="ab" * 32,
    for_clients=False,
)


def _found(**changes: t.Any) -> list[tuple[str, str]]:
    certificate = dataclasses.replace(FACTS, **changes)
    return [(finding.key, finding.severity) for finding in find_certificates([certificate], NOW)]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"not_after": NOW}, [("expired", "critical")]),
        ({"not_before": NOW + DAY}, [("not_yet_valid", "high")]),
        ({"not_after": NOW + 31 * DAY}, []),
        ({"not_after": NOW + 20 * DAY}, [("expires_soon", "medium")]),
        ({"not_after": NOW + 6 * DAY}, [("expires_soon", "high")]),
        # One that lives for a day is not always about to expire.
        ({"not_before": NOW - DAY / 2, "not_after": NOW + DAY / 2}, []),
        ({"not_before": NOW - 0.8 * DAY, "not_after": NOW + 0.2 * DAY}, [("expires_soon", "medium")]),
        ({"not_before": NOW - 0.95 * DAY, "not_after": NOW + 0.05 * DAY}, [("expires_soon", "high")]),
        ({"key": "RSA 1024", "key_bits": 1024}, [("weak_key", "high")]),
        ({"key": "RSA 2048", "key_bits": 2048}, []),
        ({"key": "secp192r1", "key_bits": 192}, [("weak_key", "high")]),
        ({"key": "_DSA", "key_bits": None}, [("weak_key", "high")]),
        ({"key": "Ed25519", "key_bits": None, "digest": None}, []),
        ({"digest": "sha1"}, [("weak_key", "high")]),
        ({"digest": "sha1", "issuer": "CN=web1", "role": "authority"}, []),
        ({"names": ("*.example.com",)}, [("wildcard_name", "low")]),
        ({"names": ("*.example.com",), "role": "client"}, []),
    ],
)
def test_certificates(changes: dict[str, t.Any], found: list[tuple[str, str]]) -> None:
    assert _found(**changes) == found


@pytest.mark.parametrize(
    ("skew", "keys"), [(None, []), (0, []), (-299, []), (301, ["clock_skew"]), (-86400, ["clock_skew"])]
)
def test_clocks(skew: float | None, keys: list[str]) -> None:
    assert [finding.key for finding in find_clock(skew)] == keys


@pytest.mark.parametrize(
    ("verifies", "strict", "keys"),
    [
        (True, True, []),
        (True, None, []),
        (True, False, ["not_strict"]),
        (False, None, ["server_not_verified"]),
        (False, True, ["server_not_verified"]),
    ],
)
def test_trust(verifies: bool, strict: bool | None, keys: list[str]) -> None:
    assert [finding.key for finding in find_trust(verifies=verifies, strict=strict)] == keys


def test_the_worst_comes_first_and_each_once() -> None:
    low, high = (Finding(severity, severity, None, "text", "fix") for severity in ("low", "high"))
    assert sort_findings([low, high, low]) == (high, low)
