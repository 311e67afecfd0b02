# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ctrl-C, a connection that drops, and SIGKILL of the module: the host completes or rolls back, without another run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.attack import ADMIN, attack
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller, Outcome
from tests.integration.port import ask, is_safe
from tests.integration.snapshot import started_at
from tests.lab.hosts import Host
from tests.lab.images import ENGINES

#: Seconds in which the host comes to rest by itself.
LIMIT = 60
POINTS = 20
#: At the first two, nothing has changed: when the module that observes starts, and when the one that runs does.
_BEFORE_THE_JOURNAL = (
    "pgrep -f 'AnsiballZ_dockerd[_]info' > /dev/null",
    "pgrep -f 'AnsiballZ_dockerd[_]listener' > /dev/null",
)
_JOURNAL = "/var/lib/gangway-docker/journal.json"
#: What each kind does on the host. (The brackets keep a pattern from matching the shell that has it.)
KINDS = {
    "ctrl-c": ":",
    "connection": "pkill -KILL -f '[s]shd.*: root'",
    "kill": "pkill -KILL -f AnsiballZ_dockerd_'[il]'",
}
PHASES = ("exposure", "change", "withdrawal")
#: What clients get: on the port, on a second one, and on the port from outside of the first access list.
_SEEN = {
    "": ("closed", "closed", "closed"),
    "exposure": ("answered", "closed", "dropped"),
    "change": ("answered", "answered", "answered"),
    "withdrawal": ("closed", "closed", "closed"),
}
#: Seconds between the journal's first and last moment, roughly; --soak measures them.
_SPANS = {"exposure": 1.6, "change": 1.2, "withdrawal": 1.6}


@dataclass(frozen=True)
class Rest:
    """How the host came to rest."""

    seconds: float
    seen: tuple[str, ...]
    #: It has rolled back, or completed, what was killed.
    recovered: bool


@attack(
    "Presses Ctrl-C, loses the connection, or kills the run",
    by=ADMIN,
    expected="Within 60 s the port is in its old or its requested state; dockerd and its containers run",
)
@pytest.mark.one_host
@pytest.mark.parametrize(
    ("kind", "points"),
    [("ctrl-c", (4, 8, 12)), ("connection", (9, 13, 5)), ("kill", (10, 6, 11))],
    ids=str,
)
def test_an_interrupted_run_ends_on_the_host(
    host: Host, controller: Controller, kind: str, points: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = interrupt_each_phase(host, controller, kind, points, _SPANS)
    with capsys.disabled():
        print("\n" + "\n".join(rows))


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_runs_interrupted_at_twenty_points_end_on_the_host(
    host: Host, controller: Controller, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each engine takes a share of the points, and the next kind's share begins at another one."""
    spans = {phase: span_of(host, controller, phase) for phase in PHASES}
    first = (ENGINES.index(host.flavour) + list(KINDS).index(kind)) % len(ENGINES)
    for point in range(first, POINTS, len(ENGINES)):
        rows = interrupt_each_phase(host, controller, kind, (point,) * len(PHASES), spans)
        with capsys.disabled():
            print("\n" + "\n".join(rows))


def interrupt_each_phase(
    host: Host, controller: Controller, kind: str, points: t.Sequence[int], spans: t.Mapping[str, float]
) -> list[str]:
    """Interrupt an exposure, a change and a withdrawal; after each, the next run does what was left undone."""
    container, before, rows = started_at(host), "", []
    for phase, point in zip(PHASES, points):
        rest = interrupt(host, controller, phase, kind, point, spans[phase])
        rows.append(
            f"{host.flavour}, {phase}, {kind} at {point + 1} of {POINTS}: {rest.seconds:.1f} s, "
            f"{'rolled back' if rest.recovered else 'no recovery'}, {rest.seen}"
        )
        assert rest.seconds < LIMIT, rows[-1]
        assert rest.seen in (_SEEN[before], _SEEN[phase]), rows[-1]
        assert host.run("docker version --format '{{.Server.Version}}'").stdout.strip()
        assert started_at(host) == container, rows[-1]

        outcome = play(host, controller, phase)
        assert outcome.code == 0, (rows[-1], outcome.failures)
        told = [text for text in outcome.warnings(host.name) if "interrupted" in text]
        if rest.recovered:
            assert all(host.name in text for text in told), rows[-1]
            assert told, rows[-1]
            assert outcome.changed(host.name), rows[-1]
        else:
            assert told == [], rows[-1]
        assert seen(host, controller) == _SEEN[phase], rows[-1]
        assert started_at(host) == container, rows[-1]
        left = host.run("ls -d /run/gangway-docker-reco* 2> /dev/null; true").stdout
        assert left == "", rows[-1]
        before = phase
    return rows


def interrupt(host: Host, controller: Controller, phase: str, kind: str, point: int, span: float) -> Rest:
    """Start a run, interrupt it at the point, and wait until the host is at rest."""
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(host.run, _script(point, span, KINDS[kind]), check=False)
        run = start(host, controller, phase)
        watching.result()
        started = time.monotonic()
        if kind == "ctrl-c":
            os.killpg(run.pid, signal.SIGINT)
        resting = pool.submit(host.run, _until_at_rest(armed=point >= len(_BEFORE_THE_JOURNAL)), check=False)
        while not resting.done():
            assert is_safe(host.address)
            time.sleep(0.1)
        seconds = time.monotonic() - started
        assert resting.result().returncode == 0, host.run("ls -l /var/lib/gangway-docker /run; ps axf").stdout
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(timeout=30)
    if run.returncode is None:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    recovered = host.run("test -e /run/gangway-docker-recovered.json", check=False).returncode == 0
    return Rest(seconds, seen(host, controller), recovered)


def _script(point: int, span: float, action: str) -> str:
    """Wait for the point, then act. From the journal on, points are spread over the transaction and a bit beyond."""
    early = len(_BEFORE_THE_JOURNAL)
    trigger = _BEFORE_THE_JOURNAL[point] if point < early else f"test -e {_JOURNAL}"
    delay = 0 if point < early else 1.1 * span * (point - early) / (POINTS - 1 - early)
    return f"for _ in $(seq 4000); do {trigger} && break; sleep 0.005; done; sleep {delay:.3f}; {action}"


def _until_at_rest(*, armed: bool) -> str:
    """Wait until nothing of a run is left: no process, no journal, no recovery.

    A run that is killed before it has armed the recovery leaves that one's folder, until the next run.
    """
    signs = ["pgrep -f AnsiballZ_dockerd_'[il]' > /dev/null", f"test -e {_JOURNAL}"]
    signs += ["test -n \"$(systemctl list-units --plain --no-legend 'docker-gangway-recovery*')\""]
    signs += ["test -e /run/gangway-docker-recovery"] if armed else []
    return f"for _ in $(seq {LIMIT * 10}); do {' || '.join(signs)} || exit 0; sleep 0.1; done; exit 1"


def _variables(host: Host, phase: str) -> dict[str, t.Any]:
    if phase != "change":
        return {}
    listen = [f"{host.address}:2376", f"{host.address}:9002"]
    return {"expose_listen": listen, "expose_allow": [f"{host.address.rpartition('.')[0]}.0/24"]}


def _playbook(phase: str) -> str:
    return "withdraw" if phase == "withdrawal" else "expose_docker"


def start(host: Host, controller: Controller, phase: str) -> subprocess.Popen[bytes]:
    return controller.start_playbook(_playbook(phase), **_variables(host, phase))


def play(host: Host, controller: Controller, phase: str) -> Outcome:
    return controller.playbook(_playbook(phase), **_variables(host, phase))


def seen(host: Host, controller: Controller) -> tuple[str, ...]:
    """Return what clients with a certificate get, if there is one yet."""
    bundle = controller.client() if (controller.client() / "cert.pem").exists() else None
    return (
        ask(host.address, bundle=bundle),
        ask(host.address, bundle=bundle, port=9002),
        ask(host.address, bundle=bundle, source=OUTSIDE, timeout=1.5),
    )


def span_of(host: Host, controller: Controller, phase: str) -> float:
    """Run the phase to its end, and return how long its journal existed."""
    sleep = "sleep 0.005; done"
    script = f"while ! test -e {_JOURNAL}; do {sleep}; date +%s%N; while test -e {_JOURNAL}; do {sleep}; date +%s%N"
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(host.run, script)
        outcome = play(host, controller, phase)
        assert outcome.code == 0, outcome.failures
        first, last = map(int, watching.result().stdout.split())
    return (last - first) / 1e9
