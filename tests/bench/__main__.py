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
from .fronts import Front, measure_fronts
from .handshake import Handshake, measure_handshakes
from .host_cost import Cost, measure_cost
from .wall_time import Medians, measure_wall_time

_SIZES = (2, 4, 8)
_IDENTITIES = 1000
_OBSERVATIONS = 1000
_LOOKUPS = 1000
#: Limits of what Ansible sends to a host, in kB.
_PAYLOADS = {"gangway.docker.dockerd_info": 45, "gangway.docker.dockerd_listener": 110}


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
    _say("payload of the modules, and planning")
    payloads = _in_process("tests.bench.payload", *_PAYLOADS)
    planning = _in_process("tests.bench.planning", str(_OBSERVATIONS))
    _say(f"{_LOOKUPS} lookups in one play, and as many of ansible.builtin.env (about 15 s)")
    lookups = _in_process("tests.bench.lookups", str(_LOOKUPS))
    _say(f"issuing {_IDENTITIES} identities, bare and by tls_bundle, {repeats} time(s) (about 5 s each)")
    # Not in /tmp, which may be memory: syncing files is part of what is measured. Deleted long before the next
    # benchmark: up to 6 minutes later, ext4 takes ten times as long to make new files.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".cache") as folder:
        issuing = _in_process("tests.bench.issuing", str(_IDENTITIES), str(repeats), folder)
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
                megabytes = 1024 if repeats > 1 else 64
                _say(f"dockerd's own TLS, HAProxy and ssh:// in front of one dockerd, with an image of {megabytes} MB")
                fronts = measure_fronts(
                    engine, controller, hosts[0], Path(folder), megabytes=megabytes, rounds=2 if repeats > 1 else 1
                )
        finally:
            _say("stopping the hosts")
            for host in Host.running(engine):
                if host.name in names:
                    host.stop()
    _print_payloads(payloads)
    _print_planning(planning)
    _print_lookups(lookups)
    _print_wall_time(seconds, repeats)
    _print_cost(cost)
    _print_issuing(issuing, repeats)
    _print_handshakes(handshakes)
    _print_fronts(fronts, megabytes)
    print(f"\nall of it took {time.monotonic() - started:.0f} s")


def _in_process(module: str, *words: str) -> t.Any:
    """Run one of the benchmark's programs in a process of its own, whose CPU time is nothing else's."""
    path = os.pathsep.join(filter(None, [COLLECTIONS, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS}
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def _print_payloads(payloads: t.Mapping[str, t.Mapping[str, int] | None]) -> None:
    print("\nPayload: our files in what Ansible sends to a host for a module, compressed and encoded")
    for module, payload in payloads.items():
        size = (
            f"{payload['size'] / 1000:6.1f} kB in {payload['files']:2} files" if payload else "there is no such module"
        )
        print(f"{module:32} {size}, limit {_PAYLOADS[module]} kB")


def _print_planning(figures: t.Mapping[str, float] | None) -> None:
    print(f"\nPlanning {_OBSERVATIONS} recorded observations in one process (limit: 10 s of CPU)")
    if figures is None:
        print("there are no recorded observations")
    else:
        print(f"CPU {figures['cpu']:6.2f} s, from the answers of {figures['recorded']} hosts")


def _print_lookups(figures: t.Mapping[str, t.Mapping[str, float]]) -> None:
    print(f"\n{_LOOKUPS} lookups in one task after the first one, each, against ansible.builtin.env (limit: 1 ms more)")
    for kind in ("cpu", "wall"):
        ours, env = (figures[which][kind] / _LOOKUPS * 1000 for which in ("ours", "env"))
        print(f"{kind:4} {ours:6.2f} ms, env {env:5.2f} ms: {ours - env:5.2f} ms more, ratio {ours / env:4.2f}")


def _print_wall_time(seconds: t.Mapping[int, Medians], repeats: int) -> None:
    print(f"\nWall time in seconds, medians of {repeats} rounds; --forks = hosts, no facts, SSH connections warm")
    print("ping+restart is one playbook: ansible.builtin.ping, then systemctl restart docker")
    print("hosts    ping  unchanged  ping+restart   first | unchanged/ping   first/(ping+restart)")
    row = "{:5} {:7.2f} {:10.2f} {:13.2f} {:7.2f} | {}"
    for size, medians in seconds.items():
        unchanged, first = medians.unchanged / medians.ping, medians.first / medians.restart
        print(row.format(size, *medians, f"{unchanged:14.2f} {first:22.2f}"))
    print(f"{'limits':46} | {1.25:14} {1.7:22}")
    least, most = min(seconds), max(seconds)
    if most > least:
        slopes = seconds[most].slope(seconds[least], most - least)
        print(row.format("slope", *slopes, f"{slopes.unchanged / slopes.ping:14.2f}"))
        print(f"{'limit':46} | {1.3:14}")
        print(f"slope: seconds per added host, between {least} and {most} hosts")


def _print_cost(cost: Cost) -> None:
    print("\nOn the host, expose (limits: 1 module execution when nothing changes, else 2; 60 MiB; 0 processes)")
    for title, run in (("first", cost.first), ("unchanged", cost.unchanged)):
        peaks = ", ".join(f"{phase} {peak:.1f} MiB" for phase, peak in zip(("observe", "run", "further"), run.peaks))
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


def _print_fronts(fronts: t.Mapping[str, Front], megabytes: int) -> None:
    print(f"\nThe same dockerd behind each front; docker load of {megabytes} MB; one client, one after the other")
    print("front      new/s  kept/s  until the first answer    load    first  unchanged")
    for name, front in fronts.items():
        runs = f"{front.first:6.2f} s {front.unchanged:8.2f} s" if front.first else ""
        kept = f"{front.kept:7.0f}" if front.kept else f"{'-':>7}"
        print(f"{name:8} {front.new:7.1f} {kept} {front.latency:20.1f} ms {front.load:7.2f} s {runs}")
    own, gateway, by_ssh = fronts["socket"], fronts["gateway"], fronts["ssh"]
    ratios = (gateway.new / own.new, gateway.kept / own.kept, own.load / gateway.load)
    print("gateway/socket (limit 0.85): new {:.2f}, kept {:.2f}, load {:.2f}".format(*ratios))
    print(f"gateway/ssh for new connections (limit 5): {gateway.new / by_ssh.new:.1f}")
    print(
        f"gateway/socket (limit 1): first {gateway.first / own.first:.2f}, "
        f"unchanged {gateway.unchanged / own.unchanged:.2f}"
    )
    if gateway.memory is not None:
        rest, busy = gateway.memory
        print(f"HAProxy: {rest:.0f} MB at rest (limit 45), {busy:.0f} MB with 500 idle connections (limit 80)")


def _say(text: str) -> None:
    print(f"[bench] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
