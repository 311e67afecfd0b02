# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One deadline for everything that a probe does, however little a peer sends at a time."""

from __future__ import annotations

__all__ = ("Deadline", "run_within")

import socket
import threading
import time
import typing as t

T = t.TypeVar("T")


class Deadline:
    """A point in time, so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left. Raises socket.timeout where none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        return left

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end


def run_within(deadline: Deadline, function: t.Callable[[], T]) -> T:
    """Return what the function returns, or raise what it raises; socket.timeout if it takes too long.

    It runs in a thread, which is left behind where it hangs: neither getaddrinfo(3) nor a read of an answer that comes
    byte by byte can be given a time for the whole.
    """
    returned: t.List[T] = []
    raised: t.List[BaseException] = []

    def run() -> None:
        try:
            returned.append(function())
        except BaseException as exc:
            raised.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    left = deadline.left()
    thread.start()
    thread.join(left)
    if raised:
        raise raised[0]
    if not returned:
        raise socket.timeout("timed out")
    return returned[0]
