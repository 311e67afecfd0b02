# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's clock, in UTC and whole seconds as certificates have them, and how far a host's is from it."""

from __future__ import annotations

__all__ = ("TOLERATED_SKEW", "describe_skew", "now")

import datetime

#: Seconds that two clocks may differ without anybody minding: certificates are valid from 10 minutes before.
TOLERATED_SKEW = 300.0


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def describe_skew(seconds: float) -> str:
    """Return, for example, C(7.0 h behind the controller's), of a host's clock that is C(seconds) ahead."""
    amount, unit = abs(seconds) / 60, "min"
    for size, larger in ((60, "h"), (24, "d")):
        if amount >= size * 2:
            amount, unit = amount / size, larger
        else:
            break
    return f"{amount:.1f} {unit} {'ahead of' if seconds > 0 else 'behind'} the controller's"
