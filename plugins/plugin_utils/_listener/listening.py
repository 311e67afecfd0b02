# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listen list: names for the server's certificate, and the URL for clients.

Only the host knows which entries name network interfaces. To clients such a name means nothing; its addresses count.
"""

from __future__ import annotations

__all__ = ("addresses_in", "advertised_url", "host_names")

import typing as t

from .._pki.names import is_valid_name
from .._plan.listener.addresses import Listen, parse_listen


def addresses_in(listen: t.Iterable[str]) -> list[str]:
    """Return the addresses in what a host has resolved, wildcards left out."""
    return [entry.host for entry in map(parse_listen, listen) if not entry.is_wildcard]


def host_names(asked: t.Iterable[Listen], interfaces: t.Container[str]) -> tuple[str, ...]:
    """Return the names in the listen list that are hosts', by what the host reports of its interfaces."""
    names = [entry.host for entry in asked if not (entry.is_address or entry.is_wildcard or entry.host in interfaces)]
    return tuple(name for name in names if is_valid_name(name))


def advertised_url(
    result: t.Mapping[str, t.Any], asked: t.Sequence[Listen], *, advertise: str | None, ansible_host: str
) -> str:
    """Return the URL for clients: as C(advertise) says, or of the first address that the host listens on."""
    first = parse_listen(result["listen"][0])
    host = ansible_host if is_valid_name(ansible_host) else first.host
    if advertise:
        host = advertise
    elif asked and asked[0].host in result["interfaces"]:
        host = first.host
    elif asked and not asked[0].is_wildcard:
        host = asked[0].host
    return f"tcp://{Listen(host, first.port)}"
