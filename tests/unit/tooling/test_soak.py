# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of ./dev soak."""

from __future__ import annotations

from pathlib import Path

from tests.tooling.results import Ended, append_result, read_ended
from tests.tooling.soak import summary

_FLAVOURS = ("bookworm", "sid", "bookworm-openrc")
_METHODS, _ADOPT = "tests/integration/test_methods.py::", "tests/integration/test_adopt.py::"
_ENDED = (
    Ended(f"{_METHODS}test_a[sid-socket-then-override]", "failed", 61.4, "1111111"),
    Ended(f"{_METHODS}test_a[bookworm-socket-then-override]", "failed", 60.2, "1111111"),
    Ended(f"{_METHODS}test_a[socket-bookworm-openrc]", "skipped", 2.6, "1111111"),
    Ended(f"{_ADOPT}test_b[sid]", "error", 1, "1111111"),
    Ended("tests/integration/fleet/test_fleet.py::test_c", "passed", 70, "1111111"),
    Ended(f"{_METHODS}test_a[sid-socket-then-override]", "passed", 59.5, "2222222"),
)


def test_tests_are_rows_and_flavours_are_columns(tmp_path: Path) -> None:
    report = tmp_path / "fleet.jsonl"
    for ended in _ENDED:
        append_result(report, ended)
    lanes = {"bookworm": tmp_path / "missing.jsonl", "fleet": report}
    assert summary(lanes, _FLAVOURS).splitlines() == [
        "| test | bookworm | sid | bookworm-openrc | fleet |",
        "| --- | --- | --- | --- | --- |",
        "| fleet.test_fleet::test_c |  |  |  | passed 70 s |",
        "| test_adopt::test_b |  | error 1 s |  |  |",
        "| test_methods::test_a[socket-then-override] | failed 60 s | passed 60 s |  |  |",
        "| test_methods::test_a[socket] |  |  | skipped 3 s |  |",
        "| **all** | 0 of 1 passed, 60 s | 1 of 2 passed, 60 s | 0 of 1 passed, 3 s | 1 of 1 passed, 70 s |",
        "",
        "- test_methods::test_a[socket-then-override] on bookworm: failed",
        "- test_adopt::test_b on sid: error",
        "- no results of bookworm",
        "Commits: 2222222, 1111111",
    ]


def test_a_run_that_is_killed_leaves_what_has_ended(tmp_path: Path) -> None:
    report = tmp_path / "sid.jsonl"
    append_result(report, _ENDED[0])
    with report.open("a") as stream:
        stream.write('{"test": "tests/integration/test_x.py::te')
    assert read_ended(report) == [_ENDED[0]]
    # Its line is lost with the half before it, and the test runs again.
    append_result(report, _ENDED[3])
    append_result(report, _ENDED[4])
    assert read_ended(report) == [_ENDED[0], _ENDED[4]]
