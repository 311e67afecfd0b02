# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking HAProxy away, or only its port: dockerd runs on, and its files stay as they are."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Discard, Remove, StopGateway
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan

from ..hosts import HOSTS, Host
from ..planning import after, close, expose, paths_of, withdraw

CLEAN = HOSTS["docker-ce"]
_OF_DOCKERD = ("StopDockerd", "StartDockerd", "RestartDockerd", "SwitchLiveRestore", "Settle", "StopUnit", "StartUnit")


def _expose(host: Host, **options: object) -> Plan:
    return expose(host, "gateway", firewall="auto", **options)


@pytest.fixture(scope="module")
def exposed() -> Host:
    return after(CLEAN, _expose(CLEAN))


def _assert_dockerd_has_no_part(plan: Plan) -> None:
    assert not {type(step).__name__ for step in plan.steps} & {*_OF_DOCKERD}
    assert not plan.way_back.touches_dockerd
    assert layout.DAEMON_JSON not in paths_of(plan)


@pytest.mark.parametrize("name", [name for name, host in HOSTS.items() if host.is_systemd])
def test_every_file_of_others_is_as_it_was(name: str) -> None:
    clean = HOSTS[name]
    exposed = after(clean, _expose(clean))
    withdrawn = after(exposed, withdraw(exposed))
    assert (withdrawn.files, withdrawn.folders, withdrawn.active) == (clean.files, clean.folders, clean.active)


def test_the_port_closes_before_anything_goes(exposed: Host) -> None:
    steps = withdraw(exposed).steps
    assert isinstance(steps[0], StopGateway)
    assert isinstance(steps[-1], Discard)
    removed = [step.path for step in steps if isinstance(step, Remove)]
    units = [path for path in removed if path.startswith(layout.UNITS)]
    assert removed[: len(units)] == units
    assert sorted(units) == sorted((layout.SOCKET_UNIT, layout.GATEWAY_UNIT, layout.GATEWAY_BOOT))


def test_a_withdrawal_that_fails_opens_the_port_again(exposed: Host) -> None:
    back = withdraw(exposed).way_back
    assert back.open_units == (layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE)
    assert not back.reload_gateway
    down = exposed.but(active=exposed.active - {layout.GANGWAY_SOCKET, layout.GATEWAY_SERVICE})
    assert withdraw(down).way_back.open_units == (), "it was closed"


def test_a_withdrawal_leaves_the_host_as_it_was_with_dockerd_running_on(exposed: Host) -> None:
    narrow = after(exposed, _expose(exposed, allow=("10.30.0.0/16",)))
    for host in (exposed, narrow):
        plan = withdraw(host)
        _assert_dockerd_has_no_part(plan)
        assert isinstance(plan.steps[0], StopGateway)
        withdrawn = after(host, plan)
        assert (withdrawn.files, withdrawn.folders, withdrawn.active) == (CLEAN.files, CLEAN.folders, CLEAN.active)
        assert withdrawn.gateway.listening == []
        assert not withdraw(withdrawn).changed


def test_what_was_closed_is_opened_by_the_next_run(exposed: Host) -> None:
    plan = close(exposed)
    _assert_dockerd_has_no_part(plan)
    assert isinstance(plan.steps[0], StopGateway)
    assert plan.way_back.open_units == ()
    closed = after(exposed, plan)
    assert closed.gateway.listening == []
    assert not {layout.SOCKET_UNIT, layout.GATEWAY_UNIT, layout.GATEWAY_BOOT} & closed.files.keys()
    opened = after(closed, _expose(closed))
    assert opened.gateway.listening == exposed.gateway.listening
    assert not _expose(opened).changed
    for host in (closed, opened):
        assert after(host, withdraw(host)).files == CLEAN.files


def test_without_the_originals_the_host_is_known_by_its_unit(exposed: Host) -> None:
    plan = withdraw(exposed.without(layout.ORIGINALS))
    _assert_dockerd_has_no_part(plan)
    assert after(exposed.without(layout.ORIGINALS), plan).files == CLEAN.files
