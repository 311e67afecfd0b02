# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From and to the methods of dockerd: two listeners are never there together, and dockerd starts once."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    RestartDockerd,
    StartDockerd,
    StartGateway,
    StopGateway,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import RevocationLists, ServerFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.units import GATEWAY_FILES
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan

from ..hosts import FITS, HOSTS, UNIT, Host
from ..planning import LISTS, SECRETS, SERVER, after, close, expose, exposed_by, steps_of, withdraw
from ..starts import do
from ..test_order import Journey, violations
from .fake_gateway import READS, starts

#: Host and method of dockerd.
PAIRS = [(name, method) for name, methods in FITS.items() if HOSTS[name].is_systemd for method in methods]
FIREWALLS = ["none", "nftables", "auto"]


@functools.cache
def _exposed(name: str, method: str, firewall: str = "auto") -> Host:
    return exposed_by(HOSTS[name], method, firewall=firewall)


def _others(name: str) -> tuple[str, ...]:
    return tuple(Journey(HOSTS[name], (), (), None).starts[0].others)


def _start_count(plan: Plan) -> int:
    return sum(isinstance(step, (StartDockerd, RestartDockerd)) for step in plan.steps)


@pytest.mark.parametrize(("name", "method"), PAIRS)
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_dockerds_own_listener_is_gone_before_the_port_opens(name: str, method: str, firewall: str) -> None:
    before = _exposed(name, method, firewall)
    plan = expose(before, "gateway", firewall="auto")
    assert _start_count(plan) == 1
    assert violations(Journey(before, tuple(steps_of(plan)), _others(name), None)) == []
    host, both = before.copy(), False
    for step in steps_of(plan):
        if isinstance(step, StartGateway):
            assert host.listening == []
        do(host, step, SECRETS)
        both = both or bool(host.gateway.listening and host.listening)
    assert not both
    clean = HOSTS[name]
    assert {path: kept for path, kept in host.files.items() if path in clean.files} == clean.files
    straight = after(clean, expose(clean, "gateway", firewall="auto"))
    assert host.files.keys() - straight.files.keys() <= {layout.FILTERING_SEEN}
    assert {p: f for p, f in host.files.items() if p != layout.FILTERING_SEEN} == straight.files
    assert (host.gateway, host.table) == (straight.gateway, None)
    assert not expose(host, "gateway", firewall="auto").changed


@pytest.mark.parametrize(("name", "method"), PAIRS)
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_nothing_of_haproxy_is_left_for_a_listener_of_dockerd(name: str, method: str, firewall: str) -> None:
    before = _exposed(name, "gateway")
    plan = expose(before, method, firewall=firewall)
    steps = steps_of(plan)
    assert isinstance(steps[0], StopGateway)
    assert _start_count(plan) == 1
    assert not any(isinstance(step, StartGateway) for step in steps)
    assert violations(Journey(before, tuple(steps), _others(name), (True, firewall))) == []
    switched = after(before, plan)
    assert not {*GATEWAY_FILES, layout.CRL} & switched.files.keys()
    assert switched.gateway.listening == []
    assert switched.listening == _exposed(name, method, firewall).listening
    assert not expose(switched, method, firewall=firewall).changed
    withdrawn = after(switched, withdraw(switched))
    assert (withdrawn.files, withdrawn.folders) == (HOSTS[name].files, HOSTS[name].folders)


@pytest.mark.parametrize(("name", "method"), PAIRS)
def test_there_and_back_and_withdrawn_the_host_is_as_it_was(name: str, method: str) -> None:
    there = after(_exposed(name, method), expose(_exposed(name, method), "gateway", firewall="auto"))
    assert after(there, withdraw(there)).files == HOSTS[name].files
    assert after(there, withdraw(there)).folders == HOSTS[name].folders
    back = after(there, expose(there, method, firewall="auto"))
    assert back.listening == _exposed(name, method).listening
    assert after(back, withdraw(back)).files == HOSTS[name].files


@pytest.mark.parametrize("method", FITS["debian"])
def test_a_switch_that_fails_brings_back_what_served_the_port(method: str) -> None:
    back = expose(_exposed("debian", "gateway"), method).way_back
    assert back.touches_dockerd
    assert back.open_units == (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE)
    assert {layout.GATEWAY_UNIT, layout.GATEWAY_BOOT, layout.SOCKET_UNIT} <= set(back.last_resort)
    back = expose(_exposed("debian", method), "gateway").way_back
    assert back.touches_dockerd
    assert back.open_units == ((layout.GANGWAY_SOCKET,) if method == "socket" else ())
    assert layout.GATEWAY_SERVICE in back.close_units
    assert {layout.GATEWAY_UNIT, layout.GATEWAY_BOOT, layout.SOCKET_UNIT} <= set(back.last_resort)


@pytest.mark.parametrize("method", FITS["debian"])
def test_a_dockerd_that_is_down_is_not_started_by_a_switch_to_haproxy(method: str) -> None:
    down = _exposed("debian", method).but(is_running=False, listening=[])
    plan = expose(down, "gateway", firewall="auto")
    assert _start_count(plan) == 0
    assert after(down, plan).gateway.listening


def test_auto_keeps_haproxy_and_never_chooses_it() -> None:
    assert not expose(_exposed("docker-ce", "gateway"), "auto", firewall="auto", server=_same()).changed
    assert layout.GATEWAY_UNIT not in exposed_by(HOSTS["docker-ce"], "auto").files


def _same() -> ServerFiles:
    return dataclasses.replace(SERVER, revocation_lists=RevocationLists(LISTS))


def _read(host: Host) -> dict[str, str]:
    """What HAProxy would read now."""
    return {path: hashlib.sha256(host.files[path].content).hexdigest() for path in READS if path in host.files}


def _changes(name: str) -> t.Iterator[tuple[Host, Plan]]:
    exposed = _exposed(name, "gateway")
    yield HOSTS[name], expose(HOSTS[name], "gateway", firewall="auto")
    yield exposed, withdraw(exposed)
    yield exposed, close(exposed)
    yield exposed, expose(exposed, "gateway", firewall="nftables")
    for options in (
        {"clients": (Client("admin", "read"), Client("bob"))},
        {"allow": ("10.30.0.0/16",)},
        {"listen": ("10.20.0.5:2378",)},
        {"listen": ("10.20.0.5:2378",), "clients": (Client("bob"),)},
    ):
        yield exposed, expose(exposed, "gateway", firewall="auto", **options)
    old = exposed.write(layout.KEY, b"the key before\n", 0o400)
    old.gateway.files = {**(old.gateway.files or {}), layout.KEY: b"the key before\n"}
    new = dataclasses.replace(_same(), certificate=b"of the new key\n", key_secret="server_key", key_is_new=True)
    yield old, expose(old, "gateway", firewall="auto", server=new)
    for method in FITS[name]:
        yield exposed, expose(exposed, method)
        yield _exposed(name, method), expose(_exposed(name, method), "gateway", firewall="auto")


@pytest.mark.parametrize("name", ["docker-ce", "debian", "opensuse"])
def test_at_any_moment_haproxy_starts_with_files_that_belong_together_or_not_at_all(name: str) -> None:
    for before, plan in _changes(name):
        host, planned = before.copy(), after(before, plan)
        ends = [_read(before), _read(planned)]
        for step in steps_of(plan):
            do(host, step, SECRETS)
            files = {path: kept.content for path, kept in host.files.items()}
            if starts(files):
                assert _read(host) in ends, step
            if host.gateway.files is not None:
                running = {path: hashlib.sha256(kept).hexdigest() for path, kept in host.gateway.files.items()}
                assert running in ends, step


def test_the_access_list_is_in_force_whenever_the_port_is_open() -> None:
    for before, plan in _changes("debian"):
        host, planned = before.copy(), after(before, plan)
        ends = [(end.gateway.denies, sorted(end.gateway.allows)) for end in (before, planned)]
        for step in steps_of(plan):
            do(host, step, SECRETS)
            if host.gateway.listening:
                assert (host.gateway.denies, sorted(host.gateway.allows)) in ends or host.table, step


def test_a_listener_that_was_adopted_is_not_hidden_behind_haproxy() -> None:
    """It would come back; so would one that is to be adopted now: HAProxy's method changes no file of dockerd's."""
    options = HOSTS["debian"].write("/etc/default/docker", 'DOCKER_OPTS="-H tcp://0.0.0.0:2375"')
    unit = HOSTS["docker-ce"].write(UNIT, HOSTS["docker-ce"].text(UNIT).replace("fd://", "fd:// -H tcp://0.0.0.0:2375"))
    for theirs, named in ((options, "/etc/default/docker"), (unit, "docker.service")):
        for host in (theirs, exposed_by(theirs, "override", adopt=True)):
            with pytest.raises(Failure) as caught:
                expose(host, "gateway", adopt=True)
            assert caught.value.key == "adopted_listener"
            assert named in str(caught.value)
        with pytest.raises(Failure) as caught:
            expose(theirs, "gateway")
        assert caught.value.key == "other_listener"
