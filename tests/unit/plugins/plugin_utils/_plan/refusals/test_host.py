# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known to go wrong on a host is refused by name, before anything is touched."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.decision import must_close
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.refusals.host import check_key_can_be_made

from ..hosts import HOSTS, SCRIPT, UNIT, Host
from ..planning import decision_of, expose, exposed_by, observed_of, task_of

CE = HOSTS["docker-ce"]
DROP_IN = "/etc/systemd/system/docker.service.d/x.conf"


def _exec(line: str) -> str:
    return f"[Service]\nExecStart=\nExecStart={line}\n"


def _refusal(host: Host, method: str = "auto", **options: t.Any) -> Failure:
    with pytest.raises(Failure) as failure:
        expose(host, method, **options)
    return failure.value


@pytest.mark.parametrize(
    "host",
    [
        *HOSTS.values(),
        CE.write(layout.DAEMON_JSON, b""),
        CE.write(layout.DAEMON_JSON, b'{"mtu": 1400}'),
        CE.write(layout.DAEMON_JSON, b'{"live-restore": false}'),
        CE.write(DROP_IN, _exec("/usr/bin/dockerd -H fd:// -H unix:///run/other.sock")),
        CE.write(DROP_IN, _exec("/usr/bin/dockerd -H fd:// --config-file /etc/docker/daemon.json")),
        CE.write(DROP_IN, _exec("/usr/bin/dockerd -H fd:// --live-restore")).but(live_restore=True),
    ],
)
def test_a_host_that_a_listener_fits_is_not_refused(host: Host) -> None:
    assert expose(host).changed


@pytest.mark.parametrize(
    ("host", "key", "words"),
    [
        (CE.write(layout.DAEMON_JSON, b"{"), "daemon_json_malformed", "line 1, column 2"),
        (CE.write(layout.DAEMON_JSON, b'{"a": 1, "a": 2}'), "daemon_json_malformed", "'a'"),
        (CE.write(layout.DAEMON_JSON, b"\xff\xfe"), "daemon_json_malformed", "UTF-8"),
        (
            CE.write(layout.DAEMON_JSON, b"\xef\xbb\xbf{}").but(version="20.10.24"),
            "daemon_json_malformed",
            "byte order mark",
        ),
        (CE.write(DROP_IN, _exec("/usr/bin/dockerd -H fd:// --live-restore")), "live_restore_flag", "--live-restore"),
        (
            CE.write(DROP_IN, _exec("/usr/bin/dockerd --config-file=/etc/d.json")),
            "config_file_elsewhere",
            "/etc/d.json",
        ),
        (CE.reporting(programs={"/usr/bin/dockerd": False}), "dockerd_missing", "/usr/bin/dockerd"),
        (CE.reporting(systemd_error="Failed to connect to bus"), "systemd_missing", "Failed to connect to bus"),
        (CE.reporting(units={"docker.service": {"LoadState": "masked"}}), "dockerd_masked", "unmask"),
        (CE.reporting(units={"docker.service": {"LoadState": "not-found"}}), "dockerd_missing", "not-found"),
        (CE.reporting(units={}), "dockerd_missing", "docker.service"),
        (
            CE.reporting(units={}, installations={"snap": True, "rootless": []}),
            "docker_snap",
            "the snap store",
        ),
        (
            CE.reporting(units={}, installations={"snap": False, "rootless": ["/run/user/1000/docker.sock"]}),
            "docker_rootless",
            "/run/user/1000/docker.sock",
        ),
        (HOSTS["sysvinit"].without(SCRIPT), "dockerd_missing", SCRIPT),
        (CE.reporting(engine=None), "dockerd_silent", "docker info"),
        (CE.but(swarm=True, containers=["web", "db"]), "swarm_mode", "would stop db, web"),
        (CE.but(swarm=True, containers=[]), "swarm_mode", "none runs now"),
        (CE.reporting(writable={layout.BUNDLE: True, layout.STATE: False}), "not_writable", layout.STATE),
    ],
)
def test_what_collides_is_refused_by_name(host: Host, key: str, words: str) -> None:
    failure = _refusal(host)
    assert failure.key == key
    assert words in str(failure)


def test_swarm_mode_is_no_matter_if_downtime_is_allowed_or_nothing_restarts() -> None:
    swarm = CE.but(swarm=True, containers=["web"])
    assert expose(swarm, allow_downtime=True).restarted
    assert not expose(exposed_by(swarm, allow_downtime=True)).changed


@pytest.mark.parametrize(
    ("listen", "key", "words"),
    [
        ("10.20.0.6:2376", "address_missing", "10.20.0.6:2376"),
        ("[fd00::6]:2376", "address_missing", "[fd00::6]:2376"),
        ("10.20.0.5:22", "port_taken", "sshd"),
        ("any:22", "port_taken", "sshd"),
        ("0.0.0.0:22", "port_taken", "sshd"),
        ("10.20.0.5:8080", "port_taken", "nginx"),
        ("127.0.0.1:9000", "port_taken", "another program"),
        ("any:9000", "port_taken", "another program"),
    ],
)
@pytest.mark.parametrize("method", ["socket", "override"])
def test_addresses_that_can_not_be_listened_on_are_refused(method: str, listen: str, key: str, words: str) -> None:
    host = CE.but(listening=[("0.0.0.0", 22, "sshd"), ("::", 8080, "nginx"), ("127.0.0.1", 9000, "")])
    failure = _refusal(host, method, listen=(listen,))
    assert failure.key == key
    assert words in str(failure)


@pytest.mark.parametrize("listen", ["10.20.0.5:9000", "[fd00::5]:22", "127.0.0.2:2376", "any:2376", "0.0.0.0:9001"])
def test_other_programs_elsewhere_are_no_matter(listen: str) -> None:
    host = CE.but(listening=[("0.0.0.0", 22, "sshd"), ("127.0.0.1", 9000, ""), ("fd00::5", 9001, "x")])
    assert expose(host, "override", listen=(listen,)).changed


def test_an_address_of_ipv6_does_not_take_the_port_of_ipv4() -> None:
    host = CE.but(listening=[("fd00::5", 2376, "x")])
    assert expose(host, listen=("0.0.0.0:2376",)).changed
    assert _refusal(host, listen=("[::]:2376",)).key == "port_taken"


def test_a_host_that_does_not_list_its_addresses_is_not_refused_for_them() -> None:
    assert expose(CE.reporting(addresses=[])).changed


@pytest.mark.parametrize("method", ["socket", "override", "daemon_json"])
def test_our_own_port_is_not_taken(method: str) -> None:
    exposed = exposed_by(CE, method)
    assert exposed.listening
    assert expose(exposed, method, allow=("10.30.0.0/24",), listen=("any:2376",)).restarted


@pytest.mark.parametrize(
    ("asked", "method", "firewall"),
    [
        ("auto", "socket", "systemd"),
        ("auto", "override", "nftables"),
        ("auto", "options_file", "nftables"),
        ("systemd", "socket", "systemd"),
        ("nftables", "socket", "nftables"),
        ("none", "daemon_json", "none"),
    ],
)
def test_the_firewall_fits_the_method(asked: str, method: str, firewall: str) -> None:
    decision = decision_of(HOSTS["debian"], task_of(method=method, firewall=asked))
    assert (decision.method.name, decision.firewall.name, decision.listener.firewall) == (method, firewall, firewall)


def test_systemd_filters_for_socket_units_only() -> None:
    assert _refusal(CE, "override", firewall="systemd").key == "firewall_unsupported"


@pytest.mark.parametrize(("filtering", "closes"), [(False, True), (None, False)])
def test_an_access_list_that_would_not_be_in_force_is_refused(filtering: bool | None, closes: bool) -> None:
    host = CE.reporting(filtering=filtering, filtering_error="no BPF")
    failure = _refusal(host, firewall="auto")
    assert failure.key == "filtering_unsupported"
    assert "no BPF" in str(failure)
    # Nobody could try it: no verdict.
    assert must_close(failure, parse_observation(host.observation())) is closes


def test_an_access_list_below_a_slice_that_allows_is_refused() -> None:
    units = CE.observation()["units"]
    units["system.slice"]["IPAddressAllow"] = "0.0.0.0/0 ::/0"
    failure = _refusal(CE.reporting(units=units), firewall="auto")
    assert failure.key == "filtering_unsupported"
    assert "0.0.0.0/0" in str(failure)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"allow": ("any",), "firewall": "auto"}, "insecure_everyone"),
        ({"firewall": "none"}, "insecure_everyone"),
    ],
)
def test_plain_tcp_that_nothing_protects_is_refused(options: dict[str, t.Any], key: str) -> None:
    assert _refusal(CE, tls=False, **options).key == key


def test_plain_tcp_without_confirmation_is_refused() -> None:
    with pytest.raises(Failure) as failure:
        decision_of(CE, task_of(tls=False))
    assert failure.value.key == "insecure_not_confirmed"


def test_a_drop_in_that_is_read_after_ours_is_named() -> None:
    later = "/etc/systemd/system/docker.service.d/zzz.conf"
    exposed = exposed_by(CE, "override")
    failure = _refusal(exposed.write(later, _exec("/usr/bin/dockerd -H fd://")), "override")
    assert failure.key == "exec_start_overridden"
    assert "zzz.conf:3" in str(failure)
    assert must_close(failure, parse_observation(exposed.observation()))
    # One that is read before ours is the line that ours takes over.
    earlier = exposed.write(later.replace("zzz", "aaa"), _exec("/usr/bin/dockerd -H fd:// --debug"))
    assert expose(earlier, "override").restarted


def test_a_drop_in_that_takes_the_guard_away_is_refused() -> None:
    exposed = exposed_by(CE)
    units = exposed.observation()["units"]
    units[layout.DOCKER_SERVICE]["ExecStartPre"] = ""
    failure = _refusal(exposed.reporting(units=units))
    assert failure.key == "guard_overridden"
    assert must_close(failure, parse_observation(exposed.observation()))


@pytest.mark.parametrize(("plain", "tls"), [("answered", "none"), ("refused", "answered")])
def test_a_port_that_answers_anyone_is_refused(plain: str, tls: str) -> None:
    exposed = exposed_by(CE)
    answer = {"address": "10.20.0.5", "port": 2376, "plain": plain, "tls": tls, "certificate": None}
    failure = _refusal(exposed.reporting(answers=[answer]))
    assert failure.key == "port_open"
    assert "10.20.0.5:2376" in str(failure)
    assert must_close(failure, parse_observation(exposed.observation()))
    # With a restart, the proof follows.
    assert expose(exposed.reporting(answers=[answer]), allow=("10.30.0.0/24",), listen=("any:2376",)).restarted


def test_a_key_needs_something_to_make_it_with() -> None:
    tools = CE.observation()["tools"]
    check_key_can_be_made(observed_of(CE))
    check_key_can_be_made(observed_of(CE.reporting(tools={**tools, "openssl": None, "cryptography": True})))
    with pytest.raises(Failure) as failure:
        check_key_can_be_made(observed_of(CE.reporting(tools={**tools, "openssl": None})))
    assert failure.value.key == "openssl_missing"


def test_a_unit_that_no_method_fits_names_each_reason() -> None:
    failure = _refusal(CE.write(UNIT, "[Service]\nExecStart=/usr/local/bin/start\n"))
    assert failure.key == "method_unsupported"
    for method in ("socket", "override", "options_file", "daemon_json"):
        assert f"{method}: " in str(failure)
