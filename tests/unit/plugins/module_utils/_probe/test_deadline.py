# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing outlasts its deadline, and everything else is as without one."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.deadline import Deadline, run_within


def test_what_returns_in_time_returns_and_raises() -> None:
    assert run_within(Deadline(10), lambda: 42) == 42
    assert run_within(Deadline(10), lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        run_within(Deadline(10), lambda: 1 // 0)


def test_what_hangs_is_left_behind() -> None:
    released = threading.Event()
    started = time.monotonic()
    with pytest.raises(socket.timeout):
        run_within(Deadline(0.2), lambda: released.wait(30))
    assert time.monotonic() - started < 5
    released.set()


def test_nothing_starts_after_it() -> None:
    deadline = Deadline(0)
    assert deadline.is_over
    with pytest.raises(socket.timeout):
        run_within(deadline, lambda: pytest.fail("it has started"))
    with pytest.raises(socket.timeout):
        deadline.left()
