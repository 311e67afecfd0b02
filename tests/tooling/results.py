# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of each test of a long run, written as it ends: a run that is ended early is not lost, and can go on."""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """A test that has ended. C(test): pytest's name of it; C(outcome): passed, failed, error or skipped."""

    test: str
    outcome: str
    seconds: float
    commit: str


def append_result(file: Path, ended: Ended) -> None:
    """Add a line."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{json.dumps(asdict(ended))}\n")


def read_ended(file: Path) -> list[Ended]:
    """Return the last result of each test, in the order in which the tests ended first."""
    found: dict[str, Ended] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        # A run that was killed may leave half a line, and the next one goes on behind it.
        with contextlib.suppress(ValueError):
            ended = Ended(**json.loads(line))
            found[ended.test] = ended
    return list(found.values())


@functools.cache
def present_commit(root: Path) -> str:
    """Return the short name of the commit; with C(+) where files differ from it."""
    words = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
