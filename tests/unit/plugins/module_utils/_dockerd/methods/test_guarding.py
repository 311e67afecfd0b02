# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's place: the words that run it, and the drop-in's [Unit]."""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.choice import METHODS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.guarding import (
    RULES_LOADED,
    check_of_flags,
    guard_of_daemon_json,
    proof,
    unit_section,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.method import Exposure
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.options_file import OptionsFileMethod
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.override import Override
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed

Host = t.Callable[[str], Observed]
MakeExposure = t.Callable[..., Exposure]
FIREWALLS = ["nftables", "systemd", "none", "firewalld"]


def test_the_guard_of_flags_is_told_the_files_and_the_hosts(exposure: MakeExposure) -> None:
    """In the order in which flags_allowed takes them."""
    assert shlex.split(check_of_flags(exposure())) == [
        *("/usr/bin/python3", "-B", "-m", "guard", "flags"),
        *(layout.DAEMON_JSON, layout.GOOD_COPY, layout.CA, layout.CERTIFICATE, layout.KEY),
        *("tcp://10.20.0.5:2376", "tcp://[::]:2377"),
    ]


@pytest.mark.parametrize(("mode", "words"), [("", "guard"), ("hosts", "guard hosts")])
def test_the_guard_of_daemon_json_reads_exec_start_in_our_folder(mode: str, words: str) -> None:
    folder, _and, command = guard_of_daemon_json("/opt/python", mode).partition(" && ")
    show, _pipe, guard = command.partition(" | ")
    assert folder == f"cd {layout.STATE}"
    assert show.startswith(f"systemctl show {layout.DOCKER_SERVICE} ")
    assert guard == f"/opt/python -B -m {words} {layout.DAEMON_JSON} {layout.GOOD_COPY}"


@pytest.mark.parametrize(("tls", "asks_guard"), [(True, True), (False, False)])
@pytest.mark.parametrize(("firewall", "asks_rules"), [(name, name == "nftables") for name in FIREWALLS])
def test_the_proof_is_what_tls_and_the_firewall_take(
    exposure: MakeExposure, tls: bool, asks_guard: bool, firewall: str, asks_rules: bool
) -> None:
    asked = exposure(tls=tls, firewall=firewall)
    assert proof(asked).split(" && ") == [
        f"cd {layout.STATE}",
        *([check_of_flags(asked)] if asks_guard else []),
        *([RULES_LOADED] if asks_rules else []),
    ]


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_units_section_waits_for_our_folder_and_the_rules(exposure: MakeExposure, firewall: str) -> None:
    lines = unit_section(exposure(firewall=firewall)).splitlines()
    rules = ["Wants=docker-gangway-firewall.service", "After=docker-gangway-firewall.service"]
    assert lines == [
        "[Unit]",
        *(rules if firewall == "nftables" else []),
        f"RequiresMountsFor={layout.STATE}",
    ]


@pytest.mark.parametrize("name", ["docker-ce", "debian", "fedora", "opensuse", "own socket", "sysvinit", "openrc"])
@pytest.mark.parametrize("firewall", FIREWALLS)
@pytest.mark.parametrize("tls", [True, False])
def test_with_tls_whatever_the_method_the_guard_runs_before_dockerd(
    host: Host, exposure: MakeExposure, name: str, firewall: str, tls: bool
) -> None:
    observed = host(name)
    asked = dataclasses.replace(exposure(tls=tls, firewall=firewall), python="/opt/python")
    for method in METHODS:
        if method.unsuitable(observed) is None:
            rendered = method.render(observed, asked)
            lines = [*rendered.files.get(layout.EXEC_DROP_IN, "").splitlines()]
            lines += rendered.files.get(layout.DROP_IN, "").splitlines()
            found = [line for line in lines if line.startswith("ExecStartPre=")]
            if observed.init != "systemd":
                found = [*rendered.files.values(), rendered.block or ""]
            modes = {mode for text in found for mode in re.findall(r"/opt/python -B -m guard (\w*)", text)}
            assert bool(modes - {"closed"}) is tls, method.name


@pytest.mark.parametrize("method", [Override, OptionsFileMethod])
@pytest.mark.parametrize("fails", ["", "python"])
def test_dockerd_does_not_start_without_our_tls_where_it_has_another_port(
    host: Host, exposure: MakeExposure, site: t.Any, method: t.Any, fails: str
) -> None:
    site.says("systemctl", 0, "Listen=0.0.0.0:2375 (Stream)")
    if fails:
        site.says(fails, 1)
    rendered = method.render(host("debian"), dataclasses.replace(exposure(), python=site.python))
    assert bool(site.start(rendered)) is bool(fails)
