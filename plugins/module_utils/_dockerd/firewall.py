# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access list as an nftables table of our own, for listeners that systemd does not filter.

dockerd's port is INPUT, which Docker's own chains do not see. The table can only narrow what other firewalls let
through: in nftables a drop is final, an accept is not.
"""

from __future__ import annotations

__all__ = ("TABLE", "is_in_force", "render_rules", "render_unit", "render_watch_unit")

import hashlib
import ipaddress
import json
import typing as t
from dataclasses import dataclass

from . import layout
from .addresses import Listen

#: Family and name, as in C(nft -j list table inet gangway_docker).
TABLE = "inet gangway_docker"

_HEADER = "# Written by the Ansible collection gangway.docker; taken away again with expose_state: absent.\n"
#: The chain that meets the packets: a bit before other firewalls, so that theirs count what is left.
_INPUT = {"type": "filter", "hook": "input", "prio": -10, "policy": "accept"}
#: Comments name the rules: what comes back from the kernel is recognised by them.
_TO_ANY, _TO_IPV4, _TO_IPV6 = "to any address", "to an IPv4 address", "to an IPv6 address"
_HOST, _FROM_IPV4, _FROM_IPV6 = "from the host itself", "from IPv4 clients", "from IPv6 clients"

_Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
#: First and last address, as numbers; none touches the next.
_Ranges = t.Tuple[t.Tuple[int, int], ...]


def render_rules(listen: t.Sequence[Listen], allow: t.Sequence[str]) -> str:
    """Return the file for C(nft -f), which replaces the table as a whole, in one transaction, from nft 0.9 on.

    C(listen): addresses, no names; C(allow): networks as M(parse_allow) gives.
    """
    return _Wanted.of(listen, allow).text


def render_unit(nft: str) -> str:
    """Return the unit that loads the rules at boot, before anything of Docker can listen; C(nft): path of nft(8).

    It has no ExecStop: dockerd keeps a port that it was handed, so the rules must stay until withdrawing has closed it.
    """
    return (
        f"{_HEADER}"
        "[Unit]\n"
        "Description=Access list of Docker's TCP port\n"
        "# Sockets open before basic.target, which services wait for by default.\n"
        "DefaultDependencies=no\n"
        f"RequiresMountsFor={layout.STATE}\n"
        "# Debian's nftables.conf begins with `flush ruleset`.\n"
        "After=nftables.service\n"
        f"Before={layout.GANGWAY_SOCKET} {layout.DOCKER_SOCKET} {layout.DOCKER_SERVICE} shutdown.target\n"
        "Conflicts=shutdown.target\n"
        f"Wants={layout.FIREWALL_WATCH_SERVICE}\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "RemainAfterExit=yes\n"
        f"ExecStart={nft} -f {layout.FIREWALL_RULES}\n"
        f"ExecReload={nft} -f {layout.FIREWALL_RULES}\n"
    )


def render_watch_unit(nft: str) -> str:
    """Return the unit that loads the rules again when another program flushes the ruleset.

    A drop-in of nftables.service would see its reload, and not C(nft -f /etc/nftables.conf) by hand.
    """
    load = f"{nft} -f {layout.FIREWALL_RULES}"
    # Each reload of ours deletes the table, too, hence the look whether it is there with its rules: flushed by its name
    # it stays, and is empty. nft says "# ERROR" where it has lost events.
    mend = f"{nft} list table {TABLE} 2>/dev/null | grep -q sha256: || {load}"
    events = f'"delete "*"{TABLE}"* | "# ERROR"*'
    # Deletions alone would do, but nft 1.1.3 does not know them (monitor destroy).
    return (
        f"{_HEADER}"
        "[Unit]\n"
        "Description=Bring the access list of Docker's TCP port back when it is flushed\n"
        f"BindsTo={layout.FIREWALL_SERVICE}\n"
        f"After={layout.FIREWALL_SERVICE}\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "[Service]\n"
        f"ExecStartPre={load}\n"
        f"ExecStart=/bin/sh -c '{nft} monitor ruleset | "
        f"while read -r event; do case $event in {events}) {mend} ;; esac; done'\n"
        "Restart=always\n"
        "RestartSec=1\n"
    )


def is_in_force(listing: str, listen: t.Sequence[Listen], allow: t.Sequence[str]) -> bool:
    """Tell whether the kernel has these rules, as they are and no others.

    C(listing) is what C(nft -j list table inet gangway_docker) printed, empty where there is no such table; see
    libnftables-json(5).
    """
    try:
        return _Found.of(listing) == _Wanted.of(listen, allow).found
    except (ValueError, KeyError, TypeError, AttributeError):
        # Nothing of ours looks like this.
        return False


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
                raise ValueError(f"no {kind} is ours")
        return cls(chains, rules, sets, flags)


@dataclass(frozen=True)
class _Wanted:
    """The rules, sorted out by family."""

    ports: tuple[int, ...]
    #: Address and port.
    to_ipv4: tuple[tuple[str, int], ...]
    to_ipv6: tuple[tuple[str, int], ...]
    from_ipv4: tuple[_Network, ...]
    from_ipv6: tuple[_Network, ...]

    @classmethod
    def of(cls, listen: t.Sequence[Listen], allow: t.Sequence[str]) -> _Wanted:
        ports: set[int] = set()
        places: set[tuple[str, int]] = set()
        for entry in listen:
            address = None if entry.is_wildcard else _plain(entry.host)
            if address is None or address.is_unspecified:
                ports.add(entry.port)
            else:
                places.add((str(address), entry.port))
        networks = [ipaddress.ip_network(text) for text in allow]
        return cls(
            tuple(sorted(ports)),
            tuple(sorted(place for place in places if ":" not in place[0])),
            tuple(sorted(place for place in places if ":" in place[0])),
            tuple(ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network))),
            tuple(ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network))),
        )

    @property
    def found(self) -> _Found:
        """What the kernel has where these rules are loaded."""
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
        """Tells rules of another version of this collection from ours."""
        return f"sha256:{hashlib.sha256(self._rendered('').encode()).hexdigest()}"

    def _rendered(self, digest: str) -> str:
        return (
            f"{_HEADER}"
            # `destroy table` is not known before nft 1.0.7: make sure that it is there, and delete it.
            f"table {TABLE} {{}}\n"
            f"delete table {TABLE}\n"
            f"table {TABLE} {{\n"
            f"{_set('ports', 'inet_service', self.ports)}"
            f"{_set('to_ipv4', 'ipv4_addr . inet_service', _places(self.to_ipv4))}"
            f"{_set('to_ipv6', 'ipv6_addr . inet_service', _places(self.to_ipv6))}"
            f"{_set('from_ipv4', 'ipv4_addr', self.from_ipv4, interval=True)}"
            f"{_set('from_ipv6', 'ipv6_addr', self.from_ipv6, interval=True)}"
            "\tchain input {\n"
            f"\t\ttype filter hook input priority filter - {-t.cast('int', _INPUT['prio'])}; policy accept;\n"
            f'\t\ttcp dport @ports jump listed comment "{_TO_ANY}"\n'
            f'\t\tip daddr . tcp dport @to_ipv4 jump listed comment "{_TO_IPV4}"\n'
            f'\t\tip6 daddr . tcp dport @to_ipv6 jump listed comment "{_TO_IPV6}"\n'
            "\t}\n"
            "\t# No exception for connections that are open: who leaves the list loses them.\n"
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


def _places(places: t.Iterable[tuple[str, int]]) -> list[str]:
    return [f"{address} . {port}" for address, port in places]


def _plain(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """IPv4 as such where it is written as mapped into IPv6: so its packets are seen."""
    address = ipaddress.ip_address(host)
    return getattr(address, "ipv4_mapped", None) or address


def _ends(network: _Network) -> tuple[int, int]:
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
    return frozenset((str(ipaddress.ip_address(address)), port) for address, port in (e["concat"] for e in elements))


def _merged(ranges: t.Iterable[tuple[int, int]]) -> _Ranges:
    """Join neighbours, as auto-merge does."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)
