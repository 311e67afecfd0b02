# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units that load the table, and their script."""

from __future__ import annotations

import re
import subprocess

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables_units import (
    RUN_FILES,
    render_script,
    render_unit,
    render_watch_unit,
    restore_gate,
)

SCRIPT = render_script("/usr/sbin/nft", "/usr/bin/python3")


def test_the_unit_comes_before_whatever_opens_a_port_and_never_takes_the_rules_away() -> None:
    unit = render_unit()
    assert "Before=docker-gangway.socket docker.socket docker.service shutdown.target\n" in unit
    assert "After=nftables.service\n" in unit
    assert f"ExecStart=/bin/sh {layout.FIREWALL_SCRIPT} load\n" in unit
    assert "ExecStop" not in unit


def test_the_watch_goes_with_the_unit() -> None:
    unit = render_watch_unit()
    assert "BindsTo=docker-gangway-firewall.service\nAfter=docker-gangway-firewall.service\n" in unit


def test_the_script_is_one_for_every_posix_shell() -> None:
    subprocess.run(["sh", "-n"], input=SCRIPT, text=True, check=True)


def test_what_the_script_leaves_in_run_is_known() -> None:
    assert {path.removesuffix(".new") for path in re.findall(r"/run/[\w./-]+", SCRIPT)} == set(RUN_FILES)


def test_the_guard_restores_the_gate_once_it_is_there() -> None:
    command = restore_gate("/usr/bin/python3")
    assert command in SCRIPT
    # In a folder without a guard there is nothing to do, and nothing fails.
    subprocess.run(["sh", "-c", command.replace(layout.STATE, "/nonexistent")], check=True)
    # A guard that fails leaves the gate narrow, and the unit as it is.
    failing = command.replace(f"{layout.GUARD}/nftables_gate.py", "/dev/null").replace("/usr/bin/python3", "false")
    subprocess.run(["sh", "-c", failing.replace(layout.STATE, "/")], check=True)
