# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the lab for the tests: one of each flavour, put back to how it was before each test."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.controller import ROOT, Controller
from tests.lab.engine import Engine, find_or_start_engine
from tests.lab.hosts import Host
from tests.lab.images import CLIENT, ENGINES, FIREWALLS, FLAVOURS, OTHER_ENGINES, OTHER_INITS
from tests.lab.packages import UNDRESS
from tests.tooling.results import Ended, append_result, present_commit, read_ended

#: The fixtures that give a host of some flavour. (firewall_host is always of the flavour FIREWALLS.)
_HOSTS = {
    "host": ENGINES,
    "attacked": ENGINES,
    "served": ENGINES,
    "unfiltered": ENGINES,
    "other_init": OTHER_INITS,
    "scripted": OTHER_INITS,
    "engines_host": OTHER_ENGINES,
}
#: What pytest has reported of a test.
_REPORTS = pytest.StashKey[t.List[pytest.TestReport]]()
#: An address of the lab's gateway that is in no access list: packets from it come from outside.
OUTSIDE = "172.30.77.2"

#: What we, or a test, may have written; the firewall's drop-ins and what we put beside others' files have our name.
_LEFT = (
    "ls -d /var/lib/gangway-docker* /run/gangway-docker* /etc/systemd/system/docker.service.d "
    "/etc/systemd/system/docker.socket.d /etc/docker/daemon.json* 2>/dev/null; "
    "find /etc /run/systemd/system.control -name '*gangway*' 2>/dev/null"
)
#: Others' files that we may edit. Copies of them are made before the first test, while they are as packaged.
_SETTINGS = (
    "/etc/default/docker /etc/conf.d/docker /etc/sysconfig/docker /etc/init.d/docker /etc/nftables.conf "
    "/usr/lib/systemd/system/docker.service"
)
#: By the host's init: how to see that dockerd runs, to stop what we and others have started, and to start dockerd.
_SERVICES = {
    "systemd": (
        "systemctl --quiet is-active docker.service",
        # The socket as well: a dockerd that was started without it has put another one in its place.
        "systemctl stop 'docker-gangway*'; for unit in docker.socket docker.service; do "
        "systemctl stop $unit 2>/dev/null; done",
        "systemctl daemon-reload; systemctl reset-failed docker.service docker.socket 2>/dev/null; "
        "systemctl start docker.socket docker.service",
    ),
    "sysvinit": (
        "service docker status >/dev/null",
        "for ours in /etc/init.d/docker-gangway*; do test -e $ours && $ours stop; done; service docker stop",
        "service docker start",
    ),
    "openrc": (
        "rc-service --quiet docker status",
        "for ours in /etc/init.d/docker-gangway*; do test -e $ours && $ours stop; done; "
        # One that has crashed is no longer stopped, but has to be forgotten.
        "rc-service --quiet docker stop; rc-service --quiet docker zap",
        "rc-update --update >/dev/null 2>&1; rc-service --quiet docker start",
    ),
}


def reset_of(init: str) -> str:
    runs, stop, start = _SERVICES[init]
    return f"""
if ! test -d /opt/pristine; then
    mkdir /opt/pristine
    for file in {_SETTINGS}; do test -e $file && cp --archive --parents $file /opt/pristine; done
fi
# One that runs on is as good as a new one.
# A dockerd that took no socket from docker.socket leaves that one's clients waiting.
witness=$(timeout 10 docker ps --all --format '{{{{.Names}}}} {{{{.State}}}}' 2>/dev/null) || witness=hangs
test "$witness" = "witness running" ||
    timeout 20 docker ps --all --quiet 2>/dev/null | xargs -r timeout 20 docker rm --force >/dev/null 2>&1
rm -f /etc/docker/alt.json
test -e /usr/bin/python3.away && mv /usr/bin/python3.away /usr/bin/python3
mountpoint -q /etc && umount /etc
test -e /usr/bin/openssl.away && mv /usr/bin/openssl.away /usr/bin/openssl
timeout 20 docker swarm leave --force >/dev/null 2>&1
edited=
test "$witness" != hangs || edited=$witness
for file in {_SETTINGS}; do
    cmp --silent $file /opt/pristine$file || test ! -e $file -a ! -e /opt/pristine$file || edited=$file
done
flags=$(tr '\\0' ' ' < /proc/$(pidof dockerd | cut -d' ' -f1)/cmdline)
if test -n "$edited" -o -n "$({_LEFT})" || ! {runs} || echo "$flags" | grep -q tcp:; then
    timeout 20 docker rm --force witness >/dev/null 2>&1
    witness=
    {stop}
    {UNDRESS}
    for file in {_SETTINGS}; do
        rm -f $file
        test -e /opt/pristine$file && cp --archive /opt/pristine$file $file
    done
    rm -rf $({_LEFT})
    rmdir /etc/systemd/system/*.d 2>/dev/null
    {start}
fi
nft delete table inet gangway_docker 2>/dev/null
for _ in $(seq 100); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
test "$witness" = "witness running" && exit
docker ps --all --quiet | xargs -r docker rm --force >/dev/null
docker image inspect bb >/dev/null 2>&1 || tar -C /opt/busybox -c . | docker import - bb >/dev/null
docker run --detach --name witness --restart always bb \\
    /bin/sh -c 'trap "exit 0" TERM; sleep 1000000 & wait' >/dev/null
"""


#: What puts a host back to how it comes from its distribution, with one running container named C(witness).
RESET = reset_of("systemd")


@contextlib.contextmanager
def without_ssh(host: Host) -> Iterator[None]:
    """For Ansible the host is down, by connections that are open already as well; its daemon runs on."""
    host.run("systemctl stop ssh.socket ssh.service 2>/dev/null || service ssh stop; pkill sshd; true")
    try:
        yield
    finally:
        host.run("service ssh start")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--prefix", default="it", help="of the hosts' names, so that two runs do not share hosts")
    parser.addoption(
        "--flavour",
        choices=FLAVOURS,
        help="only this kind of host, with its share of the tests marked one_host; each may run in a pytest of its own",
    )
    parser.addoption(
        "--soak",
        action="store_true",
        help="what runs without it leave out: tests on the other flavours, every fault, and the tests marked soak",
    )
    parser.addoption(
        "--results", type=Path, help="note in this file what became of each test; those that it says passed do not run"
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "one_host: runs on one flavour only, for its subject is not the host",
        "flavours(*names): runs on these flavours only: the others show nothing new",
        "only(*names): can't run on other flavours",
        "soak: runs with --soak only, for it takes long",
        "due(*values): of its parameters' values, these run without --soak; the others go much the same way",
        "shows(*states): makes endpoint_info return these states",
    ):
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that takes a host runs on each flavour."""
    for fixture, flavours in _HOSTS.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, flavours, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen, soak = config.getoption("--flavour"), config.getoption("--soak")
    is_wanted = _is_for_soak if soak else _is_due
    results = config.getoption("--results")
    passed = {ended.test for ended in read_ended(results) if ended.outcome == "passed"} if results else set()
    wanted = [item for item in items if _fits(item, chosen) and is_wanted(item) and item.nodeid not in passed]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> t.Generator[None, object, object]:
    """Note what became of the test."""
    item.stash[_REPORTS] = []
    ran = yield
    results, reports = item.config.getoption("--results"), item.stash[_REPORTS]
    if results:
        outcome = next((outcome for outcome in map(_outcome, reports) if outcome != "passed"), "passed")
        seconds = sum(report.duration for report in reports)
        append_result(results, Ended(item.nodeid, outcome, seconds, present_commit(ROOT)))
    return ran


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> t.Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_REPORTS].append(report)
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With all of its tests passed before, a run has nothing left to do."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.getoption("--results"):
        session.exitstatus = pytest.ExitCode.OK


def _outcome(report: pytest.TestReport) -> str:
    return "error" if report.failed and report.when != "call" else report.outcome


def _fits(item: pytest.Item, chosen: str | None) -> bool:
    """Whether the test can run if only this flavour is there (None: all are)."""
    if "firewall_host" in getattr(item, "fixturenames", ()):
        return chosen in (None, FIREWALLS)
    flavours, only = _flavours(item), item.get_closest_marker("only")
    if only is not None and not flavours <= {*only.args}:
        return False
    if not flavours:
        # No host: in the lanes of the engines, as ever.
        return chosen in (None, *ENGINES)
    return flavours == {chosen} if chosen else len(flavours) == 1


def _is_due(item: pytest.Item) -> bool:
    """Whether the test runs on its flavour without --soak."""
    if item.get_closest_marker("soak") is not None:
        return False
    flavours, values = _flavours(item), _parameters(item).values()
    marker = item.get_closest_marker("flavours")
    if marker is not None and not flavours <= {*marker.args}:
        return False
    marker = item.get_closest_marker("due")
    if marker is not None and not any(value in marker.args for value in values):
        return False
    if item.get_closest_marker("one_host") is None or not flavours:
        return True
    # By the test's name, its other parameters included, so that each lane gets its share and keeps it.
    (flavour,) = flavours
    name = item.name.replace(flavour, "")
    return flavour == ENGINES[int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(ENGINES)]


def _is_for_soak(item: pytest.Item) -> bool:
    """Whether a run without --soak leaves the test out on its flavour, or does less of it than the option asks for."""
    return not _is_due(item) or item.get_closest_marker("flavours") is not None


def _flavours(item: pytest.Item) -> set[str]:
    """Return the flavours of the hosts that the test takes."""
    parameters = _parameters(item)
    return {parameters[fixture] for fixture in _HOSTS if fixture in parameters}


def _parameters(item: pytest.Item) -> dict[str, t.Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.fixture(scope="session")
def engine() -> Engine:
    engine = find_or_start_engine()
    subprocess.run(
        engine.inside(["ip", "address", "replace", f"{OUTSIDE}/24", "dev", "gangway-lab0"]),
        check=True,
        capture_output=True,
    )
    return engine


@pytest.fixture(scope="session")
def lab(engine: Engine) -> Iterator[t.Callable[..., Host]]:
    """Start hosts by name and flavour; all of them end with the session."""
    started: dict[str, Host] = {}

    def start(name: str, flavour: str, **options: t.Any) -> Host:
        if name not in started:
            started[name] = Host.start(engine, name, flavour, **options)
            started[name].wait_until_ready()
        return started[name]

    yield start
    for host in started.values():
        host.stop()


@pytest.fixture
def host(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """A host as it comes from its distribution, with one running container named C(witness)."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    host.run(RESET)
    return host


@pytest.fixture
def other_init(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """As C(host), with sysvinit or OpenRC in systemd's place."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    host.run(reset_of(host.init))
    return host


@pytest.fixture
def unfiltered(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """A host whose kernel refuses bpf(2), so that systemd can't filter packets by cgroup."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}-nobpf", request.param, filtering=False)
    # Without bpf(2) no container starts there: the last step of the reset fails.
    host.run(RESET, check=False)
    return host


@pytest.fixture
def client_machine(request: pytest.FixtureRequest, lab: t.Callable[..., Host]) -> Host:
    """A machine without dockerd. Each lane has one of its own."""
    lane = request.config.getoption("--flavour") or "any"
    return lab(f"{request.config.getoption('--prefix')}-{lane}-{CLIENT}", CLIENT)


@pytest.fixture
def controller(tmp_path: Path, host: Host) -> Controller:
    return Controller(tmp_path, [host])
