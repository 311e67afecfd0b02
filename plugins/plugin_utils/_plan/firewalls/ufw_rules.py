# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of ufw for an access list, and how they compare with those that ufw has.

ufw knows rules by what they match, and has each once: C(ufw prepend) of a rule that a user has already, with another
action or at another place, does nothing (C(Skipping)) and succeeds.
"""

from __future__ import annotations

__all__ = ("Rule", "closing_rules", "foreign_twin", "is_loaded", "ordered", "our_rules", "rules_for")

import typing as t
from dataclasses import dataclass

from .facts import UfwFacts, UfwRule
from .firewall import Access, Place

_VERSIONS = (4, 6)
#: ufw takes 0.0.0.0/0 for everyone, IPv6 included. And to allow everyone, and to deny them, is the same rule for it.
_HALVES = {"0.0.0.0/0": ("0.0.0.0/1", "128.0.0.0/1"), "::/0": ("::/1", "8000::/1")}
_TARGETS = {"allow": "ACCEPT", "deny": "DROP"}
_CHAINS = {4: "ufw", 6: "ufw6"}


@dataclass(frozen=True)
class Rule:
    """One rule of ours. Without address and source it is a rule of IPv4 and of IPv6."""

    action: str
    place: Place
    #: A network, empty: from anywhere.
    source: str = ""

    @property
    def versions(self) -> tuple[int, ...]:
        if self.source:
            return (6,) if ":" in self.source else (4,)
        return (self.place.version,) if self.place.version else _VERSIONS

    @property
    def words(self) -> tuple[str, ...]:
        """As the ufw command takes it."""
        source, address = self.source or "any", self.place.address or "any"
        source = source.removesuffix("/128" if ":" in source else "/32")
        return (self.action, "proto", "tcp", "from", source, "to", address, "port", str(self.place.port))

    def matches(self, found: UfwRule) -> bool:
        """Whether ufw takes them for the same rule, whatever the action."""
        return found.is_plain and (found.protocol, found.ports, found.destination, found.source) == (
            "tcp",
            str(self.place.port),
            _network(self.place.address),
            self.source,
        )

    def line(self, version: int) -> str:
        """Return it as C(iptables -S) prints it."""
        source = f"-s {self.source} " if self.source else ""
        destination = f"-d {_network(self.place.address)} " if self.place.address else ""
        chain = f"{_CHAINS[version]}-user-input"
        return f"-A {chain} {source}{destination}-p tcp -m tcp --dport {self.place.port} -j {_TARGETS[self.action]}"


def rules_for(access: Access, *, ipv6: bool) -> list[Rule]:
    """Return the rules in order: first who may connect, then, for each place, nobody else."""
    allowed, denied = [], []
    for place in access.places:
        networks = [half for n in map(str, access.clients_of(place)) for half in _HALVES.get(n, (n,))]
        allowed += [Rule("allow", place, network) for network in networks]
        denied.append(Rule("deny", place))
    return [rule for rule in (*allowed, *denied) if ipv6 or 4 in rule.versions]


def our_rules(ufw: UfwFacts) -> list[Rule]:
    """Return our rules that ufw has, in order; one of both families once."""
    found = [
        Rule(rule.action, Place(rule.destination.partition("/")[0], int(rule.ports)), rule.source)
        for rule in (*ufw.rules, *ufw.rules_ipv6)
        if rule.is_ours and rule.action in _TARGETS and rule.ports.isdigit()
    ]
    return list(dict.fromkeys(found))


def closing_rules(ufw: UfwFacts, wanted: t.Collection[Rule]) -> list[Rule]:
    """Return our rules that deny a place which is not requested any more."""
    return [rule for rule in our_rules(ufw) if rule.action == "deny" and rule not in wanted]


def foreign_twin(ufw: UfwFacts, wanted: t.Iterable[Rule]) -> Rule | None:
    """Return a rule that would be ours, but that a user has added already."""
    for rule in wanted:
        for found in (*ufw.rules, *ufw.rules_ipv6):
            if not found.is_ours and rule.matches(found):
                return Rule(found.action, rule.place, rule.source)
    return None


def ordered(ufw: UfwFacts, wanted: t.Sequence[Rule]) -> set[Rule]:
    """Return those of the rules that ufw has at a place where they do what they are for.

    A deny comes before what others allow on its port; an allow of ours before all denies of ours on its port.
    """
    versions = _VERSIONS if ufw.has_ipv6 else (4,)
    fine = {rule for rule in wanted if all(_is_ordered(ufw, rule, v) for v in rule.versions if v in versions)}
    # A deny that has to be put in front comes before the rules that allow. So these follow.
    moved = {rule.place.port for rule in wanted if rule.action == "deny" and rule not in fine}
    return {rule for rule in fine if rule.action == "deny" or rule.place.port not in moved}


def _is_ordered(ufw: UfwFacts, rule: Rule, version: int) -> bool:
    for found in ufw.rules_of(version):
        if found.is_ours and found.action == rule.action and rule.matches(found):
            return True
        if not found.has_port(rule.place.port):
            continue
        if rule.action == "allow" and found.is_ours and found.action == "deny":
            return False
        if rule.action == "deny" and not found.is_ours and found.action in ("allow", "limit"):
            return False
    return False


def is_loaded(ufw: UfwFacts) -> bool:
    """Whether the kernel has our rules as ufw's files have them: others flush rulesets."""
    for version, kernel in ((4, ufw.kernel), (6, ufw.kernel_ipv6)):
        if version == 6 and not ufw.has_ipv6:
            # It drops everything.
            continue
        prefix = _CHAINS[version]
        ours = [
            Rule(rule.action, Place(rule.destination.partition("/")[0], int(rule.ports)), rule.source).line(version)
            for rule in ufw.rules_of(version)
            if rule.is_ours and rule.action in _TARGETS and rule.ports.isdigit()
        ]
        lines = iter(kernel)
        jumps = (f"-A INPUT -j {prefix}-before-input", f"-A {prefix}-before-input -j {prefix}-user-input")
        # Each is found behind the one before.
        if not all(jump in kernel for jump in jumps) or not all(rule in lines for rule in ours):
            return False
    return True


def _network(address: str) -> str:
    if not address:
        return ""
    return f"{address}/{128 if ':' in address else 32}"
