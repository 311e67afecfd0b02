# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations as options take them."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.duration import (
    describe_duration,
    parse_duration,
    parse_duration_or_share,
)

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (365, 365 * DAY),
        ("365", 365 * DAY),
        ("365d", 365 * DAY),
        (" 30 d ", 30 * DAY),
        ("1d", DAY),
        ("36500", 36500 * DAY),
        ("1h", HOUR),
        ("12h", 12 * HOUR),
        ("876000h", 36500 * DAY),
    ],
)
def test_days_and_hours_are_read_with_and_without_a_share(value: str | int, expected: datetime.timedelta) -> None:
    assert parse_duration("validity", value, failure="invalid_validity") == expected
    assert parse_duration_or_share("renew_before", value, failure="invalid_renew_before") == expected


@pytest.mark.parametrize(("value", "expected"), [("1%", 0.01), ("25%", 0.25), ("25 %", 0.25), ("99%", 0.99)])
def test_a_share_is_read_where_there_may_be_one(value: str, expected: float) -> None:
    assert parse_duration_or_share("renew_before", value, failure="invalid_renew_before") == expected
    with pytest.raises(Failure) as failure:
        parse_duration("validity", value, failure="invalid_validity")
    assert failure.value.key == "invalid_validity"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        0,
        -1,
        "0d",
        "-1d",
        "0h",
        "0%",
        "100%",
        "150%",
        "1.5",
        "2w",
        "12H",
        "a month",
        "%",
        "d",
        "30dd",
        "30%d",
        "1d12h",
        "3 6 5",
        "36501",
        "876001h",
        "9" * 40,
        "\u0663\u0660d",
        "True",
        "30d\n",
    ],
)
def test_anything_else_is_refused_with_the_options_name_and_value(value: str | int) -> None:
    for parse in (parse_duration, parse_duration_or_share):
        with pytest.raises(Failure) as failure:
            parse("renew_before", value, failure="invalid_renew_before")
        assert failure.value.key == "invalid_renew_before"
        assert f"renew_before {value!r}" in str(failure.value)


@pytest.mark.parametrize(
    ("duration", "text"), [(365 * DAY, "365d"), (DAY, "1d"), (12 * HOUR, "12h"), (36 * HOUR, "36h")]
)
def test_a_duration_is_described_as_it_is_written(duration: datetime.timedelta, text: str) -> None:
    assert describe_duration(duration) == text
    assert parse_duration("validity", text, failure="invalid_validity") == duration
