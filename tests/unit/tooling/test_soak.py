# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of ./dev soak."""

from __future__ import annotations

from pathlib import Path

from tests.tooling.soak import summary

_FLAVOURS = ("bookworm", "sid", "bookworm-openrc")
_REPORT = """\
<testsuites><testsuite>
<testcase classname="tests.integration.test_methods" name="test_a[sid-socket-then-override]" time="61.4"/>
<testcase classname="tests.integration.test_methods" name="test_a[bookworm-socket-then-override]" time="60.2">
  <failure message="assert 1 == 2">...</failure></testcase>
<testcase classname="tests.integration.test_methods" name="test_a[socket-bookworm-openrc]" time="2.6">
  <skipped message="no"/></testcase>
<testcase classname="tests.integration.test_adopt" name="test_b[sid]" time="1">
  <error message="no host">...</error></testcase>
<testcase classname="tests.integration.fleet.test_fleet" name="test_c" time="70.0"/>
</testsuite></testsuites>
"""


def test_tests_are_rows_and_flavours_are_columns(tmp_path: Path) -> None:
    report = tmp_path / "integration-fleet.xml"
    report.write_text(_REPORT)
    lanes = {"bookworm": tmp_path / "missing.xml", "fleet": report}
    assert summary(lanes, _FLAVOURS).splitlines() == [
        "| test | bookworm | sid | bookworm-openrc | fleet |",
        "| --- | --- | --- | --- | --- |",
        "| fleet.test_fleet::test_c |  |  |  | passed 70 s |",
        "| test_adopt::test_b |  | error 1 s |  |  |",
        "| test_methods::test_a[socket-then-override] | failed 60 s | passed 61 s |  |  |",
        "| test_methods::test_a[socket] |  |  | skipped 3 s |  |",
        "| **all** | 0 of 1 passed, 60 s | 1 of 2 passed, 62 s | 0 of 1 passed, 3 s | 1 of 1 passed, 70 s |",
        "",
        "- test_methods::test_a[socket-then-override] on bookworm: failed",
        "- test_adopt::test_b on sid: error",
        "- no report of bookworm",
    ]
