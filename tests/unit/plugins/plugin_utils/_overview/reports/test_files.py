# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports are written as a whole, with the mode that fits them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._overview.reports.files import Report, write_reports


def _report(path: Path, text: str = "new") -> Report:
    return Report("json_file", path, 0o600, lambda: text)


def test_a_new_file_has_the_mode_of_its_kind(tmp_path: Path) -> None:
    write_reports([_report(tmp_path / "x.json")])
    assert (tmp_path / "x.json").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o600


def test_a_file_that_is_there_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "served.json", tmp_path / "x.json"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_reports([_report(link)])
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_run_that_is_killed_leaves_the_old_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    path.write_text("old")
    with mock.patch.object(os, "replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        write_reports([_report(path)])
    assert path.read_text() == "old"
    # node_exporter reads all files that end so.
    assert [found.name for found in tmp_path.glob("*.prom") if not found.name.startswith(".")] == ["x.prom"]
    assert not list(tmp_path.glob(".*.prom"))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        write_reports([_report(tmp_path / "missing" / "x.json")])
    assert caught.value.key == "report_not_writable"
    assert "missing" in str(caught.value)


def test_text_that_no_encoding_has_is_written_all_the_same(tmp_path: Path) -> None:
    write_reports([_report(tmp_path / "x.json", "a\ud800b")])
    assert (tmp_path / "x.json").read_text() == "a?b"
