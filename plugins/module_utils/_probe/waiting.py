# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting until an endpoint answers, as long as waiting can help."""

from __future__ import annotations

__all__ = ("check_waited", "wait_for_answer")

import time
import typing as t

from .._shared.failure import Failure
from .request import Result
from .states import ANSWERS, WAITING_HELPS

_PAUSE = 1.0


def wait_for_answer(
    attempt: t.Callable[[float], Result],
    *,
    wait: float,
    timeout: float,
    clock: t.Callable[[], float] = time.monotonic,
    sleep: t.Callable[[float], None] = time.sleep,
) -> t.Tuple[Result, int]:
    """Return the last result, and the number of attempts; the first is made in any case.

    C(attempt) takes the seconds that it may last: C(timeout), or what is left of C(wait).
    """
    end = clock() + wait
    attempts = 1
    result = attempt(timeout)
    while result.state != ANSWERS and result.state in WAITING_HELPS:
        left = end - clock()
        if left <= _PAUSE:
            break
        sleep(_PAUSE)
        result = attempt(min(timeout, left - _PAUSE))
        attempts += 1
    return result, attempts


def check_waited(result: Result, wait: float) -> None:
    """Who waits for an answer needs one. Failure: C(wait_timeout), C(wait_stopped)."""
    if wait <= 0 or result.state == ANSWERS:
        return
    if result.state in WAITING_HELPS:
        key, reason = "wait_timeout", f"no answer in {wait:g} s: {result.reason}"
    else:
        key, reason = "wait_stopped", f"waiting does not help: {result.reason}"
    raise Failure(key, thing=result.url, reason=f"{reason} ({result.state})", cure=result.cure or "")
