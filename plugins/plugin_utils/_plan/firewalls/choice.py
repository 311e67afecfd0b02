# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewall kinds, which of them a task gets, and the steps for it, those that remove another kind's rules included.

A new kind needs its file, an entry here, and one in the choices of the option C(firewall).
"""

from __future__ import annotations

__all__ = ("KINDS", "PATHS", "RuleSteps", "firewall_of", "plan_rules")

from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command, Step

from .firewall import Access, Firewall, FirewallFacts
from .firewalld import FIREWALLD
from .nftables import NFTABLES
from .none import NONE
from .systemd import SYSTEMD
from .ufw import UFW

KINDS: tuple[Firewall, ...] = (SYSTEMD, NFTABLES, FIREWALLD, UFW, NONE)
#: Files of ours on hosts, of all kinds.
PATHS: tuple[str, ...] = tuple(path for kind in KINDS for path in kind.paths)


@dataclass(frozen=True)
class RuleSteps:
    """The steps of all kinds on a host, and the commands for M(WayBack); all empty if nothing has to change."""

    #: Before anything can open the port.
    load: tuple[Step, ...] = ()
    #: After the port has its new state, or is closed.
    narrow: tuple[Step, ...] = ()
    load_rules: tuple[Command, ...] = ()
    unload_rules: tuple[Command, ...] = ()


def firewall_of(name: str, method: str) -> Firewall:
    """Return the kind for the option C(firewall); C(auto) depends on the method."""
    if name == "auto":
        return SYSTEMD if method == "socket" else NFTABLES
    return next(kind for kind in KINDS if kind.name == name)


def plan_rules(facts: FirewallFacts, chosen: Firewall | None, access: Access | None) -> RuleSteps:
    """Return what brings the chosen kind into force and removes all others; C(chosen) None: remove all."""
    load: tuple[Step, ...] = ()
    narrow: tuple[Step, ...] = ()
    load_rules: tuple[Command, ...] = ()
    unload_rules: tuple[Command, ...] = ()
    for kind in KINDS:
        if kind is chosen and access is not None:
            before, after, requested = kind.load(facts, access), kind.narrow(facts, access), access
        elif kind.is_present(facts):
            before, after, requested = (), kind.unload(facts), None
        else:
            continue
        load += before
        narrow += after
        if before or after:
            way = kind.way_back(facts, requested)
            load_rules += way.load
            unload_rules += way.unload
    return RuleSteps(load, narrow, load_rules, unload_rules)
