# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's clock, and how far another is from it, in words."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._pki.clock import TOLERATED_SKEW, describe_skew, now
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import BACKDATE


def test_it_counts_whole_seconds_in_utc() -> None:
    before = datetime.datetime.now(datetime.timezone.utc)
    assert now().utcoffset() == datetime.timedelta(0)
    assert now().microsecond == 0
    assert abs(now() - before) < datetime.timedelta(seconds=5)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (301, "5.0 min ahead of the controller's"),
        (-301, "5.0 min behind the controller's"),
        (7199, "120.0 min ahead of the controller's"),
        (7200, "2.0 h ahead of the controller's"),
        (-25200, "7.0 h behind the controller's"),
        (172799, "48.0 h ahead of the controller's"),
        (172800, "2.0 d ahead of the controller's"),
        (-86400 * 3650, "3650.0 d behind the controller's"),
    ],
)
def test_a_skew_is_told_in_the_unit_that_people_would_use(seconds: float, told: str) -> None:
    assert describe_skew(seconds) == told


def test_what_nobody_minds_is_less_than_certificates_are_backdated() -> None:
    assert BACKDATE.total_seconds() > TOLERATED_SKEW
