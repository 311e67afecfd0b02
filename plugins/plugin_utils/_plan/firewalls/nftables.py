# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An nftables table of our own, which units load at boot and again after a flush."""

from __future__ import annotations

__all__ = ("NFTABLES", "Nftables")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.nftables_gate import TABLE
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Command,
    LoadRules,
    ReadUnits,
    Step,
    Write,
)

from .firewall import Access, FirewallFacts, WayOfRules, changed_files, removals
from .nftables_rules import has_rules, places_in, render_rules
from .nftables_units import RUN_FILES, render_script, render_unit, render_watch_unit, restore_gate


class Nftables:
    """Each load replaces the table in one transaction of the kernel: at no time is the port without its guard."""

    name = "nftables"
    paths: tuple[str, ...] = (layout.FIREWALL_RULES, layout.FIREWALL_SCRIPT, *layout.FIREWALL_UNITS)
    boot_units: tuple[str, ...] = (layout.FIREWALL_SERVICE,)

    def unsuitable(self, facts: FirewallFacts, access: Access, *, method: str) -> Failure | None:
        if facts.tools.get("nft"):
            return None
        return Failure(
            "nft_missing",
            thing="the program nft",
            reason="the access list is an nftables table, and this host has no such program",
            cure="Install the package nftables, or choose another firewall (expose_firewall in the role); with none, "
            "TLS alone protects the port",
        )

    def is_present(self, facts: FirewallFacts) -> bool:
        return facts.nftables is not None or any(path in facts.files for path in self.paths)

    def files(self, facts: FirewallFacts, access: Access) -> t.Mapping[str, str]:
        rules = {layout.FIREWALL_RULES: render_rules(access)}
        if facts.init != "systemd":
            return rules
        return {
            **rules,
            layout.FIREWALL_SCRIPT: render_script(facts.tool("nft"), facts.python),
            layout.FIREWALL_UNIT: render_unit(),
            layout.FIREWALL_WATCH_UNIT: render_watch_unit(),
        }

    def in_force(self, facts: FirewallFacts, access: Access) -> bool:
        is_watched = facts.is_watched or facts.init != "systemd"
        return is_watched and has_rules(facts.nftables, access) and not changed_files(facts, self.files(facts, access))

    def checks(self, facts: FirewallFacts, access: Access) -> tuple[str, ...]:
        # Loading them is as quick as looking, and leaves the gate narrow.
        return (f"nft -f {layout.FIREWALL_RULES}",)

    def load(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        guarded = self._guarded(facts, access)
        if self.in_force(facts, guarded):
            return ()
        writes = changed_files(facts, self.files(facts, guarded))
        return (*writes, *([ReadUnits()] if facts.init == "systemd" else []), self._load_rules(facts))

    def narrow(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        final = render_rules(access)
        if final == render_rules(self._guarded(facts, access)):
            return ()
        return (Write(layout.FIREWALL_RULES, final), self._load_rules(facts))

    def unload(self, facts: FirewallFacts) -> tuple[Step, ...]:
        units = [ReadUnits()] if any(path in facts.files for path in layout.FIREWALL_UNITS) else []
        commands = LoadRules(_unload_commands(facts), thing=f"the nftables table {TABLE}", ignore_errors=True)
        return (commands, *removals(facts, self.paths), *units)

    def way_back(self, facts: FirewallFacts, access: Access | None) -> WayOfRules:
        if layout.FIREWALL_RULES in facts.files:
            return WayOfRules(load=self._load_rules(facts).commands)
        return WayOfRules(unload=_unload_commands(facts))

    def _guarded(self, facts: FirewallFacts, access: Access) -> Access:
        return access.also_at(places_in(facts.nftables))

    def _load_rules(self, facts: FirewallFacts) -> LoadRules:
        if facts.init != "systemd":
            return LoadRules(
                ((facts.tool("nft"), "-f", layout.FIREWALL_RULES), ("sh", "-c", restore_gate(facts.python))),
                thing=layout.FIREWALL_RULES,
                cure="Run that command on the host; the kernel may lack nf_tables",
            )
        return LoadRules(
            (
                ("systemctl", "reload-or-restart", layout.FIREWALL_SERVICE),
                # Its script may be a new one.
                ("systemctl", "restart", layout.FIREWALL_WATCH_SERVICE),
            ),
            thing=layout.FIREWALL_RULES,
            cure=f"Look at 'journalctl -u {layout.FIREWALL_SERVICE}'; the kernel may lack nf_tables",
        )


def _unload_commands(facts: FirewallFacts) -> tuple[Command, ...]:
    # First what would bring the table back.
    units = (layout.FIREWALL_WATCH_SERVICE, layout.FIREWALL_SERVICE) if facts.init == "systemd" else ()
    return (
        *(("systemctl", "stop", unit) for unit in units),
        (facts.tool("nft"), "delete", "table", *TABLE.split()),
        *((("rm", "-f", *RUN_FILES),) if units else ()),
    )


NFTABLES = Nftables()
