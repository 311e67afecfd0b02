# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting goes on as long as it can help."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.request import Result
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import CURES, STATES, WAITING_HELPS
from ansible_collections.gangway.docker.plugins.module_utils._probe.waiting import check_waited, wait_for_answer
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


class _Endpoint:
    """Is in one state after another, and keeps the last; each probe takes as long as it may."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.now = 0.0
        self.given: list[float] = []

    def probe(self, seconds: float) -> Result:
        self.given.append(seconds)
        self.now += seconds
        return Result("tcp://web1:2376", self.states.pop(0) if len(self.states) > 1 else self.states[0])

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, wait: float) -> tuple[str, int]:
        result, attempts = wait_for_answer(
            self.probe, wait=wait, timeout=10.0, clock=lambda: self.now, sleep=self.sleep
        )
        return result.state, attempts


def test_without_waiting_there_is_one_attempt() -> None:
    assert _Endpoint("nothing_listens").wait(0) == ("nothing_listens", 1)


def test_it_ends_with_the_answer() -> None:
    assert _Endpoint("name_unresolved", "nothing_listens", "answers", "silent").wait(60) == ("answers", 3)


@pytest.mark.parametrize("state", sorted({*STATES} - WAITING_HELPS))
def test_it_ends_where_it_is_in_vain(state: str) -> None:
    assert _Endpoint("silent", state, "answers" if state != "answers" else "silent").wait(60) == (state, 2)


def test_it_ends_in_time() -> None:
    endpoint = _Endpoint("silent")
    assert endpoint.wait(25) == ("silent", 3)
    assert endpoint.now <= 25
    assert endpoint.given == [10.0, 10.0, 3.0]


def test_each_state_but_one_has_a_cure() -> None:
    assert set(CURES) > WAITING_HELPS
    assert set(STATES) - set(CURES) == {"answers"}


@pytest.mark.parametrize(
    ("state", "wait", "key"),
    [
        ("silent", 0, None),
        ("unknown_ca", 0, None),
        ("answers", 5, None),
        ("silent", 5, "wait_timeout"),
        ("unknown_ca", 5, "wait_stopped"),
    ],
)
def test_who_waits_needs_an_answer(state: str, wait: float, key: str | None) -> None:
    result = Result("tcp://web1:2376", state, "some reason")
    if key is None:
        check_waited(result, wait)
        return
    with pytest.raises(Failure) as failure:
        check_waited(result, wait)
    assert failure.value.key == key
    assert str(failure.value).endswith(CURES[state])
