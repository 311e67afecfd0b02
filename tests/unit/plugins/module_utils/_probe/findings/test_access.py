# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about who can use a port."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.access import (
    find_access,
    find_http2,
    find_wildcards,
)


@pytest.mark.parametrize(
    ("answers", "keys"),
    [
        ({}, []),
        ({"plain": "refused", "no_certificate": "refused", "foreign_certificate": "refused"}, []),
        ({"plain": "unknown", "no_certificate": "unknown", "foreign_certificate": "unknown"}, []),
        ({"plain": "answered"}, ["plain"]),
        ({"no_certificate": "answered"}, ["no_client_certificate"]),
        ({"no_certificate": "refused", "foreign_certificate": "answered"}, ["any_client_certificate"]),
    ],
)
def test_strangers(answers: dict[str, str], keys: list[str]) -> None:
    given = {"plain": None, "no_certificate": None, "foreign_certificate": None, **answers}
    findings = list(find_access(**given))
    assert [finding.key for finding in findings] == keys
    assert {(finding.severity, finding.cis) for finding in findings} <= {("critical", "2.7")}


@pytest.mark.parametrize("listen", ["0.0.0.0:2376", "[::]:2376", "any:2376", ":2376", "http://0.0.0.0:2375", "*:1"])
def test_every_address(listen: str) -> None:
    assert [finding.key for finding in find_wildcards([listen])] == ["wildcard_address"]


@pytest.mark.parametrize("listen", ["10.0.0.5:2376", "[2001:db8::]:2376", "127.0.0.1:2375", "eth0:2376"])
def test_one_address(listen: str) -> None:
    assert list(find_wildcards([listen])) == []


@pytest.mark.parametrize(
    ("version", "offered", "strangers", "severity"),
    [
        ("29.1.5", None, True, None),
        ("29.2.0", True, False, "medium"),
        ("29.8.1-rc.2", None, True, "high"),
        ("29.8.0", None, False, "medium"),
        ("29.8.0", False, False, None),
        ("29.9.0", True, True, None),
        ("29.10.0", True, True, None),
        ("28.5.2", True, True, None),
        ("dev", True, True, None),
        (None, True, True, None),
    ],
)
def test_http2(version: str | None, offered: bool | None, strangers: bool, severity: str | None) -> None:
    found = [finding.severity for finding in find_http2(version, offered=offered, strangers=strangers)]
    assert found == ([] if severity is None else [severity])
