# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lanes: commands that run one after another, several lanes side by side."""

from __future__ import annotations

import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

#: Commands by their names, in order.
Lane = t.Mapping[str, t.Sequence[str]]
_Progress = t.Callable[[str], None]
_PROGRESS_SECONDS = 30


def run_lanes(lanes: t.Sequence[Lane], *, logs: Path, progress: _Progress) -> list[str]:
    """Run all commands, whichever of them fail, and return the names of those that failed.

    The output of each goes into C(logs)/NAME.log and is printed when the command ends.
    """
    running: dict[str, float] = {}
    interrupted = Event()
    with ThreadPoolExecutor(len(lanes)) as pool:
        futures = [pool.submit(_run_lane, lane, running, interrupted, logs, progress) for lane in lanes]
        try:
            while wait(futures, timeout=_PROGRESS_SECONDS).not_done:
                now = time.monotonic()
                progress("running: " + ", ".join(f"{name} ({now - since:.0f} s)" for name, since in [*running.items()]))
        except KeyboardInterrupt:
            # The commands of the terminal's process group are interrupted as well; no other one starts.
            interrupted.set()
            raise
    return [name for future in futures for name in future.result()]


def _run_lane(lane: Lane, running: dict[str, float], interrupted: Event, logs: Path, progress: _Progress) -> list[str]:
    failed = []
    for name, command in lane.items():
        if interrupted.is_set():
            break
        progress(f"{name} starts")
        running[name] = started = time.monotonic()
        log = logs / f"{name}.log"
        with log.open("wb") as stream:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False
            )
        del running[name]
        print(log.read_text(errors="replace"), flush=True)
        progress(f"{name} {'failed' if done.returncode else 'passed'} after {time.monotonic() - started:.0f} s")
        if done.returncode:
            failed.append(name)
    return failed
