# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's place: the words that run it, and the drop-in's [Unit]."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import subprocess
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.choice import METHODS
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.guarding import (
    HAS_TCP,
    alone,
    check_of_flags,
    guard_of_daemon_json,
    proof,
    unit_section,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.options_file import OptionsFileMethod
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.override import Override

from .conftest import FIREWALLS

Host = t.Callable[[str], Observed]
MakeListener = t.Callable[..., Listener]


def test_the_guard_of_flags_is_told_the_files_and_the_hosts(make_listener: MakeListener) -> None:
    """In the order in which flags_allowed takes them."""
    assert shlex.split(check_of_flags(make_listener())) == [
        *("/usr/bin/python3", "-B", "-m", "guard", "flags"),
        *(layout.DAEMON_JSON, layout.GOOD_COPY, layout.CA, layout.CERTIFICATE, layout.KEY),
        *("tcp://10.20.0.5:2376", "tcp://[::]:2377"),
    ]


@pytest.mark.parametrize(("mode", "words"), [("", "guard"), ("hosts", "guard hosts")])
def test_the_guard_of_daemon_json_reads_exec_start(mode: str, words: str) -> None:
    show, _pipe, guard = guard_of_daemon_json("/opt/python", mode).partition(" | ")
    assert show.startswith(f"systemctl show {layout.DOCKER_SERVICE} ")
    assert guard == f"/opt/python -B -m {words} {layout.DAEMON_JSON} {layout.GOOD_COPY}"


@pytest.mark.parametrize(("tls", "asks_guard"), [(True, True), (False, False)])
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_proof_is_what_tls_and_the_firewall_take(
    make_listener: MakeListener, tls: bool, asks_guard: bool, firewall: str
) -> None:
    asked = make_listener(tls=tls, firewall=firewall)
    checks = " && ".join(asked.checks)
    told = f"{{ {checks} || export GANGWAY_UNGUARDED=1; }}" if checks else ""
    words = [told, check_of_flags(asked)] if asks_guard else [checks, "/usr/bin/python3 -B -m guard gate narrow"]
    assert proof(asked) == " && ".join(filter(None, [f"cd {layout.STATE}", *words]))
    assert bool(asked.checks) is bool(FIREWALLS[firewall])


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_units_section_waits_for_our_folder_and_the_rules(make_listener: MakeListener, firewall: str) -> None:
    lines = unit_section(make_listener(firewall=firewall)).splitlines()
    # Whether the others start is up to the user.
    rules = {
        "nftables": ["Wants=docker-gangway-firewall.service", "After=docker-gangway-firewall.service"],
        "firewalld": ["After=firewalld.service"],
        "ufw": ["After=ufw.service"],
    }
    assert lines == [
        "[Unit]",
        "Wants=docker-gangway.service",
        *rules.get(firewall, []),
        f"RequiresMountsFor={layout.STATE}",
    ]


@pytest.mark.parametrize("name", ["docker-ce", "debian", "fedora", "opensuse", "own socket", "sysvinit", "openrc"])
@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("tls", [True, False])
def test_whatever_the_method_the_guard_runs_before_dockerd_and_the_gate_is_narrow(
    host: Host, make_listener: MakeListener, name: str, firewall: str, tls: bool
) -> None:
    observed = host(name)
    asked = dataclasses.replace(make_listener(tls=tls, firewall=firewall), python="/opt/python")
    for method in METHODS:
        if method.unsuitable(observed) is None:
            rendered = method.render(observed, asked)
            lines = [*rendered.files.get(layout.EXEC_DROP_IN, "").splitlines()]
            lines += rendered.files.get(layout.DROP_IN, "").splitlines()
            found = [line for line in lines if line.startswith("ExecStartPre=")]
            if observed.init != "systemd":
                found = [*rendered.files.values(), rendered.block or ""]
            modes = {mode for text in found for mode in re.findall(r"/opt/python -B -m guard (gate \w+|\w*)", text)}
            # What judges TLS narrows the gate as well.
            judges = modes - {"closed", "gate narrow", "gate open"}
            assert bool(judges) is tls, method.name
            assert ("gate narrow" in modes) is not tls, method.name


@pytest.mark.parametrize("method", [Override, OptionsFileMethod])
@pytest.mark.parametrize("fails", ["", "python"])
def test_dockerd_does_not_start_without_our_tls_where_it_has_another_port(
    host: Host, make_listener: MakeListener, site: t.Any, method: t.Any, fails: str
) -> None:
    site.says("systemctl", 0, "Listen=0.0.0.0:2375 (Stream)")
    if fails:
        site.says(fails, 1)
    rendered = method.render(host("debian"), dataclasses.replace(make_listener(), python=site.python))
    assert bool(site.start(rendered)) is bool(fails)


_PLACE = "{{ path=/usr/bin/dockerd ; argv[]=/usr/bin/dockerd {} ; ignore_errors=no }}"
#: How dockerd's flags give it a TCP port.
OTHER_PORTS = [
    *("-H tcp://0.0.0.0:2375", "-H 0.0.0.0:2375", "-H0.0.0.0:2375", "-H=0.0.0.0:2375", "-H :2375", "-H [::]:2375"),
    *("--host=foo:1", "--host foo:1", "--host=union:1", "-H fdomain:1", "-H unix", "-DH 0.0.0.0:2375", "-DHfoo:1"),
    *("-H fd:// -H 1.2.3.4", "-H unix:///run/x.sock --host localhost", "-H $ADDRESS", '"--host" foo:1'),
]
NO_PORTS = [
    *("", "-H fd://", "-Hfd://", "-H=fd://", "-DH fd://", "--host=fd://", "--host fd://docker.socket", "-D"),
    *("-H unix:///var/run/docker.sock", "--host=unix:///run/x.sock", "-Hunix:///run/x.sock -H fd://"),
    *("--host-gateway-ip 10.0.0.1", "--host-gateway-ip=10.0.0.1", "--containerd=/run/containerd/containerd.sock"),
]


@pytest.mark.parametrize("place", ["unit", "environment", "script"])
@pytest.mark.parametrize(
    ("flags", "is_alone"), [*((flags, False) for flags in OTHER_PORTS), *((flags, True) for flags in NO_PORTS)]
)
def test_a_tcp_address_is_known_in_any_spelling(site: t.Any, place: str, flags: str, is_alone: bool) -> None:
    site.says("systemctl", 0, "ExecStart=" + _PLACE.format(flags if place == "unit" else "-H fd:// $OPTIONS"))
    environment = {"PATH": f"{site.folder}:{os.defpath}", "OPTIONS": "" if place == "unit" else flags}
    in_script = f'if echo "$OPTIONS" | {HAS_TCP}; then exit 1; fi'
    command = in_script if place == "script" else alone("GANGWAY_LISTENER")
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, check=False)
    assert (done.returncode == 0) is is_alone


@pytest.mark.parametrize(
    ("listen", "is_alone"),
    [("/run/docker.sock", True), ("@docker", True), ("0.0.0.0:2375", False), ("[::]:2375", False), ("2375", False)],
)
def test_a_socket_unit_with_a_port_is_another_port(site: t.Any, listen: str, is_alone: bool) -> None:
    site.says("systemctl", 0, f"Listen={listen} (Stream)")
    environment = {"PATH": f"{site.folder}:{os.defpath}", "GANGWAY_LISTENER": "-H tcp://10.20.0.5:2376"}
    done = subprocess.run(["/bin/sh", "-c", alone("GANGWAY_LISTENER")], env=environment, check=False)
    assert (done.returncode == 0) is is_alone, "our own flags do not count"


def test_a_systemd_that_does_not_answer_proves_nothing(site: t.Any) -> None:
    site.says("systemctl", 1)
    environment = {"PATH": f"{site.folder}:{os.defpath}"}
    assert subprocess.run(["/bin/sh", "-c", alone("X")], env=environment, check=False).returncode != 0
