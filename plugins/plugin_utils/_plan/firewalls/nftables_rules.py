# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access list as an nftables table: the text that loads it, and what the kernel lists if it is loaded.

dockerd's port is INPUT, which Docker's own chains do not see. The table can only narrow what other firewalls let
through: in nftables a drop is final, an accept is not.
"""

from __future__ import annotations

__all__ = ("HEADER", "gate_state", "has_rules", "places_in", "render_rules")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard import nftables_gate
from ansible_collections.gangway.docker.plugins.module_utils._guard.nftables_gate import CHAIN, TABLE

from .firewall import Access, Place
from .nftables_listing import NOT_A_TABLE, Rule, Set, Table, ends, merged

#: The first line of each file that we make.
HEADER = "# Written by the Ansible collection gangway.docker; expose_state: absent removes it.\n"

#: The chain that sees the packets: a bit before other firewalls, so that theirs count what remains.
_PRIORITY = -10
_HOOK = {"type": "filter", "hook": "input", "prio": _PRIORITY, "policy": "accept"}
_INPUT = (
    'tcp dport @ports jump listed comment "to any address"',
    'ip daddr . tcp dport @to_ipv4 jump listed comment "to an IPv4 address"',
    'ip6 daddr . tcp dport @to_ipv6 jump listed comment "to an IPv6 address"',
)
_LISTED = (
    f"jump {CHAIN}",
    'ip saddr @from_ipv4 accept comment "from IPv4 clients"',
    'ip6 saddr @from_ipv6 accept comment "from IPv6 clients"',
    'counter drop comment "from others"',
)


def _field(protocol: str, field: str) -> t.Any:
    return {"payload": {"protocol": protocol, "field": field}}


def _match(left: t.Any, right: str) -> t.Any:
    return {"match": {"op": "==", "left": left, "right": right}}


def _jump(chain: str) -> t.Any:
    return {"jump": {"target": chain}}


_ACCEPT: t.Any = {"accept": None}
_PORT = _field("tcp", "dport")
#: What the kernel lists for a rule, comment aside.
_EXPRESSIONS = {
    "tcp dport @ports jump listed": (_match(_PORT, "@ports"), _jump("listed")),
    "ip daddr . tcp dport @to_ipv4 jump listed": (
        _match({"concat": [_field("ip", "daddr"), _PORT]}, "@to_ipv4"),
        _jump("listed"),
    ),
    "ip6 daddr . tcp dport @to_ipv6 jump listed": (
        _match({"concat": [_field("ip6", "daddr"), _PORT]}, "@to_ipv6"),
        _jump("listed"),
    ),
    f"jump {CHAIN}": (_jump(CHAIN),),
    'iif "lo" accept': (_match({"meta": {"key": "iif"}}, "lo"), _ACCEPT),
    "ip saddr @from_ipv4 accept": (_match(_field("ip", "saddr"), "@from_ipv4"), _ACCEPT),
    "ip6 saddr @from_ipv6 accept": (_match(_field("ip6", "saddr"), "@from_ipv6"), _ACCEPT),
    "counter drop": ({"counter": None}, {"drop": None}),
}


def render_rules(access: Access) -> str:
    """Return the file for C(nft -f), which replaces the whole table in one transaction, from nft 0.9 on.

    It closes the gate, if there is one, to all but the host itself, see M(nftables_gate).
    """
    return _Wanted(access).text


def has_rules(listing: str | None, access: Access) -> bool:
    """Tell whether the kernel has exactly these rules, with the gate open.

    C(listing) is what C(nft -j list table inet gangway_docker) printed, None or empty if there is no such table; see
    libnftables-json(5).
    """
    try:
        return Table.of(listing or "") == _Wanted(access).table("open")
    except NOT_A_TABLE:
        return False


def gate_state(listing: str | None) -> str:
    """Return the state of the gate: one of M(nftables_gate.RULES), empty if its chain is missing or has other rules."""
    try:
        found = list(Table.of(listing or "").rules.get(CHAIN, ()))
    except NOT_A_TABLE:
        return ""
    return next((state for state, rules in nftables_gate.RULES.items() if found == _rules(rules)), "")


def places_in(listing: str | None) -> tuple[Place, ...]:
    """Return the places that a table of ours guards."""
    try:
        sets = Table.of(listing or "").sets
        # Our set of ports has no ranges. The bounds keep a made-up listing from filling the memory.
        ports = [(first, last) for first, last in sets["ports"].elements if 0 < first <= last < 65536]
        return (
            *(Place("", port) for first, last in ports for port in range(first, last + 1)),
            *(Place(*pair) for name in ("to_ipv4", "to_ipv6") for pair in sorted(sets[name].elements)),
        )
    except NOT_A_TABLE:
        return ()


class _Wanted:
    """The rules, by family."""

    def __init__(self, access: Access) -> None:
        places = access.places
        self.gate = "narrow" if access.is_gated else "open"
        self.ports = [place.port for place in places if not place.address]
        self.to_ipv4 = [(place.address, place.port) for place in places if place.version == 4]
        self.to_ipv6 = [(place.address, place.port) for place in places if place.version == 6]
        self.from_ipv4 = [network for network in access.networks if network.version == 4]
        self.from_ipv6 = [network for network in access.networks if network.version == 6]

    def table(self, gate: str) -> Table:
        """What the kernel lists if these rules are loaded."""
        interval = {"flags": ["interval"]}
        return Table(
            chains={"input": _HOOK, CHAIN: {}, "listed": {}},
            rules={"input": _rules(_INPUT), CHAIN: _rules(nftables_gate.RULES[gate]), "listed": _rules(_LISTED)},
            sets={
                "ports": Set(merged((port, port) for port in self.ports), {"type": "inet_service"}),
                "to_ipv4": Set(frozenset(self.to_ipv4), {"type": ["ipv4_addr", "inet_service"]}),
                "to_ipv6": Set(frozenset(self.to_ipv6), {"type": ["ipv6_addr", "inet_service"]}),
                "from_ipv4": Set(merged(map(ends, self.from_ipv4)), {"type": "ipv4_addr", **interval}),
                "from_ipv6": Set(merged(map(ends, self.from_ipv6)), {"type": "ipv6_addr", **interval}),
            },
            settings={},
        )

    @property
    def text(self) -> str:
        return (
            f"{HEADER}"
            # nft before 1.0.7 does not know `destroy table`: make sure that there is one, and delete it.
            f"table {TABLE} {{}}\n"
            f"delete table {TABLE}\n"
            f"table {TABLE} {{\n"
            f"{_set('ports', 'inet_service', self.ports)}"
            f"{_set('to_ipv4', 'ipv4_addr . inet_service', _joined(self.to_ipv4))}"
            f"{_set('to_ipv6', 'ipv6_addr . inet_service', _joined(self.to_ipv6))}"
            f"{_set('from_ipv4', 'ipv4_addr', self.from_ipv4, interval=True)}"
            f"{_set('from_ipv6', 'ipv6_addr', self.from_ipv6, interval=True)}"
            "\tchain input {\n"
            f"\t\ttype filter hook input priority filter - {-_PRIORITY}; policy accept;\n"
            f"{_lines(_INPUT)}"
            "\t}\n"
            f"{_NARROW if self.gate == 'narrow' else ''}"
            f"\tchain {CHAIN} {{\n"
            f"{_lines(nftables_gate.RULES[self.gate])}"
            "\t}\n"
            "\t# No exception for open connections: clients removed from the list lose them.\n"
            "\tchain listed {\n"
            f"{_lines(_LISTED)}"
            "\t}\n"
            "}\n"
        )


_NARROW = "\t# Narrow until a proof has passed: the guard opens it.\n"


def _set(name: str, kind: str, elements: t.Iterable[object], *, interval: bool = False) -> str:
    # nft 1.0.6 takes no empty list of elements.
    words = ", ".join(str(element) for element in elements)
    return (
        f"\tset {name} {{\n"
        f"\t\ttype {kind}\n"
        + ("\t\tflags interval\n\t\tauto-merge\n" if interval else "")
        + (f"\t\telements = {{ {words} }}\n" if words else "")
        + "\t}\n"
    )


def _joined(places: t.Iterable[tuple[str, int]]) -> list[str]:
    return [f"{address} . {port}" for address, port in places]


def _lines(rules: t.Iterable[str]) -> str:
    return "".join(f"\t\t{rule}\n" for rule in rules)


def _rules(texts: t.Iterable[str]) -> list[Rule]:
    """Return the rules as the kernel lists them."""
    split = (text.partition(" comment ") for text in texts)
    return [Rule(_EXPRESSIONS[words], comment.strip('"') or None) for words, _comment, comment in split]
