# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method daemon_json: the hosts move there, the port beside the TLS keys, and the guard looks before each start."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import TLS_SETTINGS, Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.daemon_json import DaemonJson
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.startup import startup_of

from .conftest import FIREWALLS

Host = t.Callable[[str], Observed]
MakeListener = t.Callable[..., Listener]
OfService = t.Callable[[str, str], t.List[str]]
PORTS = ["tcp://10.20.0.5:2376", "tcp://[::]:2377"]
DEFAULT = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("name", "hosts", "line"),
    [
        ("docker-ce", ["fd://"], "/usr/bin/dockerd --containerd=/run/containerd/containerd.sock"),
        ("debian", ["fd://"], "/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"),
        ("fedora", ["fd://"], "/usr/bin/dockerd --exec-opt native.cgroupdriver=systemd $OPTIONS"),
        ("own socket", ["fd://", "unix:///run/x.sock"], '/usr/bin/dockerd --label "a b"'),
    ],
)
@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_units_hosts_move_to_daemon_json_with_the_port_behind_them(
    host: Host,
    make_listener: MakeListener,
    of_service: OfService,
    name: str,
    hosts: list[str],
    line: str,
    tls: bool,
    firewall: str,
) -> None:
    observed = host(name)
    assert DaemonJson.unsuitable(observed) is None
    rendered = DaemonJson.render(observed, make_listener(tls=tls, firewall=firewall))
    assert rendered.settings == {"hosts": [*hosts, *PORTS], **(TLS_SETTINGS if tls else {"tls": False})}
    assert (set(rendered.files), rendered.block) == ({layout.EXEC_DROP_IN}, None)
    drop_in = rendered.files[layout.EXEC_DROP_IN]
    assert of_service(drop_in, "ExecStart") == ["", line]
    guard = of_service(drop_in, "ExecStartPre")
    assert len(guard) == 1
    # Not "-": where it can't tell, dockerd does not start.
    assert all(value.startswith("/bin/sh -c ") for value in guard)


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_unit_without_hosts_keeps_its_exec_start(
    host: Host, make_listener: MakeListener, of_service: OfService, tls: bool, firewall: str
) -> None:
    rendered = DaemonJson.render(host("opensuse"), make_listener(tls=tls, firewall=firewall))
    assert rendered.settings["hosts"] == [DEFAULT, *PORTS]
    # Also where there is nothing in it: it tells how the host is exposed.
    drop_in = rendered.files[layout.EXEC_DROP_IN]
    assert of_service(drop_in, "ExecStart") == []
    assert len(of_service(drop_in, "ExecStartPre")) == 1


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("status", [0, 1])
def test_each_start_runs_the_guard_and_closes_the_port_where_the_rules_are_not_loaded(
    host: Host, make_listener: MakeListener, site: t.Any, tls: bool, firewall: str, status: int
) -> None:
    if FIREWALLS[firewall]:
        site.says(FIREWALLS[firewall], status)
    asked = dataclasses.replace(make_listener(tls=tls, firewall=firewall), python=site.python)
    assert site.start(DaemonJson.render(host("debian"), asked)) == 0
    closes = status != 0 and FIREWALLS[firewall] != ""
    ran = [words.partition(" -m guard ")[2].split() for words in site.called if " -m guard " in words]
    mode = "hosts" if tls else "closed" if closes else "gate"
    assert [(words[0], words[-1] == "unguarded") for words in ran] == [(mode, closes and tls)]
    assert any(words.startswith("systemctl show docker.service ") for words in site.called) is tls


@pytest.mark.parametrize(
    ("tls", "firewall", "status"),
    [
        (True, "none", 0),
        *((True, name, 0) for name, program in FIREWALLS.items() if program),
        *((False, name, 1) for name, program in FIREWALLS.items() if program),
    ],
)
def test_where_the_guard_can_not_tell_dockerd_does_not_start(
    host: Host, make_listener: MakeListener, site: t.Any, tls: bool, firewall: str, status: int
) -> None:
    if FIREWALLS[firewall]:
        site.says(FIREWALLS[firewall], status)
    site.says("python", 1)
    asked = dataclasses.replace(make_listener(tls=tls, firewall=firewall), python=site.python)
    assert site.start(DaemonJson.render(host("debian"), asked)) != 0


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_a_script_runs_the_guard_from_the_options_file(
    host: Host, make_listener: MakeListener, tls: bool, firewall: str
) -> None:
    rendered = DaemonJson.render(host("sysvinit"), make_listener(tls=tls, firewall=firewall))
    assert rendered.settings["hosts"] == [DEFAULT, *PORTS]
    assert rendered.files == {}
    assert rendered.block is not None
    assert ("-m guard hosts " in rendered.block) is tls
    assert all(check in rendered.block for check in make_listener(firewall=firewall).checks)
    assert ") || exit 1\n" in rendered.block


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_under_a_supervisor_the_guard_stands_in_dockerds_place(
    host: Host, make_listener: MakeListener, tls: bool, firewall: str
) -> None:
    rendered = DaemonJson.render(host("openrc"), make_listener(tls=tls, firewall=firewall))
    assert list(rendered.files) == [layout.DOCKERD_WRAPPER]
    assert ("-m guard hosts " in rendered.files[layout.DOCKERD_WRAPPER]) is tls
    assert all(check in rendered.files[layout.DOCKERD_WRAPPER] for check in make_listener(firewall=firewall).checks)
    assert f'DOCKER_OPTS="{layout.DOCKERD_WRAPPER} ${{DOCKERD_BINARY:-/usr/bin/dockerd}} ' in (rendered.block or "")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("debian", {"flags": DaemonFlags("/opt/start", ("fd://",), (), None, False)}, "not dockerd itself"),
        (
            "debian",
            {"flags": DaemonFlags("/usr/sbin/dockerd", ("fd://", "unix:///x"), (), None, False)},
            "-H fd:// -H unix:///x, not all can be taken off",
        ),
        ("sysvinit", {"options": None}, "no options file"),
    ],
)
def test_where_hosts_can_not_move_or_the_guard_can_not_stand_it_does_not_fit(
    host: Host, name: str, changes: dict[str, t.Any], words: str
) -> None:
    assert words in (DaemonJson.unsuitable(dataclasses.replace(host(name), **changes)) or "")


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("/usr/bin/dockerd -H fd:// --host unix:///run/x.sock -D", ""),
        ("/usr/bin/dockerd -Hfd:// --label a=b", ""),
        ("-/usr/bin/dockerd --host=fd://", ""),
        ("/usr/bin/dockerd $OPTIONS", "-D"),
        ("/usr/bin/dockerd -DH fd://", ""),
        ("/usr/bin/dockerd '-H' fd://", ""),
        ('/usr/bin/dockerd -H "unix:///run/x.sock"', ""),
        ("/usr/bin/dockerd -H fd:// $OPTIONS", "-H fd://"),
    ],
)
def test_dockerd_has_its_hosts_in_one_place_afterwards(
    make_listener: MakeListener, of_service: OfService, host: Host, line: str, options: str
) -> None:
    unit = Source("/lib/systemd/system/docker.service", f"[Service]\nExecStart={line}\n", "unit")
    variables = Source("/etc/default/docker", f'OPTIONS="{options}"\n', "options")
    startup = startup_of([unit, variables])
    observed = dataclasses.replace(host("debian"), flags=startup.flags, exec_start=startup.exec_start)
    if DaemonJson.unsuitable(observed) is None:
        rendered = DaemonJson.render(observed, make_listener())
        drop_in = Source("zz", rendered.files[layout.EXEC_DROP_IN], "drop_in")
        assert startup_of([unit, drop_in, variables]).flags.hosts == ()
        assert rendered.settings["hosts"][: -len(PORTS)] == list(startup.flags.hosts or [DEFAULT])
