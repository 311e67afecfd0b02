# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user writes for addresses: where to listen, and who may connect."""

from __future__ import annotations

__all__ = (
    "ANY",
    "DEFAULT_PORT",
    "PLAIN_PORT",
    "Listen",
    "check_plain_tcp",
    "is_covered_by",
    "is_everyone",
    "parse_allow",
    "parse_listen",
)

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

DEFAULT_PORT = 2376
#: Without TLS: what clients take where a URL has no port. Both are Docker's, with IANA.
PLAIN_PORT = 2375
#: All addresses of the host, of IPv4 and IPv6.
ANY = "any"
_EVERYONE = ("0.0.0.0/0", "::/0")
#: A list with as many addresses as a network with this prefix is for everyone.
_EVERYONE_PREFIX = 7


@dataclass(frozen=True)
class Listen:
    """One place to listen: an IP address, a name, or C(any), and a port.

    Whether a name is a network interface's or a host's, only the host can tell.
    """

    host: str
    port: int

    @property
    def is_wildcard(self) -> bool:
        return self.host == ANY or (self.is_address and ipaddress.ip_address(self.host).is_unspecified)

    @property
    def is_address(self) -> bool:
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str, port: int = DEFAULT_PORT) -> Listen:
    """Read C(ADDRESS:PORT), C([IPV6]:PORT), C(NAME:PORT) or C(any:PORT); C(port) is what it is without one.

    A name is a host's or a network interface's (C(eth0.100), C(br-1f2e)), and read without regard to case.

    Failures: C(invalid_listen).
    """
    match = re.fullmatch(r"(?:tcp://)?(\[[^\]]*\]|[^:\[\]/]*)(?::([0-9]+))?", text)
    host, number = (match.group(1).strip("[]"), int(match.group(2) or port)) if match else ("", 0)
    if match is None and text.count(":") > 1 and "://" not in text:
        raise _invalid_listen(text, "an IPv6 address needs brackets here", f"Write it as [{text}]:{port}")
    if "://" in text and not text.startswith("tcp://"):
        raise _invalid_listen(text, "dockerd listens on tcp:// only", f"Write ADDRESS:{port}")
    if "%" in host:
        raise _invalid_listen(text, "link-local addresses with a zone can't be in a certificate", "Use another address")
    if host == "":
        raise _invalid_listen(
            text,
            "it names no address (dockerd would listen on localhost only)",
            f"Write ADDRESS:{port}, or any:{port} for all addresses of the host",
        )
    if not 0 < number < 65536:
        raise _invalid_listen(text, "the port is not between 1 and 65535", f"Write, for example, {host}:{port}")
    try:
        return Listen(str(ipaddress.ip_address(host)), number)
    except ValueError:
        if re.fullmatch(r"[0-9.]+", host) or not re.fullmatch(r"[A-Za-z0-9_.-]+", host):
            raise _invalid_listen(
                text,
                "its address is neither an IP address nor the name of a host or of a network interface",
                "Correct the address",
            ) from None
        return Listen(host.lower(), number)


def parse_allow(entries: t.Iterable[str]) -> tuple[str, ...]:
    """Read the access list: addresses and networks (CIDR), IPv4 and IPv6; C(any) is everyone.

    Returns networks in CIDR form, sorted, each once. Failures: C(invalid_allow).
    """
    networks: set[ipaddress.IPv4Network | ipaddress.IPv6Network] = set()
    for entry in entries:
        for text in _EVERYONE if entry == ANY else (entry,):
            try:
                if "%" in text:
                    raise ValueError("zone")
                networks.add(ipaddress.ip_network(text))
            except ValueError as exc:
                raise _invalid_allow(entry, exc) from exc
    return tuple(str(n) for n in sorted(networks, key=lambda n: (n.version, int(n.network_address), n.prefixlen)))


def is_everyone(networks: t.Iterable[str]) -> bool:
    """Tell whether these networks, in CIDR form, together hold as many addresses as a /7, of IPv4 or of IPv6.

    One site has less: the largest networks for private use are 10.0.0.0/8 and fd00::/8, and all those of IPv4 together
    (RFC 1918, 6598) make 1.3 times a /8. And 0.0.0.0/0 without a few holes, or in two halves, is everyone all the same.
    """
    parsed = [ipaddress.ip_network(network) for network in networks]
    # Those that lie in each other count once.
    v4 = ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv6Network))
    sizes = ((32, sum(n.num_addresses for n in v4)), (128, sum(n.num_addresses for n in v6)))
    return any(size >= 1 << (width - _EVERYONE_PREFIX) for width, size in sizes)


def is_covered_by(entry: Listen, address: str) -> bool:
    """Tell whether a socket at this address takes all connections for the entry.

    C(::) takes those of IPv4 as well; C(any) is served by the socket for all addresses that the host has.
    """
    if address == "::":
        return True
    if address == "0.0.0.0":  # noqa: S104
        return entry.host == ANY or ":" not in entry.host
    return entry.host == address


def check_plain_tcp(insecure: bool, networks: t.Iterable[str]) -> None:
    """Refuse plain TCP unless it is confirmed and for few: anyone who reaches the port has root on the host.

    C(networks): as M(parse_allow) returns them. Failures: C(insecure_not_confirmed), C(insecure_everyone).
    """
    if not insecure:
        raise Failure(
            "insecure_not_confirmed",
            thing="tls: false",
            reason="without TLS, anyone who reaches the port has root on the host, and traffic can be read and changed",
            cure="Remove tls: false (expose_tls in the role). On a closed network, confirm it with insecure: true "
            "(expose_insecure)",
        )
    if is_everyone(networks):
        raise Failure(
            "insecure_everyone",
            thing="allow",
            reason="it allows everyone, or nearly everyone, and without TLS that gives everyone root on the host",
            cure="Name the few machines or the network that need it (expose_allow in the role), for example "
            "10.20.0.0/24, or leave TLS on",
        )


def _invalid_listen(text: str, reason: str, cure: str) -> Failure:
    return Failure("invalid_listen", thing=f"listen entry {text!r}", reason=reason, cure=cure)


def _invalid_allow(entry: str, exc: ValueError) -> Failure:
    reason, cure = "it is neither an IP address nor a network in CIDR form", "Write, for example, 10.20.0.0/24"
    if "host bits" in str(exc):
        interface = ipaddress.ip_interface(entry)
        reason = "this is an address inside a network"
        cure = f"Write {interface.network} for the network, or {interface.ip} for this one machine"
    return Failure("invalid_allow", thing=f"allow entry {entry!r}", reason=reason, cure=cure)
