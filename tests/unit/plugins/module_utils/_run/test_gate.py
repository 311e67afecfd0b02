# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a run asks the guard to open the gate, and when that has been done. The guard is tested on hosts."""

from __future__ import annotations

import json
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard import record as gate_record
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host
from ansible_collections.gangway.docker.plugins.module_utils._run import gate
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import OpenGate

_STEP = OpenGate("/usr/bin/python3")


class Guard:
    """Answers in the guard's place."""

    def __init__(self, code: int = 0, said: str = "") -> None:
        self.asked = 0
        self._answer = (code, "", said)

    def __call__(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        assert words[-1].endswith(" -m guard gate open")
        self.asked += 1
        return self._answer


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gate_record, "RECORD", str(tmp_path / "record"))
    monkeypatch.setattr(gate, "_BEGAN", time.time_ns())
    monkeypatch.setattr(gate, "_PATIENCE", 0.2)
    return tmp_path / "record"


def _write(record: Path, state: str, *, started: bool) -> None:
    start = time.time_ns() if started else time.time_ns() - 10**12
    # At once: one that is half-written counts as narrow, and the guard is asked again, which does no harm.
    written = record.with_suffix(".new")
    written.write_text(json.dumps({"state": state, "start": str(start)}))
    written.replace(record)


@pytest.mark.parametrize(
    ("state", "started", "asked"),
    [
        ("open", True, 0),
        # Of an earlier start: the access list may be another one since then.
        ("open", False, 1),
        # To hear why.
        ("shut", True, 1),
        ("narrow", True, 1),
        ("narrow", False, 1),
    ],
)
def test_the_guard_is_asked_unless_it_has_opened_the_gate_of_this_start(
    record: Path, state: str, started: bool, asked: int
) -> None:
    _write(record, state, started=started)
    guard = Guard()
    gate.open_gate(Host(guard), _STEP)
    assert guard.asked == asked


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "open"}', '{"state": "open", "start": "x"}'])
def test_a_record_that_can_not_be_read_says_nothing(record: Path, text: str) -> None:
    record.write_text(text)
    guard = Guard()
    gate.open_gate(Host(guard), _STEP)
    assert guard.asked == 1


def test_it_waits_for_what_starts_with_dockerd(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_PATIENCE", 30.0)
    _write(record, "narrow", started=True)
    opens = threading.Timer(0.1, _write, (record, "open"), {"started": True})
    opens.start()
    guard = Guard()
    gate.open_gate(Host(guard), _STEP)
    opens.join()
    assert guard.asked == 0


@pytest.mark.parametrize(("code", "key"), [(1, "gate_shut"), (2, "port_open")])
def test_a_gate_that_does_not_open_fails_the_run(record: Path, code: int, key: str) -> None:
    with pytest.raises(Failure) as caught:
        gate.open_gate(Host(Guard(code, "<3>gangway.docker: the TCP port is shut: so it is")), _STEP)
    assert caught.value.key == key
    assert "the TCP port is shut: so it is" in str(caught.value)
