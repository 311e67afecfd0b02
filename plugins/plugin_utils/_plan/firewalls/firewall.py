# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A firewall kind is one way of keeping clients that are not in the access list from the port. Each has a file here.

A kind is pure: it compares what the host reported (M(FirewallFacts)) with what the task requests (M(Access)) and
returns steps. Its steps write and remove its own files, too, since files and rules have an order of their own. The
planner puts C(load) before everything that can open a port, and C(narrow) after the port has its new state. It compares
none of a kind's files itself. All return nothing if nothing has to change. choice.py puts the kinds together.

Between C(load) and C(narrow), old and new places are both guarded, and only clients of the new list get through: the
new listener never answers a client of the old list, and the old port is never without its guard. M(WayBack) restores
the old list if the run fails.
"""

from __future__ import annotations

__all__ = ("Access", "Firewall", "FirewallFacts", "Place", "WayOfRules", "changed_files", "removals")

import ipaddress
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command, Remove, Step, Write

from ..listener.addresses import Listen
from .facts import FirewalldFacts, UfwFacts

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True, order=True)
class Place:
    """A port of one address, or of all of them (C(address) empty)."""

    address: str
    port: int

    @property
    def version(self) -> int | None:
        """4 or 6; None: both."""
        return ipaddress.ip_address(self.address).version if self.address else None


@dataclass(frozen=True)
class Access:
    """Who may connect, and where. C(listen): addresses, no names; C(allow): networks as M(parse_allow) returns them.

    C(is_gated): what serves the port has to turn a stranger away first, and the guard lets the list in then.
    """

    listen: t.Sequence[Listen]
    allow: t.Sequence[str]
    is_gated: bool = True

    @property
    def places(self) -> tuple[Place, ...]:
        """Where rules are needed, each once. IPv4 mapped into IPv6 is IPv4: that is how its packets arrive."""
        found = {Place(_address(entry), entry.port) for entry in self.listen}
        return tuple(sorted(p for p in found if not p.address or Place("", p.port) not in found))

    @property
    def networks(self) -> tuple[Network, ...]:
        """IPv4 first; none contains or continues another."""
        parsed = [ipaddress.ip_network(text) for text in self.allow]
        return (
            *ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv4Network)),
            *ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv6Network)),
        )

    def clients_of(self, place: Place) -> tuple[Network, ...]:
        """Return the networks that can send packets to this place."""
        return tuple(n for n in self.networks if place.version in (None, n.version))

    def also_at(self, places: t.Iterable[Place]) -> Access:
        """Return the same list for more places."""
        more = [Listen(place.address or "any", place.port) for place in places]
        return replace(self, listen=(*self.listen, *more))


@dataclass(frozen=True)
class FirewallFacts:
    """What the host reported about firewalls."""

    init: str
    #: The Python that the guard runs with.
    python: str = "/usr/bin/python3"
    #: Paths of programs, None for a missing one: nft, firewall-cmd, ufw.
    tools: t.Mapping[str, str | None] = field(default_factory=dict)
    #: The text of those files of all kinds (M(Firewall.paths)) that exist.
    files: t.Mapping[str, str] = field(default_factory=dict)
    #: Those of them whose mode is not 0644 or whose owner is not root.
    loose_files: frozenset[str] = frozenset()
    #: systemd filters packets by cgroup; None: unknown.
    filtering: bool | None = None
    filtering_error: str = ""
    #: Networks that a slice above our socket unit allows (IPAddressAllow=), past any list in the unit.
    slices_allow: str = ""
    #: Our table as C(nft -j list table) prints it; None: not there, or not asked for.
    nftables: str | None = None
    #: The unit that reloads our table after a flush is active.
    is_watched: bool = False
    firewalld: FirewalldFacts | None = None
    ufw: UfwFacts | None = None

    def tool(self, name: str) -> str:
        return self.tools.get(name) or name


@dataclass(frozen=True)
class WayOfRules:
    """Commands for M(WayBack): C(load) as its C(load_rules), C(unload) as its C(unload_rules)."""

    load: tuple[Command, ...] = ()
    unload: tuple[Command, ...] = ()


class Firewall(t.Protocol):
    """One way of keeping the access list."""

    name: str
    #: Files of ours that this kind may have on a host.
    paths: tuple[str, ...]
    #: Units that bring the rules into force at boot. What opens the port has to be ordered after them. A socket unit
    #: then needs C(DefaultDependencies=no): firewalld starts after basic.target, which waits for sockets.
    boot_units: tuple[str, ...]

    def unsuitable(self, facts: FirewallFacts, access: Access, *, method: str) -> Failure | None:
        """Return why this host can't have it; None: it can."""

    def is_present(self, facts: FirewallFacts) -> bool:
        """Whether the host has anything of ours for this kind: rules, files."""

    def files(self, facts: FirewallFacts, access: Access) -> t.Mapping[str, str]:
        """Return the files of ours that the host has in the end, all with mode 0644."""

    def in_force(self, facts: FirewallFacts, access: Access) -> bool:
        """Whether the running firewall has these rules of ours and no others, and has them after a reboot, too."""

    def checks(self, facts: FirewallFacts, access: Access) -> tuple[str, ...]:
        """Return shell commands that fail unless the port is guarded; to be run before it opens, at each boot.

        They hold no single quotes, C($) or C(%), so they fit into C(ExecStartPre=/bin/sh -c '...').
        """

    def load(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        """Guard old and new places with the new list, before the port opens."""

    def narrow(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        """Remove what guards places that are no longer listened on, once they are closed."""

    def unload(self, facts: FirewallFacts) -> tuple[Step, ...]:
        """Remove everything of ours, once the port is closed. Works with a firewall that is stopped."""

    def way_back(self, facts: FirewallFacts, access: Access | None) -> WayOfRules:
        """Return the commands that restore the rules as they are now; C(access) None: the run unloads them.

        Each can run at any moment of a run that failed, and twice. Our files are back before the first one runs.
        """


def changed_files(facts: FirewallFacts, files: t.Mapping[str, str]) -> tuple[Step, ...]:
    """Return the steps that write those files which the host has not."""
    return tuple(
        Write(path, text) for path, text in files.items() if facts.files.get(path) != text or path in facts.loose_files
    )


def removals(facts: FirewallFacts, paths: t.Iterable[str]) -> tuple[Step, ...]:
    return tuple(Remove(path) for path in paths if path in facts.files)


def _address(entry: Listen) -> str:
    if entry.is_wildcard:
        return ""
    address = ipaddress.ip_address(entry.host)
    address = getattr(address, "ipv4_mapped", None) or address
    return "" if address.is_unspecified else str(address)
