# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewall kinds, which of them a task gets, and the steps for it, those that remove another kind's rules included.

Where the gate is a chain of our nftables table, the table lies underneath every kind: it has the access list too, so
that a firewall which is stopped or disabled between runs opens nothing. With kind C(none) it has all networks, and only
the gate filters. The functions here know that as C(underneath).

A new kind needs its file, an entry here, and one in the choices of the option C(firewall).
"""

from __future__ import annotations

__all__ = ("KINDS", "PATHS", "RuleSteps", "boot_units", "checks", "firewall_of", "plan_rules", "unsuitable")

from dataclasses import dataclass, replace

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command, Step

from ..listener.addresses import parse_allow
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
        return SYSTEMD if method in ("socket", "gateway") else NFTABLES
    return next(kind for kind in KINDS if kind.name == name)


def unsuitable(
    facts: FirewallFacts, chosen: Firewall, access: Access, *, method: str, underneath: bool
) -> Failure | None:
    """Return why this host can't have the kind, or the table underneath; None: it can."""
    if underneath and not facts.tools.get("nft"):
        return Failure(
            "gate_unsupported",
            thing="the gate in nftables",
            reason="after each start of dockerd, a chain in nftables keeps other machines from the port until dockerd "
            "was seen to refuse strangers, and this host has no program nft",
            cure="Install the package nftables" + ("" if method == "socket" else ", or choose method socket"),
        )
    return chosen.unsuitable(facts, access, method=method)


def checks(facts: FirewallFacts, chosen: Firewall, access: Access, *, underneath: bool) -> tuple[str, ...]:
    """Return shell commands that fail unless the port is guarded, see M(Firewall.checks).

    With the table underneath, the port may open while firewalld or ufw is down.
    """
    return (NFTABLES if underneath else chosen).checks(facts, access)


def boot_units(chosen: Firewall, *, underneath: bool) -> tuple[str, ...]:
    """Return the units that what opens the port has to be ordered after, see M(Firewall.boot_units)."""
    return (NFTABLES if underneath else chosen).boot_units


def plan_rules(
    facts: FirewallFacts, chosen: Firewall | None, access: Access | None, *, underneath: bool = False
) -> RuleSteps:
    """Return what brings the chosen kind into force and removes all others; C(chosen) None: remove all."""
    wanted: dict[str, Access] = {}
    if chosen is not None and access is not None:
        if underneath:
            wanted[NFTABLES.name] = access if chosen is not NONE else replace(access, allow=parse_allow(["any"]))
        wanted[chosen.name] = access
    load: tuple[Step, ...] = ()
    narrow: tuple[Step, ...] = ()
    load_rules: tuple[Command, ...] = ()
    unload_rules: tuple[Command, ...] = ()
    for kind in KINDS:
        requested = wanted.get(kind.name)
        if requested is not None:
            before, after = kind.load(facts, requested), kind.narrow(facts, requested)
        elif kind.is_present(facts):
            before, after = (), kind.unload(facts)
        else:
            continue
        load += before
        narrow += after
        if before or after:
            way = kind.way_back(facts, requested)
            load_rules += way.load
            unload_rules += way.unload
    return RuleSteps(load, narrow, load_rules, unload_rules)
