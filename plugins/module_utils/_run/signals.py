# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals while steps run: a controller that disconnects does not stop the run half-way."""

from __future__ import annotations

__all__ = ("Signals",)

import signal
import typing as t

from .._shared.failure import Failure

_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE)


class Signals:
    """Ignores what a lost terminal or connection sends, also in the programs that a step runs; remembers SIGTERM."""

    def __init__(self) -> None:
        self._terminated = False
        self._before: dict[signal.Signals, t.Any] = {}

    def __enter__(self) -> Signals:
        for number in _IGNORED:
            self._before[number] = signal.signal(number, signal.SIG_IGN)
        self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._terminate)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def check(self) -> None:
        """Raise if SIGTERM came. Failure: C(terminated)."""
        if self._terminated:
            raise Failure(
                "terminated",
                thing="the run on the host",
                reason="its process received SIGTERM, so its changes were rolled back",
                cure="Run again",
            )

    def _terminate(self, _number: int, _frame: object) -> None:
        self._terminated = True
