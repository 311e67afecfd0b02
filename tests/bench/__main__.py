# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(python -m tests.bench): starts hosts, measures, prints, and stops the hosts again."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

import docker.errors

from tests.lab import Host, find_or_start_engine
from tests.lab.hosts import start_hosts

from .controller import COLLECTIONS, ROOT, BenchFailure, Controller
from .handshake import Handshake, measure_handshakes
from .host_cost import Cost, measure_cost
from .wall_time import Seconds, measure_wall_time

_SIZES = (2, 4, 8)
_IDENTITIES = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 hosts only, each run once")
    quick = parser.parse_args().quick
    try:
        _measure(sizes=_SIZES[:1] if quick else _SIZES, repeats=1 if quick else 3)
    except (BenchFailure, RuntimeError, OSError, subprocess.CalledProcessError, docker.errors.DockerException) as exc:
        print(f"The benchmark could not be run: {exc}", file=sys.stderr)
        return 1
    return 0


def _measure(*, sizes: t.Sequence[int], repeats: int) -> None:
    started = time.monotonic()
    (ROOT / ".cache").mkdir(exist_ok=True)
    _say(f"issuing {_IDENTITIES} identities, bare and by tls_bundle, {repeats} time(s) (about 5 s each)")
    # Not in /tmp, which may be memory: syncing files is part of what is measured. Deleted long before the next
    # benchmark: up to 6 minutes later, ext4 takes ten times as long to make new files.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".cache") as folder:
        issuing = _issuing(Path(folder), repeats)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".cache") as folder:
        engine = find_or_start_engine(_say)
        names = [f"bench-{number}" for number in range(1, max(sizes) + 1)]
        try:
            hosts = start_hosts(engine, [(name, "trixie") for name in names], _say)
            with Controller(engine, Path(folder) / "controller") as controller:
                seconds = measure_wall_time(controller, hosts, sizes, repeats, _say)
                _say("memory and processes on one host")
                cost = measure_cost(controller, hosts[0])
                _say("handshakes with a daemon that lists 1,000 clients")
                handshakes = measure_handshakes(engine, controller, hosts[0])
        finally:
            _say("stopping the hosts")
            for host in Host.running(engine):
                if host.name in names:
                    host.stop()
    _print_wall_time(seconds, repeats)
    _print_cost(cost)
    _print_issuing(issuing, repeats)
    _print_handshakes(handshakes)
    print(f"\nall of it took {time.monotonic() - started:.0f} s")


def _issuing(folder: Path, repeats: int) -> dict[str, float]:
    """In a process of its own, whose CPU time is nothing else's."""
    command = [sys.executable, "-m", "tests.bench.issuing", str(_IDENTITIES), str(repeats), str(folder)]
    path = os.pathsep.join(filter(None, [COLLECTIONS, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _print_wall_time(seconds: t.Mapping[int, Seconds], repeats: int) -> None:
    print(f"\nWall time in seconds, best of {repeats}, --forks = hosts, facts not gathered, SSH connections warm")
    print("ping+restart is one playbook: ansible.builtin.ping, then systemctl restart docker")
    print("hosts    ping  unchanged  ping+restart   first | unchanged/ping   first/(ping+restart)")
    for size, measured in seconds.items():
        unchanged, first = measured.unchanged / measured.ping, measured.first / measured.restart
        print(
            f"{size:5} {measured.ping:7.2f} {measured.unchanged:10.2f} {measured.restart:13.2f} {measured.first:7.2f} |"
            f" {unchanged:14.2f} {first:22.2f}"
        )
    print(f"{'limits':43} | {1.5:14} {2.0:22}")
    least, most = min(seconds), max(seconds)
    if most > least:
        slopes = seconds[most].slope(seconds[least], most - least)
        print(
            f"slope {slopes.ping:7.2f} {slopes.unchanged:10.2f} {slopes.restart:13.2f} {slopes.first:7.2f} |"
            f" seconds per added host, between {least} and {most}"
        )


def _print_cost(cost: Cost) -> None:
    print("\nOn the host, expose (limits: 1 module execution when nothing changes, else 2; 60 MiB; 0 processes)")
    for title, run in (("first", cost.first), ("unchanged", cost.unchanged)):
        peaks = ", ".join(f"{phase} {peak:.1f} MiB" for phase, peak in zip(("plan", "apply", "further"), run.peaks))
        left = "; ".join(run.left_behind) or "none"
        print(f"{title:10} module executions {len(run.peaks)}, peak memory {peaks}, processes left behind: {left}")


def _print_issuing(figures: t.Mapping[str, float], repeats: int) -> None:
    cpu, wall = figures["cpu"] / figures["bare_cpu"], figures["wall"] / figures["bare_wall"]
    written = figures["cpu"] / figures["written_cpu"]
    print(f"\nIssuing {_IDENTITIES} server identities in one call, against bare loops, best of {repeats}")
    print("     tls_bundle    bare  ratio  limit")
    row = "{:4} {:8.2f} s {:5.2f} s {:6.2f} {:6}  {}"
    print(row.format("CPU", figures["cpu"], figures["bare_cpu"], cpu, "3", "the loop makes keys and signs"))
    print(
        row.format("CPU", figures["cpu"], figures["written_cpu"], written, "-", "and writes and syncs the same files")
    )
    print(row.format("wall", figures["wall"], figures["bare_wall"], wall, "1.5", "likewise"))
    print(f"CPU  {figures['unchanged_cpu']:8.2f} s {'limit 1 s':>21}  over the same identities when nothing changes")


def _print_handshakes(handshakes: t.Mapping[int, Handshake]) -> None:
    print("\nA new connection until its first answer, median of 50, by how many clients the daemon lists")
    for count, handshake in handshakes.items():
        print(f"{count:5} clients  {handshake.milliseconds:5.1f} ms  {handshake.size:6} bytes read in the handshake")


def _say(text: str) -> None:
    print(f"[bench] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
