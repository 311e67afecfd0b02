# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Withdrawals leave nothing of ours and every file of others as it was; closing leaves the rest for the next run."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Discard,
    Remove,
    Settle,
    SwitchLiveRestore,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import TLS_SETTINGS
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan

from .hosts import HOSTS, Host
from .planning import after, close, expose, exposed_by, paths_of, restarts_socket, withdraw

USERS = b'{\n\t"mtu": 1400\n}\n'
CLEAN = HOSTS["docker-ce"].without(layout.DAEMON_JSON)


@pytest.fixture(scope="module")
def exposed() -> Host:
    """A host with a daemon.json of the user's, after its first exposure."""
    return exposed_by(CLEAN.write(layout.DAEMON_JSON, USERS), "socket", firewall="auto")


def _settled(plan: Plan) -> Settle:
    return next(step for step in plan.steps if isinstance(step, Settle))


def test_a_clean_host_has_nothing_to_do() -> None:
    plan = withdraw(CLEAN)
    assert (plan.steps, plan.changed, plan.actions()) == ((), False, [])


def test_a_daemon_json_that_we_never_touched_stays() -> None:
    assert not withdraw(CLEAN.write(layout.DAEMON_JSON, USERS)).changed


def test_everything_goes_and_the_users_daemon_json_comes_back_to_the_byte(exposed: Host) -> None:
    plan = withdraw(exposed)
    removed = {step.path for step in plan.steps if isinstance(step, Remove)}
    ours = {path for path in exposed.files if path not in CLEAN.files and not path.startswith("/run/")}
    assert removed == ours - {layout.DAEMON_JSON}
    assert _settled(plan).content == USERS.decode()
    discard = next(step for step in plan.steps if isinstance(step, Discard))
    assert discard.files == (layout.FILTERING_SEEN,)
    assert discard.folders == (layout.BUNDLE, layout.STATE)
    assert discard.empty_folders == tuple(
        f"/etc/systemd/system/{unit}.d" for unit in ("sockets.target", "docker.socket", "docker.service")
    )
    assert plan.restarted
    assert restarts_socket(plan)
    left = after(exposed, plan)
    assert left.files == CLEAN.write(layout.DAEMON_JSON, USERS).files
    assert left.folders == CLEAN.folders


def test_a_daemon_json_that_was_not_there_before_is_removed() -> None:
    plan = withdraw(exposed_by(CLEAN, "socket"))
    assert _settled(plan).content is None
    assert plan.actions().count(f"remove {layout.DAEMON_JSON}") == 1


def test_a_second_withdrawal_has_nothing_to_do(exposed: Host) -> None:
    assert not withdraw(after(exposed, withdraw(exposed))).changed


def test_the_users_edit_of_daemon_json_outlives_a_change_and_a_withdrawal(exposed: Host) -> None:
    edited = (exposed.content(layout.DAEMON_JSON) or b"").replace(b"1400", b"9000").replace(b"true", b"false", 1)
    host = exposed.write(layout.DAEMON_JSON, edited)
    plan = expose(host, "socket", firewall="auto")
    assert paths_of(plan) == [layout.ORIGINALS, layout.DAEMON_JSON]
    assert _settled(withdraw(after(host, plan))).content == USERS.replace(b"1400", b"9000").decode()


def test_without_the_originals_only_our_tls_keys_go(exposed: Host) -> None:
    settings = parse(_settled(withdraw(exposed.without(layout.ORIGINALS))).content or "")
    assert settings["mtu"] == 1400
    assert not settings.keys() & TLS_SETTINGS.keys()


def test_without_the_originals_another_tls_configuration_stays() -> None:
    theirs = b'{"tlsverify": true, "tlscacert": "/etc/theirs/ca.pem"}'
    assert not withdraw(CLEAN.write(layout.DAEMON_JSON, theirs)).changed


def test_live_restore_is_switched_on_for_the_restart_but_not_in_swarm_mode(exposed: Host) -> None:
    assert SwitchLiveRestore() in withdraw(exposed.but(live_restore=False)).steps
    swarm = exposed.but(live_restore=False, swarm=True, containers=["web"])
    assert SwitchLiveRestore() not in withdraw(swarm, check=False).steps
    with pytest.raises(Failure) as failure:
        withdraw(swarm)
    assert failure.value.key == "swarm_mode"


def test_a_dockerd_that_is_down_is_not_started(exposed: Host) -> None:
    plan = withdraw(exposed.but(is_running=False))
    assert plan.changed
    assert not plan.restarted


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_a_daemon_json_that_dockerd_can_not_read_is_refused(exposed: Host, content: bytes) -> None:
    for host in (exposed, CLEAN):
        with pytest.raises(Failure) as failure:
            withdraw(host.write(layout.DAEMON_JSON, content))
        assert failure.value.key == "daemon_json_malformed"


def test_another_listener_would_lose_its_tls(exposed: Host) -> None:
    drop_in = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375\n"
    with pytest.raises(Failure) as failure:
        withdraw(exposed.write("/etc/systemd/system/docker.service.d/override.conf", drop_in))
    assert failure.value.key == "other_listener"
    assert "override.conf:3" in str(failure.value)


@pytest.mark.parametrize("name", ["docker-ce", "debian", "sysvinit", "openrc"])
@pytest.mark.parametrize("method", ["socket", "override", "options_file", "daemon_json"])
def test_what_was_closed_is_opened_by_the_next_run_and_can_be_withdrawn(name: str, method: str) -> None:
    clean = HOSTS[name]
    try:
        exposed = exposed_by(clean, method)
    except Failure:
        return
    plan = close(exposed)
    assert plan.restarted
    assert plan.way_back.open_units == ()
    closed = after(exposed, plan)
    assert closed.listening == []
    opened = after(closed, expose(closed, method))
    assert opened.listening
    assert not expose(opened, method).changed
    for host in (closed, opened):
        assert after(host, withdraw(host)).files == clean.files


def test_closing_does_not_start_a_dockerd_that_is_down(exposed: Host) -> None:
    assert not close(exposed.but(is_running=False)).restarted


@pytest.mark.parametrize("content", [b"{", b"\xff"])
def test_closing_leaves_a_daemon_json_that_dockerd_can_not_read(exposed: Host, content: bytes) -> None:
    assert layout.DAEMON_JSON not in paths_of(close(exposed.write(layout.DAEMON_JSON, content)))
