# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking several at a time, with a limit for all: a dockerd that hangs must not hang us."""

from __future__ import annotations

__all__ = ("Questions",)

import threading
import time
import typing as t


class Questions:
    """Functions that run in threads. Those without an answer in time are left behind."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._threads: t.List[threading.Thread] = []
        self._answers: t.Dict[t.Hashable, t.Any] = {}

    def ask(self, key: t.Hashable, function: t.Callable[..., t.Any], *arguments: t.Any) -> None:
        """Start the function; M(answer) returns its result under the key."""

        def run() -> None:
            # A failed thread would print its traceback over the module's JSON.
            try:
                self._answers[key] = function(*arguments)
            except Exception as exc:
                self._answers[key] = exc

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def answer(self, key: t.Hashable) -> t.Any:
        """Return the result, the exception, or a TimeoutError. Waits for all that was asked."""
        for thread in self._threads:
            thread.join(max(self._deadline - time.monotonic(), 0))
        return self._answers.get(key, TimeoutError("no answer in time"))
