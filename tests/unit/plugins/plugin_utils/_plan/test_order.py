# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between any two steps dockerd can start: as before, as planned, or without the port."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    LoadRules,
    MakeFolder,
    Prove,
    ReadUnits,
    Remove,
    RestartDockerd,
    Settle,
    StartDockerd,
    StartUnit,
    Step,
    StopDockerd,
    StopUnit,
    SwitchLiveRestore,
    Write,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.guard_files import GUARD_FILES

from .firewalls.fake_ufw import FakeUfw
from .hosts import FITS, HOSTS, Host
from .planning import SECRETS, after, close, expose, exposed_by, steps_of, withdraw
from .starts import Start, start_of, started, starts

#: With or without TLS, and the firewall.
Kind = t.Tuple[bool, str]
KINDS: tuple[Kind, ...] = ((True, "none"), (True, "nftables"), (False, "nftables"))
#: The access list is in the socket unit.
FILTERED: Kind = (True, "systemd")
CLOSED = "closed"
#: Host, method before and afterwards; empty: not exposed.
JOURNEYS = [
    (name, old, new)
    for name, methods in FITS.items()
    for old, new in itertools.product(("", *methods), ("", CLOSED, *methods))
    if old or new not in ("", CLOSED)
]
_STARTS = (StartDockerd, RestartDockerd)


@dataclasses.dataclass(frozen=True)
class Journey:
    """From C(before), by these steps, to another state."""

    before: Host
    steps: tuple[Step, ...]
    #: The sockets that are the user's, afterwards.
    others: tuple[str, ...]
    #: TLS and firewall afterwards; None: no port of ours.
    now: Kind | None
    #: A listener of others is back afterwards.
    is_theirs: bool = False

    @functools.cached_property
    def starts(self) -> list[Start]:
        return starts(self.before.copy(), self.steps, SECRETS)


def _kinds(method: str) -> tuple[Kind, ...]:
    return (*KINDS, FILTERED) if method == "socket" else KINDS


@functools.cache
def _exposed(name: str, method: str, kind: Kind) -> Host:
    return exposed_by(HOSTS[name], method, tls=kind[0], firewall=kind[1]) if method else HOSTS[name]


@functools.cache
def journeys(name: str, old: str, new: str) -> list[Journey]:
    """Return all ways from one method to another, with and without TLS, by the kinds of firewall."""
    others = tuple(_start(HOSTS[name]).others)
    found = []
    for was, now in itertools.product(_kinds(old) if old else KINDS[:1], _kinds(new) if new in FITS[name] else [None]):
        host = _exposed(name, old, was)
        if now is not None:
            plan = expose(host, new, tls=now[0], firewall=now[1])
        else:
            plan = close(host) if new == CLOSED else withdraw(host)
        found.append(Journey(host, tuple(steps_of(plan)), others, now))
    return found


def _start(host: Host) -> Start:
    return start_of(host, host.units, "", None)


def _protection(start: Start) -> tuple[bool, ...]:
    """Mutual TLS, the guard, an access list."""
    return start.is_verified, start.has_guard, start.is_filtered or not start.unguarded


def violations(journey: Journey) -> list[str]:
    """Return what is wrong at any moment of the journey; empty: nothing."""
    try:
        found = journey.starts
    except AssertionError as exc:
        return [f"a step fails: {exc}"]
    before, planned = found[0], found[-1]
    wrong = []
    settled = False
    for start in found:
        settled = settled or isinstance(start.step, Settle)
        if start.fails:
            wrong.append(f"dockerd would not start: {start}")
        if "fd://" not in start.others:
            # While hosts move from one place to the other they are in neither, but for the default.
            wrong.append(f"the user's socket is missing: {start}")
        if not start.live_restore and not settled and start.when[:6] != "before" and start.hosts != before.hosts:
            wrong.append(f"containers would stop: {start}")
        if start.tcp and start.tcp not in (before.tcp, planned.tcp):
            wrong.append(f"another port: {start}")
        ends = [_protection(end) for end in (before, planned) if start.tcp == end.tcp]
        if start.tcp and not any(all(map(int.__ge__, _protection(start), end)) for end in ends):
            wrong.append(f"less protected than before and than planned: {start}")
    first = next((index for index, start in enumerate(found) if isinstance(start.step, _STARTS)), len(found))
    for start in found[first:]:
        if tuple(start.others) != journey.others:
            wrong.append(f"the user's sockets are others: {start}")
        if bool(start.tcp) is not (journey.now is not None or journey.is_theirs):
            wrong.append(f"the port is not as planned: {start}")
        if journey.now is not None and start.is_verified is not journey.now[0]:
            wrong.append(f"TLS is not as planned: {start}")
    if sum(isinstance(step, _STARTS) for step in journey.steps) > 1:
        wrong.append("dockerd starts twice")
    return wrong


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_dockerd_can_start_at_any_moment_and_is_never_less_protected(name: str, old: str, new: str) -> None:
    for journey in journeys(name, old, new):
        assert violations(journey) == []


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_the_port_is_never_there_without_what_both_ends_have(name: str, old: str, new: str) -> None:
    for journey in journeys(name, old, new):
        before, planned = journey.starts[0], journey.starts[-1]
        both = [all(pair) for pair in zip(*(_protection(start) for start in (before, planned) if start.tcp))]
        for start in journey.starts:
            if start.tcp:
                assert all(map(int.__ge__, _protection(start), both)), start


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_folders_are_made_once_and_only_those_that_are_missing(name: str, old: str, new: str) -> None:
    for journey in journeys(name, old, new):
        made = [step.path for step in journey.steps if isinstance(step, MakeFolder)]
        assert len(made) == len(set(made))
        assert not set(made) & journey.before.folders.keys()


@pytest.mark.parametrize(("name", "old", "new"), [journey for journey in JOURNEYS if journey[1] != journey[2]])
def test_on_the_way_daemon_json_has_no_port(name: str, old: str, new: str) -> None:
    for journey in journeys(name, old, new):
        texts = [step for step in journey.steps if isinstance(step, Write) and step.path == layout.DAEMON_JSON]
        for step in texts[:-1]:
            assert step.interim
            hosts = parse(step.content or "").get("hosts", [])
            assert not any("tcp://" in host for host in hosts), step


@pytest.mark.parametrize(("name", "old", "new"), [journey for journey in JOURNEYS if journey[2] not in ("", CLOSED)])
def test_what_is_used_comes_before_its_user_and_goes_after_it(name: str, old: str, new: str) -> None:
    rules = (*layout.FIREWALL_UNITS, layout.FIREWALL_RULES)
    used = (layout.STATE, layout.BUNDLE)
    for journey in journeys(name, old, new):
        files = [s for s in journey.steps if isinstance(s, (Write, Remove)) and s.path not in rules]
        places = [1 + (1 if isinstance(s, Remove) else -1) * s.path.startswith(used) for s in files]
        places = [place for place, step in zip(places, files) if step.path != layout.FILTERING_SEEN]
        assert places == sorted(places), files
        ours = (layout.SOCKET_UNIT, layout.GATE_UNIT, layout.DROP_IN, layout.EXEC_DROP_IN)
        removed = [isinstance(step, Remove) for step in files if step.path in ours]
        assert removed == sorted(removed, reverse=True), "the units of two methods are never there together"


@pytest.mark.parametrize(("name", "old", "new"), [journey for journey in JOURNEYS if journey[2] in ("", CLOSED)])
def test_the_port_closes_before_anything_that_protects_it_goes(name: str, old: str, new: str) -> None:
    protect = (layout.BUNDLE, layout.STATE, layout.FIREWALL_UNIT)
    for journey in journeys(name, old, new):
        started = next(index for index, step in enumerate(journey.steps) if isinstance(step, _STARTS))
        gone = [s.path for s in journey.steps[:started] if isinstance(s, Remove)]
        assert not [path for path in gone if path.startswith(protect)]
        if HOSTS[name].is_systemd:
            stopped = [step.unit for step in journey.steps[:started] if isinstance(step, StopUnit)]
            assert layout.GANGWAY_SOCKET in stopped


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_the_originals_are_kept_before_a_file_of_others_changes(name: str, old: str, new: str) -> None:
    ours = (layout.STATE, layout.BUNDLE, layout.UNITS, layout.FIREWALL_RULES)
    for journey in journeys(name, old, new):
        paths = [step.path for step in journey.steps if isinstance(step, (Write, Remove, Settle))]
        if layout.ORIGINALS in paths and new not in ("", CLOSED):
            others = [index for index, path in enumerate(paths) if not path.startswith((*ours, "/run/"))]
            assert all(paths.index(layout.ORIGINALS) < index for index in others), paths


@pytest.mark.parametrize(("name", "old", "new"), [journey for journey in JOURNEYS if journey[2] not in ("", CLOSED)])
def test_rules_are_loaded_before_anything_can_open_the_port_and_go_once_it_has_its_new_state(
    name: str, old: str, new: str
) -> None:
    for journey in journeys(name, old, new):
        steps = journey.steps
        opening = [i for i, s in enumerate(steps) if isinstance(s, (StartUnit, *_STARTS)) or _is_listener(s)]
        proved = next((index for index, step in enumerate(steps) if isinstance(step, Prove)), -1)
        for index, step in enumerate(steps):
            if isinstance(step, LoadRules) and step.ignore_errors:
                assert index > proved
            elif isinstance(step, LoadRules):
                assert index < min(opening, default=len(steps)) or index > proved


DROP_IN = "/etc/systemd/system/docker.service.d/override.conf"
_OPEN = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --debug\n"
_OWN_SOCKET = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H unix:///var/run/docker.sock -H tcp://0.0.0.0:2375\n"
_TLS = '"tlsverify": true, "tlscacert": "/ca", "tlscert": "/c", "tlskey": "/k"'
#: Files of a listener that is there already.
THEIRS: dict[str, dict[str, str]] = {
    "drop-in": {DROP_IN: _OPEN},
    "drop-in with TLS": {
        DROP_IN: _OPEN.replace("--debug", "--tlsverify --tlscacert=/ca --tlscert=/c --tlskey=/k"),
        layout.DAEMON_JSON: '{"mtu": 1}',
    },
    "own socket": {DROP_IN: _OWN_SOCKET, layout.DAEMON_JSON: f"{{{_TLS}}}"},
    "socket unit": {"/etc/systemd/system/docker-tcp.socket": "[Socket]\nListenStream=2375\n"},
    "options file": {"/etc/default/docker": "# mine\nDOCKER_OPTS='-H tcp://1.2.3.4:2376 -D'"},
    "daemon.json": {
        DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd\n",
        layout.DAEMON_JSON: f'{{"hosts": ["fd://", "tcp://1.2.3.4:2375"], {_TLS}}}',
    },
}


#: A host, files of a listener there, and a method. Their ExecStart takes no variable, except for those of the package.
ADOPTIONS = [
    *(("debian", name, method) for name in THEIRS for method in FITS["debian"] if method != "options_file"),
    *(("debian", name, "options_file") for name in ("socket unit", "options file")),
    *(("docker-ce", name, method) for name in ("drop-in", "daemon.json") for method in FITS["docker-ce"]),
    *(("sysvinit", "options file", method) for method in FITS["sysvinit"]),
]


@pytest.mark.parametrize(("name", "files", "method"), ADOPTIONS)
def test_adopting_a_listener_and_giving_it_back_keeps_the_order(name: str, files: str, method: str) -> None:
    theirs = HOSTS[name]
    for path, text in THEIRS[files].items():
        theirs = theirs.write(path, text, 0o600, 3, 4)
    theirs = started(theirs.but(active={*theirs.active, "docker-tcp.socket"}))
    before = _start(theirs)
    assert before.tcp
    for kind in _kinds(method):
        plan = expose(theirs, method, tls=kind[0], firewall=kind[1], adopt=True)
        assert violations(Journey(theirs, tuple(steps_of(plan)), ("fd://",), kind)) == []
        backups = {path: f"{path}{layout.BACKUP_SUFFIX}" for path in THEIRS[files]}
        exposed = after(theirs, plan)
        for path, backup in backups.items():
            assert backup not in exposed.files or exposed.files[backup] == theirs.files[path]
        assert not expose(exposed, method, tls=kind[0], firewall=kind[1]).changed
        back = Journey(exposed, tuple(steps_of(withdraw(exposed))), tuple(before.others), None, is_theirs=True)
        assert violations(back) == []
        assert after(exposed, withdraw(exposed)).files == theirs.files


#: Kinds whose rules a program of the host keeps.
OTHER_FIREWALLS: tuple[Kind, ...] = ((True, "firewalld"), (True, "ufw"))


@functools.cache
def _exposed_behind(kind: Kind, method: str) -> Host:
    """Return Debian with firewalld and ufw."""
    clean = HOSTS["debian"].but(has_firewalld=True, ufw=FakeUfw())
    clean.folders["/etc/firewalld/policies"] = [0o750, 0, 0]
    return exposed_by(clean, method, tls=kind[0], firewall=kind[1]) if method else clean


@pytest.mark.parametrize("kind", [*OTHER_FIREWALLS, (True, "nftables")])
@pytest.mark.parametrize("before", OTHER_FIREWALLS)
@pytest.mark.parametrize(("old", "new"), [(old, new) for name, old, new in JOURNEYS if name == "debian"])
def test_behind_other_firewalls_the_port_is_never_less_protected(old: str, new: str, before: Kind, kind: Kind) -> None:
    host = _exposed_behind(before, old)
    closes = new in ("", CLOSED)
    if closes:
        plan = close(host) if new == CLOSED else withdraw(host)
    else:
        plan = expose(host, new, tls=kind[0], firewall=kind[1])
    journey = Journey(host, tuple(steps_of(plan)), ("fd://",), None if closes else kind)
    assert violations(journey) == []
    assert not any(start.unguarded for start in journey.starts if start.tcp)
    if closes:
        return
    changed = after(host, plan)
    assert not expose(changed, new, tls=kind[0], firewall=kind[1]).changed
    clean = _exposed_behind(before, "")
    back = after(changed, withdraw(changed))
    assert (back.files, back.policy, back.table) == (clean.files, None, None)
    assert back.ufw is not None
    assert back.ufw.lists == FakeUfw().lists


@pytest.mark.parametrize("kind", OTHER_FIREWALLS)
@pytest.mark.parametrize("method", FITS["debian"])
def test_without_the_rules_of_another_firewall_ours_guard_the_port(method: str, kind: Kind) -> None:
    """With method socket they are in the unit, which waits for those of the firewall that was asked for."""
    host = _exposed_behind(kind, method)
    assert _start(host).tcp
    start = _start(host.but(policy=None, ufw=FakeUfw()))
    assert not start.fails
    assert bool(start.tcp) is (method != "socket")
    assert not start.unguarded
    assert not _start(host.but(policy=None, ufw=FakeUfw(), table=None).without(layout.FIREWALL_RULES)).tcp


@pytest.mark.parametrize("firewall", [kind[1] for kind in OTHER_FIREWALLS])
@pytest.mark.parametrize("method", FITS["debian"])
def test_rules_of_other_firewalls_come_before_the_port_and_go_after_it(method: str, firewall: str) -> None:
    clean, exposed = (_exposed_behind((True, firewall), name) for name in ("", method))
    plan = expose(clean, method, firewall=firewall)
    loads = [index for index, step in enumerate(plan.steps) if isinstance(step, LoadRules)]
    opening = [i for i, s in enumerate(plan.steps) if isinstance(s, (StartUnit, *_STARTS)) or _is_listener(s)]
    assert loads
    assert max(loads) < min(opening)
    # Without the port, and with rules of another kind: these go once the port has its new state.
    for later in (withdraw(exposed), expose(exposed, method, firewall="nftables", listen=("10.20.0.5:2378",))):
        steps = steps_of(later)
        started = next(index for index, step in enumerate(steps) if isinstance(step, _STARTS))
        unloads = [i for i, s in enumerate(steps) if isinstance(s, LoadRules) and "systemctl" not in s.commands[0][0]]
        assert unloads
        assert min(unloads) > started
        removed = [i for i, s in enumerate(steps) if isinstance(s, Remove) and s.path == layout.FIREWALLD_POLICY]
        assert all(index > started for index in removed)


def _is_listener(step: Step) -> bool:
    return isinstance(step, Write) and step.path in (layout.SOCKET_UNIT, layout.LISTENER_FLAGS, layout.DAEMON_JSON)


def _index(steps: t.Sequence[Step], kind: type[Step], path: str = "", *, last: bool = False) -> int:
    found = [i for i, s in enumerate(steps) if isinstance(s, kind) and getattr(s, "path", "").startswith(path)]
    return found[-1] if last else found[0]


def _moved(steps: t.Sequence[Step], paths: t.Collection[str], behind: int) -> tuple[Step, ...]:
    """Return the steps with those of these files behind another one."""
    moved = [step for step in steps if getattr(step, "path", "") in paths and not isinstance(step, MakeFolder)]
    assert moved
    rest = [*steps[: behind + 1], None, *steps[behind + 1 :]]
    return tuple(s for step in rest for s in (moved if step is None else [step] if step not in moved else []))


def _dropped(steps: t.Sequence[Step], index: int) -> tuple[Step, ...]:
    return (*steps[:index], *steps[index + 1 :])


def _swapped(steps: t.Sequence[Step], first: int, second: int) -> tuple[Step, ...]:
    found = list(steps)
    found[first], found[second] = found[second], found[first]
    return tuple(found)


def _after_restart(steps: t.Sequence[Step], *paths: str) -> tuple[Step, ...]:
    return _moved(steps, paths, next(i for i, step in enumerate(steps) if isinstance(step, _STARTS)))


Mutate = t.Callable[[t.Tuple[Step, ...]], t.Tuple[Step, ...]]
_JSON, _EXEC = layout.DAEMON_JSON, layout.EXEC_DROP_IN
#: A journey, the kind of its end, and what breaks its order.
MUTATIONS: list[tuple[str, str, str, Kind | None, Mutate]] = [
    ("docker-ce", "", "socket", FILTERED, lambda s: _after_restart(s, *GUARD_FILES)),
    ("docker-ce", "", "socket", FILTERED, lambda s: _after_restart(s, layout.KEY)),
    ("docker-ce", "", "socket", FILTERED, lambda s: _after_restart(s, _JSON)),
    ("docker-ce", "", "socket", FILTERED, lambda s: _swapped(s, _index(s, Write, layout.CA), _index(s, Write, _JSON))),
    ("docker-ce", "", "socket", FILTERED, lambda s: _dropped(s, _index(s, SwitchLiveRestore))),
    ("docker-ce", "", "socket", FILTERED, lambda s: _dropped(s, _index(s, ReadUnits, last=True))),
    ("docker-ce", "", "socket", FILTERED, lambda s: _swapped(s, _index(s, StopDockerd), _index(s, StartUnit))),
    ("docker-ce", "", "socket", (True, "nftables"), lambda s: _after_restart(s, layout.FIREWALL_RULES)),
    ("docker-ce", "", "override", (True, "nftables"), lambda s: _after_restart(s, layout.FIREWALL_RULES)),
    ("docker-ce", "", "override", (True, "none"), lambda s: _after_restart(s, layout.LISTENER_FLAGS)),
    ("docker-ce", "", "daemon_json", (True, "none"), lambda s: _moved(s, [_EXEC], _index(s, Write, _JSON, last=True))),
    ("debian", "override", "daemon_json", (True, "none"), lambda s: _moved(s, [_EXEC], _index(s, Write, _JSON))),
    ("debian", "socket", "options_file", (True, "none"), lambda s: _after_restart(s, _JSON)),
    ("debian", "options_file", "socket", (True, "none"), lambda s: _moved(s, ["/etc/default/docker"], len(s) - 1)),
    ("debian", "daemon_json", "override", (True, "none"), lambda s: _moved(s, [_JSON], _index(s, Write, _EXEC))),
    ("sysvinit", "", "daemon_json", (True, "none"), lambda s: _after_restart(s, *GUARD_FILES)),
    ("sysvinit", "", "daemon_json", (True, "none"), lambda s: _after_restart(s, "/etc/default/docker")),
    ("openrc", "", "daemon_json", (True, "none"), lambda s: _after_restart(s, layout.DOCKERD_WRAPPER)),
    ("openrc", "", "options_file", (True, "none"), lambda s: _after_restart(s, layout.FLAGS_WRAPPER)),
    ("debian", "daemon_json", "", None, lambda s: _moved(s, GUARD_FILES, 0)),
    ("debian", "daemon_json", "", None, lambda s: _moved(s, [_EXEC], 0)),
    ("debian", "override", "", None, lambda s: _swapped(s, _index(s, StopDockerd), _index(s, Settle))),
    ("debian", "override", "", None, lambda s: _after_restart(s, _EXEC)),
    ("debian", "daemon_json", CLOSED, None, lambda s: _after_restart(s, _JSON)),
    ("debian", "options_file", CLOSED, None, lambda s: _moved(s, ["/etc/default/docker"], _index(s, Remove, _EXEC))),
    ("sysvinit", "daemon_json", CLOSED, None, lambda s: _moved(s, [_JSON], _index(s, Write, "/etc/default"))),
]


@pytest.mark.parametrize(("name", "old", "new", "kind", "mutate"), MUTATIONS)
def test_another_order_would_be_noticed(name: str, old: str, new: str, kind: Kind | None, mutate: Mutate) -> None:
    """What these tests are worth: each change of the order breaks them."""
    journey = next(j for j in journeys(name, old, new) if j.now == kind and (not old or _start(j.before).is_verified))
    assert violations(journey) == []
    assert violations(dataclasses.replace(journey, steps=mutate(journey.steps))) != []
