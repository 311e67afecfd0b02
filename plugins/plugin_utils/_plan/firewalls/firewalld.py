# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy in firewalld.

A policy, not rules in zones: it comes before every zone, also before docker's (target ACCEPT) and those that are made
later, and leaves no trace in the zones' files. The running firewalld learns about policies by a reload only.
"""

from __future__ import annotations

__all__ = ("FIREWALLD", "Firewalld", "render_policy", "rich_rules")

import contextlib
import ipaddress
import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Command,
    LoadRules,
    MakeFolder,
    Step,
    Write,
)

from .firewall import Access, FirewallFacts, Place, WayOfRules, changed_files, removals

_NAME = "gangway-docker"
#: Before all policies of others, as far as firewalld allows it (firewalld.policy(5)): theirs may accept everything.
_SETTINGS = {"priority": "-23760", "target": "CONTINUE", "ingress-zones": "ANY", "egress-zones": "HOST"}
#: Rules with a negative priority come before all others of the policy (firewalld.richlanguage(5)).
_ACCEPT, _DROP = "-2", "-1"
_PORT = re.compile(r'\bport port="(\d{1,5})" protocol="tcp"')
_DESTINATION = re.compile(r'\bdestination address="([0-9a-f.:]+)"')


@dataclass(frozen=True)
class _Rule:
    place: Place
    #: A network, or nothing: drop packets from everywhere.
    source: str = ""

    @property
    def _parts(self) -> tuple[str, list[str], str]:
        version = (6 if ":" in self.source else 4) if self.source else self.place.version
        family = f' family="ipv{version}"' if version else ""
        head = f'rule priority="{_ACCEPT if self.source else _DROP}"{family}'
        elements = [f'source address="{self.source}"'] if self.source else []
        elements += [f'destination address="{self.place.address}"'] if self.place.address else []
        return head, [*elements, f'port port="{self.place.port}" protocol="tcp"'], "accept" if self.source else "drop"

    @property
    def xml(self) -> str:
        head, elements, action = self._parts
        return f"<{head}>{''.join(f'<{element}/>' for element in elements)}<{action}/></rule>"

    @property
    def rich(self) -> str:
        """As firewall-cmd takes and prints it."""
        head, elements, action = self._parts
        return " ".join((head, *elements, action))


def _rules(access: Access, closing: t.Iterable[Place] = ()) -> list[_Rule]:
    """C(closing): places where nobody may connect any more."""
    rules = []
    for place in access.places:
        rules += [_Rule(place, str(network)) for network in access.clients_of(place)]
        rules.append(_Rule(place))
    return rules + [_Rule(place) for place in sorted(set(closing) - set(access.places))]


def rich_rules(access: Access, closing: t.Iterable[Place] = ()) -> list[str]:
    return [rule.rich for rule in _rules(access, closing)]


def render_policy(access: Access, closing: t.Iterable[Place] = ()) -> str:
    """Return the policy's file, see firewalld.policy(5)."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<policy priority="{_SETTINGS["priority"]}" target="{_SETTINGS["target"]}">\n'
        f"  <short>{_NAME}</short>\n"
        "  <description>Who may connect to dockerd. Written by the Ansible collection gangway.docker.</description>\n"
        f'  <ingress-zone name="{_SETTINGS["ingress-zones"]}"/>\n'
        f'  <egress-zone name="{_SETTINGS["egress-zones"]}"/>\n'
        + "".join(f"  {rule.xml}\n" for rule in _rules(access, closing))
        + "</policy>\n"
    )


class Firewalld:
    """firewalld puts all rules in force at once, and drops what arrives during a reload."""

    name = "firewalld"
    paths: tuple[str, ...] = (layout.FIREWALLD_POLICY,)
    boot_units: tuple[str, ...] = ("firewalld.service",)

    def unsuitable(self, facts: FirewallFacts, access: Access, *, method: str) -> Failure | None:
        firewalld = facts.firewalld
        if firewalld is not None and firewalld.is_running:
            return None
        reason = {
            "stopped": "it is not running",
            "failed": f"firewall-cmd failed{': ' + firewalld.error.strip() if firewalld else ''}",
        }
        return Failure(
            "firewall_inactive",
            thing="firewall firewalld (expose_firewall in the role)",
            reason=reason.get(firewalld.state if firewalld else "", "it is not installed"),
            cure="Start firewalld (0.9 or newer), or choose nftables",
        )

    def is_present(self, facts: FirewallFacts) -> bool:
        return layout.FIREWALLD_POLICY in facts.files or _listing(facts) is not None

    def files(self, facts: FirewallFacts, access: Access) -> t.Mapping[str, str]:
        return {layout.FIREWALLD_POLICY: render_policy(access)}

    def in_force(self, facts: FirewallFacts, access: Access) -> bool:
        return self._has(facts, access, ())

    def checks(self, facts: FirewallFacts, access: Access) -> tuple[str, ...]:
        # firewalld.service counts as started before the rules are loaded; its answer comes afterwards.
        query = f"firewall-cmd --quiet --policy={_NAME} --query-rich-rule="
        return tuple(query + f'"{rule}"' for rule in (r.rich.replace('"', "") for r in _rules(access) if not r.source))

    def load(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        closing = _closing(facts, access)
        if self._has(facts, access, closing):
            return ()
        policy = changed_files(facts, {layout.FIREWALLD_POLICY: render_policy(access, closing)})
        folder = [MakeFolder(os.path.dirname(layout.FIREWALLD_POLICY))] if policy else []
        return (*folder, *policy, self._reload(facts, access, closing))

    def narrow(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        if not _closing(facts, access):
            return ()
        return (Write(layout.FIREWALLD_POLICY, render_policy(access)), self._reload(facts, access))

    def unload(self, facts: FirewallFacts) -> tuple[Step, ...]:
        removed = removals(facts, self.paths)
        if _listing(facts) is None:
            # It is stopped, or has not read the policy.
            return removed
        return (*removed, LoadRules((_command(facts, "--reload"),), thing=f"firewalld's policy {_NAME}"))

    def way_back(self, facts: FirewallFacts, access: Access | None) -> WayOfRules:
        if facts.firewalld is None or not facts.firewalld.is_running:
            return WayOfRules()
        reload = (_command(facts, "--reload"),)
        return WayOfRules(load=reload) if self.is_present(facts) else WayOfRules(unload=reload)

    def _has(self, facts: FirewallFacts, access: Access, closing: t.Sequence[Place]) -> bool:
        listed = _listed(_listing(facts) or "")
        return listed == (_SETTINGS, sorted(rich_rules(access, closing))) and not changed_files(
            facts, {layout.FIREWALLD_POLICY: render_policy(access, closing)}
        )

    def _reload(self, facts: FirewallFacts, access: Access, closing: t.Sequence[Place] = ()) -> LoadRules:
        # A policy that firewalld can't read is left out, and the reload succeeds: so it is asked for each drop.
        # (--query-rich-rule succeeds if one of several is there.)
        drops = [rule.rich for rule in _rules(access, closing) if not rule.source]
        return LoadRules(
            (
                _command(facts, "--check-config"),
                _command(facts, "--reload"),
                *(_command(facts, f"--policy={_NAME}", f"--query-rich-rule={rule}") for rule in drops),
            ),
            thing=f"firewalld's policy {_NAME}",
            cure="Look at 'journalctl -u firewalld'",
        )


def _command(facts: FirewallFacts, *words: str) -> Command:
    return (facts.tool("firewall-cmd"), *words)


def _listing(facts: FirewallFacts) -> str | None:
    return facts.firewalld.listing if facts.firewalld else None


def _closing(facts: FirewallFacts, access: Access) -> tuple[Place, ...]:
    """Return the guarded places, in the file or in force, that are not requested any more."""
    guarded: set[Place] = set()
    for line in f"{facts.files.get(layout.FIREWALLD_POLICY, '')}\n{_listing(facts) or ''}".splitlines():
        port, destination = _PORT.search(line), _DESTINATION.search(line)
        if port and f'rule priority="{_DROP}"' in line:
            with contextlib.suppress(ValueError):
                address = str(ipaddress.ip_address(destination.group(1))) if destination else ""
                guarded.add(Place(address, int(port.group(1))))
    return tuple(sorted(guarded - set(access.places)))


def _listed(listing: str) -> tuple[dict[str, str], list[str]] | None:
    """Read what C(firewall-cmd --policy=... --list-all) printed: our settings, and the rich rules, sorted.

    None if the policy has anything else in it.
    """
    rules: list[str] = []
    settings: dict[str, str] = {}
    for line in listing.splitlines()[1:]:
        name, colon, value = line.partition(":")
        if line.startswith("\t") or not colon:
            rules.append(line.strip())
        else:
            settings[name.strip()] = value.strip()
    others = {name: value for name, value in settings.items() if name not in _SETTINGS}
    if any(value not in ("", "no") for value in others.values()):
        return None
    return {name: settings.get(name, "") for name in _SETTINGS}, sorted(filter(None, rules))


FIREWALLD = Firewalld()
