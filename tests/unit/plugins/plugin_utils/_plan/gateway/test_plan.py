# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes on a host whose port HAProxy serves: as little as the change needs, and dockerd never."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    CheckBundle,
    EndSessions,
    LoadRules,
    ProveGateway,
    ReadUnits,
    ReloadGateway,
    Remove,
    StartGateway,
    Step,
    Write,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import RevocationLists, ServerFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan

from ..hosts import HOSTS, Host
from ..planning import ALLOW, LISTS, SERVER, after, expose, paths_of, step_for
from ..starts import starts

WITH_SYSTEMD = [name for name, host in HOSTS.items() if host.is_systemd]
CLEAN = HOSTS["docker-ce"]
#: On a host that has everything, with nothing new.
SAME = dataclasses.replace(SERVER, revocation_lists=RevocationLists(LISTS))
OF_DOCKERD = ("StopDockerd", "StartDockerd", "RestartDockerd", "SwitchLiveRestore", "Settle", "CheckConfig", "Prove")
NEVER = ("StopUnit", "StartUnit", "ForgetFailures", *OF_DOCKERD)


def _expose(host: Host, server: ServerFiles | None = None, **options: t.Any) -> Plan:
    return expose(host, "gateway", **{"firewall": "auto", "server": server, **options})


def _kinds(plan: Plan) -> list[str]:
    """The kinds of steps, without those that change files."""
    return [type(step).__name__ for step in plan.steps if not isinstance(step, (Write, Remove))]


def _only(plan: Plan, kind: type[Step]) -> t.Any:
    (found,) = (step for step in plan.steps if isinstance(step, kind))
    return found


@pytest.fixture(scope="module")
def exposed() -> Host:
    return after(CLEAN, _expose(CLEAN))


def _assert_dockerd_has_no_part(plan: Plan) -> None:
    assert not {type(step).__name__ for step in plan.steps} & {*NEVER}
    assert not plan.way_back.touches_dockerd
    assert not plan.restarted
    assert layout.DAEMON_JSON not in paths_of(plan)


@pytest.mark.parametrize("name", WITH_SYSTEMD)
def test_a_first_exposure_leaves_dockerd_and_its_files_alone(name: str) -> None:
    clean = HOSTS[name]
    plan = _expose(clean)
    _assert_dockerd_has_no_part(plan)
    assert paths_of(plan) == [
        layout.ORIGINALS,
        layout.TRUST,
        layout.CA,
        layout.CERTIFICATE,
        layout.KEY,
        layout.CRL,
        layout.GATEWAY_CLIENTS,
        layout.GATEWAY_CONFIGURATION,
        layout.GATEWAY_DIGESTS,
        layout.GATEWAY_UNIT,
        layout.SOCKET_UNIT,
        layout.GATEWAY_BOOT,
    ]
    folders = ["MakeFolder"] * 3
    kinds = ["ReadUnits", "CheckBundle", "StopGateway", "StartGateway", "ProveGateway"]
    assert _kinds(plan) == [*folders, *kinds]
    assert plan.actions()[-1] == f"start {layout.GATEWAY_SERVICE}"
    exposed = after(clean, plan)
    assert {path: exposed.files[path] for path in clean.files} == clean.files
    assert exposed.listening == []
    assert exposed.gateway.listening == [("10.20.0.5", 2376), ("::", 2377)]
    assert exposed.gateway.denies
    assert set(ALLOW) < set(exposed.gateway.allows)
    assert exposed.files[layout.KEY].mode == 0o400
    assert not _expose(exposed).changed, "a second run changes nothing"


@pytest.mark.parametrize("name", WITH_SYSTEMD)
def test_dockerd_never_starts_with_a_port(name: str) -> None:
    found = starts(HOSTS[name].copy(), _expose(HOSTS[name]).steps, {"server_key": "PRIVATE"})
    assert [start for start in found if start.tcp] == []


def test_a_first_exposure_that_fails_leaves_no_unit(exposed: Host) -> None:
    back = _expose(CLEAN).way_back
    assert back.close_units == (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE)
    assert (back.open_units, back.reload_gateway) == ((), False)
    assert back.last_resort == (layout.SOCKET_UNIT, layout.GATEWAY_UNIT, layout.GATEWAY_BOOT)


def test_a_new_certificate_is_read_without_closing_the_port(exposed: Host) -> None:
    server = dataclasses.replace(SAME, certificate=b"another certificate\n")
    plan = _expose(exposed, server)
    _assert_dockerd_has_no_part(plan)
    assert paths_of(plan) == [layout.CERTIFICATE, layout.GATEWAY_DIGESTS]
    assert _kinds(plan) == ["CheckBundle", "ReloadGateway", "ProveGateway"]
    assert _only(plan, ReloadGateway).restart is False
    assert plan.way_back.reload_gateway
    assert plan.way_back.open_units == ()
    changed = after(exposed, plan)
    assert not _expose(changed, server).changed


def test_a_certificate_that_is_not_shown_yet_is_read(exposed: Host) -> None:
    assert exposed.gateway.files is not None
    old = dataclasses.replace(exposed.gateway, files={**exposed.gateway.files, layout.CERTIFICATE: b"an old one\n"})
    plan = _expose(exposed.but(gateway=old))
    assert paths_of(plan) == []
    assert _kinds(plan) == ["CheckBundle", "ReloadGateway", "ProveGateway"]


@pytest.mark.parametrize(
    ("clients", "backends"),
    [
        ((Client("admin"), Client("ci")), ("full-admin", "full-ci")),
        ((Client("admin", "read"),), ("read-admin",)),
        ((Client("ci", "read"), Client("bob")), ("read-ci", "full-bob")),
        ((), ()),
    ],
)
def test_other_clients_and_rights_are_in_force_for_connections_that_are_open(
    exposed: Host, clients: tuple[Client, ...], backends: tuple[str, ...]
) -> None:
    plan = _expose(exposed, clients=clients)
    _assert_dockerd_has_no_part(plan)
    assert paths_of(plan) == [layout.GATEWAY_CLIENTS, layout.GATEWAY_CONFIGURATION, layout.GATEWAY_DIGESTS]
    assert _kinds(plan) == ["CheckBundle", "ReloadGateway", "EndSessions", "ProveGateway"]
    assert _only(plan, EndSessions) == EndSessions(backends)
    assert "end connections of clients without access" in plan.actions()
    connected = exposed.copy()
    connected.gateway.backends = ["full-admin", "full-admin"]
    assert set(after(connected, plan).gateway.backends) <= set(backends)


def test_a_revocation_is_in_force_for_connections_that_are_open(exposed: Host) -> None:
    plan = _expose(exposed, dataclasses.replace(SAME, revocation_lists=RevocationLists(b"other lists\n")))
    assert paths_of(plan) == [layout.CRL, layout.GATEWAY_DIGESTS]
    assert _kinds(plan) == ["CheckBundle", "ReloadGateway", "EndSessions", "ProveGateway"]


def test_another_access_list_is_put_in_force_without_a_reload(exposed: Host) -> None:
    plan = _expose(exposed, allow=("10.30.0.0/16",))
    _assert_dockerd_has_no_part(plan)
    assert paths_of(plan) == [layout.SOCKET_UNIT]
    assert _kinds(plan) == ["ReadUnits", "LoadRules"]
    changed = after(exposed, plan)
    assert "10.30.0.0/16" in changed.gateway.allows
    assert "10.20.0.0/24" not in changed.gateway.allows
    assert changed.gateway.denies
    assert not _expose(changed, allow=("10.30.0.0/16",)).changed
    back = changed.copy()
    for command in plan.way_back.load_rules:
        back.gateway.set_property(command)
    assert (sorted(back.gateway.allows), back.gateway.denies) == (sorted(exposed.gateway.allows), True)


def test_an_access_list_that_goes_is_not_in_force_any_more(exposed: Host) -> None:
    plan = _expose(exposed, firewall="none")
    changed = after(exposed, plan)
    assert (changed.gateway.denies, changed.gateway.allows) == (False, [])
    assert "IPAddress" not in changed.text(layout.SOCKET_UNIT)
    assert not _expose(changed, firewall="none").changed


def test_an_access_list_that_others_widened_is_put_right(exposed: Host) -> None:
    wide = exposed.copy()
    wide.gateway.allows.append("192.0.2.0/24")
    plan = _expose(wide)
    assert (paths_of(plan), _kinds(plan)) == ([], ["LoadRules"])
    assert sorted(after(wide, plan).gateway.allows) == sorted(exposed.gateway.allows)


def test_other_addresses_open_another_port(exposed: Host) -> None:
    plan = _expose(exposed, listen=("10.20.0.5:2378",))
    _assert_dockerd_has_no_part(plan)
    assert {layout.GATEWAY_CONFIGURATION, layout.GATEWAY_DIGESTS, layout.SOCKET_UNIT} == set(paths_of(plan))
    assert _kinds(plan) == ["ReadUnits", "CheckBundle", "StopGateway", "StartGateway", "ProveGateway"]
    assert after(exposed, plan).gateway.listening == [("10.20.0.5", 2378)]
    assert plan.way_back.open_units == (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE)
    assert not plan.way_back.reload_gateway


def test_the_access_list_of_a_running_port_does_not_outlive_the_port(exposed: Host) -> None:
    narrow = after(exposed, _expose(exposed, allow=("10.30.0.0/16",)))
    assert set(layout.RUNTIME_DROP_INS) <= narrow.files.keys()
    plan = _expose(narrow, listen=("10.20.0.5:2378",))
    moved = after(narrow, plan)
    assert not set(layout.RUNTIME_DROP_INS) & moved.files.keys()
    assert list(map(type, plan.steps)).index(ReadUnits) > plan.steps.index(Remove(layout.RUNTIME_DROP_INS[0]))


def test_another_unit_ends_haproxy_and_starts_it_again(exposed: Host) -> None:
    tools = {**exposed.observation()["tools"], "haproxy": "/opt/haproxy"}
    plan = _expose(exposed.reporting(tools=tools))
    assert paths_of(plan) == [layout.GATEWAY_UNIT]
    assert _only(plan, ReloadGateway).restart is True
    assert plan.actions()[-1] == f"restart {layout.GATEWAY_SERVICE}"
    assert "ExecStart=/opt/haproxy -Ws " in after(exposed, plan).gateway.unit


@pytest.mark.parametrize("unit", [layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE])
def test_what_is_down_is_started(exposed: Host, unit: str) -> None:
    plan = _expose(exposed.but(active=exposed.active - {unit}))
    assert paths_of(plan) == []
    assert _kinds(plan) == ["CheckBundle", "StopGateway", "StartGateway", "ProveGateway"]


@pytest.mark.parametrize("path", [layout.GATEWAY_CONFIGURATION, layout.GATEWAY_CLIENTS, layout.CRL, layout.CA])
def test_a_file_that_others_changed_is_written_and_read(exposed: Host, path: str) -> None:
    host = exposed.write(path, b"of others\n", exposed.files[path].mode)
    plan = _expose(host)
    assert paths_of(plan) == [path]
    assert step_for(plan, path).content != "of others\n"
    assert _only(plan, ReloadGateway)


def test_a_dockerd_that_is_down_stays_down(exposed: Host) -> None:
    for host in (CLEAN, exposed):
        plan = _expose(host.but(is_running=False), clients=(Client("bob"),))
        _assert_dockerd_has_no_part(plan)
        assert not after(host.but(is_running=False), plan).is_running


@pytest.mark.parametrize("has_lists", [True, False])
def test_check_mode_says_what_the_run_does_before_anything_is_signed(exposed: Host, has_lists: bool) -> None:
    lists = RevocationLists(b"new lists\n")
    for host in (CLEAN, exposed):
        new = ServerFiles(b"new\n", b"new\n", "server_key", True, of_fleet=True, trust=b"t\n", revocation_lists=lists)
        unknown = dataclasses.replace(
            new,
            certificate=None,
            key_secret=None,
            ca=None if not has_lists else new.ca,
            trust=None if not has_lists else new.trust,
            revocation_lists=RevocationLists(None),
        )
        assert _expose(host, unknown).actions() == _expose(host, new).actions()


def test_rules_are_loaded_before_the_port_opens_and_go_after_it_has_changed() -> None:
    plan = _expose(CLEAN, firewall="nftables")
    kinds = list(map(type, plan.steps))
    assert kinds.index(LoadRules) < kinds.index(StartGateway)
    exposed = after(CLEAN, plan)
    assert exposed.table is not None
    assert "IPAddress" not in exposed.text(layout.SOCKET_UNIT)
    plan = _expose(exposed)
    last = max(index for index, step in enumerate(plan.steps) if isinstance(step, LoadRules))
    assert "delete" in str(plan.steps[last])
    assert plan.steps.index(next(s for s in plan.steps if isinstance(s, LoadRules))) < last
    changed = after(exposed, plan)
    assert (changed.table, changed.gateway.denies) == (None, True)
    assert not _expose(changed).changed


def test_the_port_is_proved_after_each_change_of_what_it_serves(exposed: Host) -> None:
    proof = ProveGateway((("10.20.0.5", 2376), ("any", 2377)), layout.CERTIFICATE)
    for plan in (_expose(CLEAN), _expose(exposed, clients=(Client("bob"),))):
        assert plan.steps[-1] == proof
        kinds = list(map(type, plan.steps))
        assert kinds.index(CheckBundle) > kinds.index(Write)
