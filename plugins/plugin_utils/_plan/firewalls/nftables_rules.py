# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access list as an nftables table: the text that loads it, and what the kernel lists if it is loaded.

dockerd's port is INPUT, which Docker's own chains do not see. The table can only narrow what other firewalls let
through: in nftables a drop is final, an accept is not.
"""

from __future__ import annotations

__all__ = ("HEADER", "TABLE", "has_rules", "places_in", "render_rules")

import hashlib
import ipaddress
import json
import typing as t
from dataclasses import dataclass

from .firewall import Access, Network, Place

#: Family and name, as in C(nft -j list table inet gangway_docker).
TABLE = "inet gangway_docker"
#: The first line of each file that we make.
HEADER = "# Written by the Ansible collection gangway.docker; expose_state: absent removes it.\n"

#: The chain that sees the packets: a bit before other firewalls, so that theirs count what remains.
_PRIORITY = -10
_INPUT = {"type": "filter", "hook": "input", "prio": _PRIORITY, "policy": "accept"}
#: Comments name the rules: what the kernel lists is recognised by them.
_TO_ANY, _TO_IPV4, _TO_IPV6 = "to any address", "to an IPv4 address", "to an IPv6 address"
_HOST, _FROM_IPV4, _FROM_IPV6 = "from the host itself", "from IPv4 clients", "from IPv6 clients"

#: First and last address, as numbers; none touches the next.
_Ranges = t.Tuple[t.Tuple[int, int], ...]
#: What a listing that is not of our table raises.
_NOT_OURS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def render_rules(access: Access) -> str:
    """Return the file for C(nft -f), which replaces the whole table in one transaction, from nft 0.9 on."""
    return _Wanted(access).text


def has_rules(listing: str | None, access: Access) -> bool:
    """Tell whether the kernel has exactly these rules.

    C(listing) is what C(nft -j list table inet gangway_docker) printed, None or empty if there is no such table; see
    libnftables-json(5).
    """
    try:
        return _Found.of(listing or "") == _Wanted(access).found
    except _NOT_OURS:
        return False


def places_in(listing: str | None) -> tuple[Place, ...]:
    """Return the places that a table of ours guards."""
    try:
        found = _Found.of(listing or "")
        # Our set of ports has no ranges. The bounds keep a made-up listing from filling the memory.
        ports = [(first, last) for first, last in found.sets["ports"] if 0 < first <= last < 65536]
        return (
            *(Place("", port) for first, last in ports for port in range(first, last + 1)),
            *(Place(*pair) for name in ("to_ipv4", "to_ipv6") for pair in sorted(found.sets[name])),
        )
    except _NOT_OURS:
        return ()


@dataclass(frozen=True)
class _Found:
    """A table as the kernel has it, without what differs between versions of nft and from load to load."""

    chains: t.Mapping[str, t.Any]
    #: The comments of each chain's rules, in order.
    rules: t.Mapping[str, t.Sequence[str | None]]
    #: What is in the sets: ranges of addresses or ports, and pairs of address and port.
    sets: t.Mapping[str, t.Any]
    flags: t.Any = None

    @classmethod
    def of(cls, listing: str) -> _Found:
        chains: dict[str, t.Any] = {}
        rules: dict[str, list[str | None]] = {}
        sets: dict[str, t.Any] = {}
        flags = None
        for entry in json.loads(listing)["nftables"]:
            ((kind, content),) = entry.items()
            if kind == "table":
                # A dormant table does nothing.
                flags = content.get("flags")
            elif kind == "chain":
                chains[content["name"]] = {key: content[key] for key in _INPUT if key in content}
            elif kind == "rule":
                rules.setdefault(content["chain"], []).append(content.get("comment"))
            elif kind == "set":
                elements = content.get("elem", [])
                pairs = isinstance(content["type"], list)
                sets[content["name"]] = _pairs(elements) if pairs else _merged(map(_range_of, elements))
            elif kind != "metainfo":
                raise ValueError(f"our table has no {kind}")
        return cls(chains, rules, sets, flags)


class _Wanted:
    """The rules, by family."""

    def __init__(self, access: Access) -> None:
        places = access.places
        self.ports = [place.port for place in places if not place.address]
        self.to_ipv4 = [(place.address, place.port) for place in places if place.version == 4]
        self.to_ipv6 = [(place.address, place.port) for place in places if place.version == 6]
        self.from_ipv4 = [network for network in access.networks if network.version == 4]
        self.from_ipv6 = [network for network in access.networks if network.version == 6]

    @property
    def found(self) -> _Found:
        """What the kernel lists if these rules are loaded."""
        return _Found(
            chains={"input": _INPUT, "listed": {}},
            rules={
                "input": [_TO_ANY, _TO_IPV4, _TO_IPV6],
                "listed": [_HOST, _FROM_IPV4, _FROM_IPV6, self._digest],
            },
            sets={
                "ports": _merged((port, port) for port in self.ports),
                "to_ipv4": frozenset(self.to_ipv4),
                "to_ipv6": frozenset(self.to_ipv6),
                "from_ipv4": _merged(map(_ends, self.from_ipv4)),
                "from_ipv6": _merged(map(_ends, self.from_ipv6)),
            },
        )

    @property
    def text(self) -> str:
        return self._rendered(self._digest)

    @property
    def _digest(self) -> str:
        """Identifies the rules, those of another version of this collection too."""
        return f"sha256:{hashlib.sha256(self._rendered('').encode()).hexdigest()}"

    def _rendered(self, digest: str) -> str:
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
            f'\t\ttcp dport @ports jump listed comment "{_TO_ANY}"\n'
            f'\t\tip daddr . tcp dport @to_ipv4 jump listed comment "{_TO_IPV4}"\n'
            f'\t\tip6 daddr . tcp dport @to_ipv6 jump listed comment "{_TO_IPV6}"\n'
            "\t}\n"
            "\t# No exception for open connections: clients removed from the list lose them.\n"
            "\tchain listed {\n"
            f'\t\tiif "lo" accept comment "{_HOST}"\n'
            f'\t\tip saddr @from_ipv4 accept comment "{_FROM_IPV4}"\n'
            f'\t\tip6 saddr @from_ipv6 accept comment "{_FROM_IPV6}"\n'
            f'\t\tcounter drop comment "{digest}"\n'
            "\t}\n"
            "}\n"
        )


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


def _ends(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def _range_of(element: t.Any) -> tuple[int, int]:
    """Read an element of a set: a port, an address, a prefix, or a range."""
    if isinstance(element, int):
        return element, element
    if isinstance(element, str):
        return _ends(ipaddress.ip_network(element))
    if "prefix" in element:
        return _ends(ipaddress.ip_network(f"{element['prefix']['addr']}/{element['prefix']['len']}"))
    first, last = (end if isinstance(end, int) else int(ipaddress.ip_address(end)) for end in element["range"])
    return first, last


def _pairs(elements: t.Iterable[t.Any]) -> frozenset[tuple[str, int]]:
    return frozenset(
        (str(ipaddress.ip_address(address)), int(port)) for address, port in (e["concat"] for e in elements)
    )


def _merged(ranges: t.Iterable[tuple[int, int]]) -> _Ranges:
    """Join neighbours, as auto-merge does."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
