# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in certificates: a server's SANs, and the names that clients, servers and fleets may have."""

from __future__ import annotations

__all__ = ("check_name", "is_valid_name", "names_in", "parse_name", "sort_names")

import functools
import ipaddress
import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

_Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:+-]*\Z")


def is_valid_name(text: str) -> bool:
    """Tell whether the text can stand in a SAN: an IP address, or a DNS name in ASCII.

    A name that ends in a dot keeps dockerd from starting (moby#51367), so it is none.
    """
    if _address(text) is None:
        labels = text[2:].split(".") if text.startswith("*.") else text.split(".")
        # All digits in the last label: an IPv4 address gone wrong, no name.
        return len(text) <= 253 and all(_LABEL.match(label) for label in labels) and not labels[-1].isdigit()
    return "%" not in text


def parse_name(text: str) -> x509.GeneralName:
    """Return the SAN entry for a DNS name or an IP address (IPv6 without brackets). Failure: C(invalid_name)."""
    if not is_valid_name(text):
        raise Failure(
            "invalid_name",
            thing=f"server name {text!r}",
            reason="it is neither an IP address nor a DNS name in ASCII (labels of letters, digits, - and _, no dot "
            "at the end)",
            cure="Write it as clients will, an internationalised name in its xn-- form",
        )
    address = _address(text)
    return x509.DNSName(text.lower()) if address is None else x509.IPAddress(address)


def sort_names(names: t.Iterable[str]) -> list[str]:
    """Return each name once, in canonical form: DNS names first, then addresses, both sorted."""
    dns_names: set[str] = set()
    addresses: set[_Address] = set()
    for name in names:
        address = _address(name)
        if address is None:
            dns_names.add(name.lower())
        else:
            addresses.add(address)
    return [*sorted(dns_names), *(str(a) for a in sorted(addresses, key=lambda a: (a.version, int(a))))]


def names_in(certificate: t.Union[x509.Certificate, x509.CertificateSigningRequest]) -> list[str]:
    """Return the DNS names and addresses of the SAN, sorted as M(sort_names) does."""
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return sort_names(str(n.value) for n in san if isinstance(n, (x509.DNSName, x509.IPAddress)))


@functools.lru_cache(maxsize=4096)
def _address(text: str) -> _Address | None:
    """Each name is looked at several times, and finding out is a fifth of the cost of signing."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def check_name(kind: str, name: str) -> None:
    """Refuse a name that can't be a folder and a certificate's CN. Failure: C(invalid_name)."""
    if not _NAME.match(name) or len(name) > 64:
        raise Failure(
            "invalid_name",
            thing=f"{kind} name {name!r}",
            reason="it becomes a folder and a certificate's CN, so it has to be 1 to 64 letters, digits or _ . @ : + -",
            cure="Choose another name",
        )
