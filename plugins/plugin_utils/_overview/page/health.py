# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Severities and dates as three colours. Pure."""

from __future__ import annotations

__all__ = ("HEALTHS", "health_of_certificate", "health_of_severity")

import datetime

from ansible_collections.gangway.docker.plugins.module_utils._probe.findings.certificates import find_certificates
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.certificates import CertificateFacts

HEALTHS = {"bad": "Act now", "warn": "Due", "good": "Fine"}
_BY_SEVERITY = {"critical": "bad", "high": "bad", "medium": "warn"}
_BY_DATE = ("expired", "not_yet_valid", "expires_soon")


def health_of_severity(severity: str | None) -> str:
    """Return bad, warn or good. What is low is for a quiet hour."""
    return _BY_SEVERITY.get(severity or "", "good")


def health_of_certificate(facts: CertificateFacts | None, now: datetime.datetime) -> str:
    """Return bad, warn or good by its dates; none: there is no certificate."""
    if facts is None:
        return "none"
    found = [each.severity for each in find_certificates([facts], now) if each.key in _BY_DATE]
    return health_of_severity(found[0] if found else None)
