# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Durations in options: C(365) and C(365d) are days, C(12h) is hours, C(25%) is a share of a longer duration."""

from __future__ import annotations

__all__ = ("describe_duration", "parse_duration", "parse_duration_or_share")

import datetime
import re

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

_FORM = re.compile(r" *(?P<number>[0-9]{1,9}) *(?P<unit>[dh%]?) *\Z")
_HOUR = datetime.timedelta(hours=1)
_DAY = datetime.timedelta(days=1)
#: A century.
_MAXIMUM = 36500 * _DAY


def parse_duration(option: str, value: str | int, *, failure: str) -> datetime.timedelta:
    """Read the option's value, from an hour to a century. C(failure): the key of the failure for any other value."""
    duration = _read(value)
    if isinstance(duration, datetime.timedelta):
        return duration
    raise Failure(
        failure,
        thing=f"{option} {value!r}",
        reason=f"it is not a duration between 1h and {describe_duration(_MAXIMUM)}",
        cure="Write a number of days (90 or 90d) or of hours (12h)",
    )


def parse_duration_or_share(option: str, value: str | int, *, failure: str) -> datetime.timedelta | float:
    """Like M(parse_duration), but the value may also be a share, which is returned as a number between 0 and 1."""
    duration = _read(value)
    if duration is not None:
        return duration
    raise Failure(
        failure,
        thing=f"{option} {value!r}",
        reason=f"it is neither a duration between 1h and {describe_duration(_MAXIMUM)} nor a share between 1% and 99%",
        cure="Write, for example, 30d, 12h or 33%",
    )


def describe_duration(duration: datetime.timedelta) -> str:
    """Return the duration as an option takes it."""
    return f"{duration // _HOUR}h" if duration % _DAY else f"{duration // _DAY}d"


def _read(value: str | int) -> datetime.timedelta | float | None:
    match = _FORM.match(str(value))
    if match is None:
        return None
    number = int(match["number"])
    if match["unit"] == "%":
        return number / 100 if 0 < number < 100 else None
    duration = number * (_HOUR if match["unit"] == "h" else _DAY)
    return duration if _HOUR <= duration <= _MAXIMUM else None
