# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run costs the host: module executions, their peak memory, and processes that stay."""

from __future__ import annotations

import json
import shlex
import time
import typing as t
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.lab import Host

from .controller import EXPOSE, WITHDRAW, Controller

_STOP = "/run/bench-stop"
#: What Ansible names a module's file on the host.
_MODULES = tuple(b"/AnsiballZ_%s.py" % module for module in (b"dockerd_info", b"dockerd_listener"))
#: Runs on the host. VmHWM (proc_pid_status(5)) only grows, so what is seen last is the peak, but for the last
#: milliseconds. A child between fork and exec still has the module's command line: it counts to its parent.
_SAMPLER = f"""
import json, os, time
print("ready", flush=True)
seen = {{}}
while not os.path.exists({_STOP!r}):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{{pid}}/cmdline", "rb") as stream:
                words = stream.read().split(b"\\0")
            if b"python" not in words[0] or not words[1].endswith({_MODULES}):
                continue
            with open(f"/proc/{{pid}}/status") as stream:
                status = dict(line.rstrip().split(":\\t", 1) for line in stream)
        except (OSError, IndexError, ValueError):
            continue
        if "VmHWM" in status:
            seen[int(pid)] = (int(status["PPid"]), int(status["VmHWM"].split()[0]))
    time.sleep(0.002)
print(json.dumps([peak for parent, peak in seen.values() if parent not in seen]))
"""
#: Sessions of the person's own SSH connections come and go.
_NOT_OURS = ("sshd", "ps ")


@dataclass(frozen=True)
class Run:
    """One run: peak memory of each module execution in MiB, in order; processes that were not there before."""

    peaks: tuple[float, ...]
    left_behind: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What a first exposure costs, and one that changes nothing."""

    first: Run
    unchanged: Run


def measure_cost(controller: Controller, host: Host) -> Cost:
    """Measure on one host that was exposed before; it is exposed afterwards, too."""
    host.run("systemctl reset-failed docker.service docker.socket")
    controller.run(WITHDRAW, [host])
    return Cost(first=_watch(controller, host, changes=True), unchanged=_watch(controller, host, changes=False))


def _watch(controller: Controller, host: Host, *, changes: bool) -> Run:
    before = _processes(host)
    host.run(f"rm -f {_STOP}")
    with ThreadPoolExecutor(1) as pool:
        sampler = pool.submit(host.run, f"exec /usr/bin/python3 -c {shlex.quote(_SAMPLER)}")
        try:
            controller.run(EXPOSE, [host], changes=changes)
        finally:
            host.run(f"touch {_STOP}")
    peaks = json.loads(sampler.result().stdout.splitlines()[-1])
    return Run(tuple(peak / 1024 for peak in peaks), tuple(_left_behind(host, before)))


def _left_behind(host: Host, before: Counter[str]) -> t.Iterable[str]:
    """What ends by itself within five seconds is not left behind."""
    deadline = time.monotonic() + 5
    left = _processes(host) - before
    while left and time.monotonic() < deadline:
        time.sleep(0.2)
        left = _processes(host) - before
    return left.elements()


def _processes(host: Host) -> Counter[str]:
    listed = host.run("ps -e -o args=").stdout.splitlines()
    return Counter(line.strip() for line in listed if not line.startswith(_NOT_OURS) and "ps -e -o args=" not in line)
