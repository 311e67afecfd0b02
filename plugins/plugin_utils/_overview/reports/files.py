# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing reports: each file is there as a whole or not at all."""

from __future__ import annotations

__all__ = ("Report", "write_reports")

import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..._fleet.on_disk.bundle import replace_file


@dataclass(frozen=True)
class Report:
    """C(option): where its path comes from. C(mode): of a file that is not there yet."""

    option: str
    path: Path
    mode: int
    make: t.Callable[[], str]


def write_reports(reports: t.Iterable[Report]) -> None:
    """Write them. Failure: C(report_not_writable)."""
    for report in reports:
        # A link stays one, since what it leads to may be what a web server shows.
        path = report.path.resolve()
        content = report.make().encode("utf-8", "replace")
        try:
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else report.mode
            replace_file(path, content, mode)
        except OSError as exc:
            raise Failure(
                "report_not_writable",
                thing=f"{report.option} {str(report.path)!r}",
                reason=f"it can't be written ({exc.strerror})",
                cure="Make its folder, or give a file that the user of Ansible can write",
            ) from exc
