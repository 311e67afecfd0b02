# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lanes of commands: order, failures, output."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tooling.lanes import run_lanes


def _python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_lane_goes_on_after_a_failure_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    progress: list[str] = []
    lanes = [
        {"first": _python("print('one'); raise SystemExit(3)"), "second": _python("print('two')")},
        {"other": _python("raise SystemExit('three')")},
    ]
    assert run_lanes(lanes, logs=tmp_path, progress=progress.append) == ["first", "other"]
    printed = capsys.readouterr().out
    assert printed.index("one") < printed.index("two")
    assert "three" in printed
    assert (tmp_path / "second.log").read_text() == "two\n"
    told = [" ".join(text.split()[:2]) for text in progress if not text.startswith("other")]
    assert told == ["first starts", "first failed", "second starts", "second passed"]


def test_lanes_run_side_by_side(tmp_path: Path) -> None:
    """Each waits for a file that the other one makes."""
    meet = "import pathlib, time\n{mine}.touch()\nwhile not {other}.exists(): time.sleep(0.01)"
    one, two = (f"pathlib.Path({str(tmp_path / name)!r})" for name in ("one", "two"))
    lanes = [
        {"one": _python(meet.format(mine=one, other=two))},
        {"two": _python(meet.format(mine=two, other=one))},
    ]
    assert run_lanes(lanes, logs=tmp_path, progress=lambda _text: None) == []


def test_progress_names_what_is_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tooling.lanes._PROGRESS_SECONDS", 0.1)
    progress: list[str] = []
    run_lanes([{"slow": _python("import time; time.sleep(0.5)")}], logs=tmp_path, progress=progress.append)
    assert any(text.startswith("running: slow (") for text in progress)
