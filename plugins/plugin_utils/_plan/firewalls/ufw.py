# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules in ufw, in front of all others, with our mark in their comments.

ufw has no file of ours: its rules change by its command, which works while ufw is inactive, too.
"""

from __future__ import annotations

__all__ = ("UFW", "Ufw")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command, LoadRules, Step

from .facts import COMMENT, UfwFacts
from .firewall import Access, FirewallFacts, WayOfRules
from .ufw_rules import Rule, closing_rules, foreign_twin, is_loaded, ordered, our_rules, rules_for


class Ufw:
    """The rules of a place end with one that denies it to all others, and that goes once the place is closed."""

    name = "ufw"
    paths: tuple[str, ...] = ()
    boot_units: tuple[str, ...] = ("ufw.service",)

    def unsuitable(self, facts: FirewallFacts, access: Access, *, method: str) -> Failure | None:
        thing = "firewall ufw (expose_firewall in the role)"
        ufw = facts.ufw
        if ufw is None or not facts.tools.get("ufw") or not ufw.is_enabled:
            return Failure(
                "firewall_inactive",
                thing=thing,
                reason="it is not enabled" if ufw and facts.tools.get("ufw") else "it is not installed",
                cure="Run 'ufw enable' (0.36 or newer), or choose nftables",
            )
        twin = foreign_twin(ufw, rules_for(access, ipv6=ufw.has_ipv6))
        if twin is not None:
            return Failure(
                "firewall_rule_exists",
                thing=thing,
                reason=f"ufw already has the rule '{' '.join(twin.words)}', and keeps only one for the same packets",
                cure=f"Run 'ufw delete {' '.join(twin.words)}'; the access list (expose_allow in the role) replaces it",
            )
        return None

    def is_present(self, facts: FirewallFacts) -> bool:
        # Without the program, the rules that are left in its files are never in force.
        return facts.ufw is not None and bool(facts.tools.get("ufw")) and bool(our_rules(facts.ufw))

    def files(self, facts: FirewallFacts, access: Access) -> t.Mapping[str, str]:
        return {}

    def in_force(self, facts: FirewallFacts, access: Access) -> bool:
        return facts.ufw is not None and not _Change(facts.ufw, access).is_needed

    def checks(self, facts: FirewallFacts, access: Access) -> tuple[str, ...]:
        has_ipv6 = facts.ufw is None or facts.ufw.has_ipv6
        denies = [rule for rule in rules_for(access, ipv6=has_ipv6) if rule.action == "deny"]
        return tuple(
            f"{'iptables' if version == 4 else 'ip6tables'} -C {rule.line(version).removeprefix('-A ')}"
            for rule in denies
            for version in rule.versions
            if version == 4 or has_ipv6
        )

    def load(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        if facts.ufw is None:
            return ()
        change = _Change(facts.ufw, access)
        # Denies first: in front of them come the rules that allow, in their order.
        commands = [
            *([] if is_loaded(facts.ufw) else [("reload",)]),
            *(("delete", *rule.words) for rule in (*change.stale, *change.moved) if rule.action == "allow"),
        ]
        for rule in reversed(change.missing):
            if rule.action == "deny" and rule in change.moved:
                commands.append(("delete", *rule.words))
            commands.append(_prepend(rule))
        return _steps(facts, commands)

    def narrow(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        if facts.ufw is None:
            return ()
        return _steps(facts, [("delete", *rule.words) for rule in _Change(facts.ufw, access).closing])

    def unload(self, facts: FirewallFacts) -> tuple[Step, ...]:
        return _steps(facts, [("delete", *rule.words) for rule in our_rules(facts.ufw)]) if facts.ufw else ()

    def way_back(self, facts: FirewallFacts, access: Access | None) -> WayOfRules:
        if facts.ufw is None or not facts.tools.get("ufw"):
            return WayOfRules()
        ours = our_rules(facts.ufw)
        added: list[Rule] = []
        removed = ours
        if access is not None:
            change = _Change(facts.ufw, access)
            added = [rule for rule in change.missing if rule not in ours]
            removed = [*change.stale, *change.moved, *change.closing]
        # Denies come back first and go last: each moment in between has a closed port, or the old list. Their own
        # order, which decides nothing, may be another afterwards.
        load = [("delete", *rule.words) for rule in added if rule.action == "allow"]
        if removed:
            load += [_prepend(rule) for rule in reversed(ours) if rule.action == "deny"]
            for rule in reversed(ours):
                if rule.action == "allow":
                    load += [("delete", *rule.words), _prepend(rule)]
        unload = [("delete", *rule.words) for rule in added if rule.action == "deny"]
        return WayOfRules(_commands(facts, load), _commands(facts, unload))


class _Change:
    """What has to change in ufw for this list."""

    def __init__(self, ufw: UfwFacts, access: Access) -> None:
        wanted = rules_for(access, ipv6=ufw.has_ipv6)
        ours = our_rules(ufw)
        in_place = ordered(ufw, wanted)
        #: Rules to put in front, in order.
        self.missing = [rule for rule in wanted if rule not in in_place]
        #: Those of them that ufw has, but behind others.
        self.moved = [rule for rule in self.missing if rule in ours]
        #: Clients that are no longer listed, or were listed for places that are no longer requested.
        self.stale = [rule for rule in ours if rule.action == "allow" and rule not in wanted]
        #: Places that are no longer requested, to be denied until they are closed.
        self.closing = closing_rules(ufw, wanted)
        self.is_needed = bool(self.missing or self.stale or self.closing or not (ufw.is_enabled and is_loaded(ufw)))


def _prepend(rule: Rule) -> tuple[str, ...]:
    return ("prepend", *rule.words, "comment", COMMENT)


def _commands(facts: FirewallFacts, commands: t.Iterable[tuple[str, ...]]) -> tuple[Command, ...]:
    return tuple((facts.tool("ufw"), *words) for words in commands)


def _steps(facts: FirewallFacts, commands: t.Sequence[tuple[str, ...]]) -> tuple[Step, ...]:
    if not commands:
        return ()
    return (LoadRules(_commands(facts, commands), thing="ufw's rules", cure="Look at 'ufw status verbose'"),)


UFW = Ufw()
