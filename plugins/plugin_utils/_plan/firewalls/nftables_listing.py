# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A table as the kernel has it, read from C(nft -j list table), see libnftables-json(5).

Everything counts that decides what becomes of a packet. What differs from load to load (handles, counters) and between
versions of nft (the order of objects, C(auto-merge), which 1.0.6 does not list) does not.
"""

from __future__ import annotations

__all__ = ("NOT_A_TABLE", "Rule", "Set", "Table", "ends", "merged")

import ipaddress
import json
import typing as t
from dataclasses import dataclass

from .firewall import Network

#: First and last address, as numbers; none touches the next.
Ranges = t.Tuple[t.Tuple[int, int], ...]
#: What M(Table.of) raises for a listing that is not of our table.
NOT_A_TABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

#: Keys that say which object it is, not what it does. C(auto-merge) only concerns elements that are added.
_NAMES = ("family", "table", "name", "chain", "handle", "elem", "auto-merge", "comment", "index")


@dataclass(frozen=True)
class Rule:
    """C(expressions): as listed, without what was counted."""

    expressions: tuple[t.Any, ...]
    comment: str | None = None


@dataclass(frozen=True)
class Set:
    """C(elements): ranges of addresses or ports, or pairs of address and port."""

    elements: t.Any
    #: Type, flags, timeout, size and whatever else there is.
    settings: t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Table:
    """Chains (with hook, type, priority, policy, and whatever else there is), their rules in order, and sets."""

    chains: t.Mapping[str, t.Mapping[str, t.Any]]
    rules: t.Mapping[str, t.Sequence[Rule]]
    sets: t.Mapping[str, Set]
    #: Flags: a dormant table does nothing.
    settings: t.Mapping[str, t.Any]

    @classmethod
    def of(cls, listing: str) -> Table:
        """Read a listing. Raises one of M(NOT_A_TABLE)."""
        chains: dict[str, t.Mapping[str, t.Any]] = {}
        rules: dict[str, list[Rule]] = {}
        sets: dict[str, Set] = {}
        settings: t.Mapping[str, t.Any] = {}
        for entry in json.loads(listing)["nftables"]:
            ((kind, content),) = entry.items()
            if kind == "table":
                settings = _settings(content)
            elif kind == "chain":
                chains[content["name"]] = _settings(content)
            elif kind == "rule":
                expressions = tuple(_uncounted(expression) for expression in content["expr"])
                rules.setdefault(content["chain"], []).append(Rule(expressions, content.get("comment")))
            elif kind == "set":
                elements = content.get("elem", [])
                pairs = isinstance(content["type"], list)
                known = _pairs(elements) if pairs else merged(map(_range_of, elements))
                sets[content["name"]] = Set(known, _settings(content))
            elif kind != "metainfo":
                raise ValueError(f"our table has no {kind}")
        return cls(chains, rules, sets, settings)


def ends(network: Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


def merged(ranges: t.Iterable[tuple[int, int]]) -> Ranges:
    """Join neighbours, as auto-merge does."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _settings(content: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in content.items() if key not in _NAMES}


def _uncounted(expression: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    return {"counter": None} if list(expression) == ["counter"] else expression


def _range_of(element: t.Any) -> tuple[int, int]:
    """Read an element of a set: a port, an address, a prefix, or a range.

    One with more to it, for example a timeout, is an C(elem), and raises C(KeyError).
    """
    if isinstance(element, int):
        return element, element
    if isinstance(element, str):
        return ends(ipaddress.ip_network(element))
    if "prefix" in element:
        return ends(ipaddress.ip_network(f"{element['prefix']['addr']}/{element['prefix']['len']}"))
    first, last = (end if isinstance(end, int) else int(ipaddress.ip_address(end)) for end in element["range"])
    return first, last


def _pairs(elements: t.Iterable[t.Any]) -> frozenset[tuple[str, int]]:
    return frozenset(
        (str(ipaddress.ip_address(address)), int(port)) for address, port in (e["concat"] for e in elements)
    )
