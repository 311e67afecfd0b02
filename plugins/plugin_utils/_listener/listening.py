# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller makes of the listen list: names for the server's certificate, and what clients are told.

Which entries name network interfaces, only the host knows. To clients such a name is nothing; its addresses count.
"""

from __future__ import annotations

__all__ = ("addresses_in", "advertised_url", "host_names", "likely_addresses", "likely_host_names")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen, parse_listen

from .._endpoint.record import EndpointRecord
from .._pki.names import is_valid_name


def addresses_in(listen: t.Iterable[str]) -> list[str]:
    """Return the addresses in what a host has resolved, wildcards left out."""
    return [entry.host for entry in map(parse_listen, listen) if not entry.is_wildcard]


def host_names(asked: t.Iterable[Listen], interfaces: t.Container[str]) -> tuple[str, ...]:
    """Return the names in the listen list that are hosts', by what the host has told of its interfaces."""
    names = [entry.host for entry in asked if not (entry.is_address or entry.is_wildcard or entry.host in interfaces)]
    return tuple(name for name in names if is_valid_name(name))


def likely_host_names(asked: t.Iterable[Listen], record: EndpointRecord | None) -> tuple[str, ...]:
    """The same before the host was asked: those names that stand in its certificate already.

    Any other may be an interface's. To leave it out costs nothing: where it is a host's, the host asks for it.
    """
    if record is None:
        return ()
    return tuple(name for name in host_names(asked, record.interfaces) if name in record.server_names)


def likely_addresses(asked: t.Sequence[Listen], record: EndpointRecord | None) -> list[str]:
    """Return where the host will listen, as far as that can be told before it was asked."""
    if asked and all(entry.is_address for entry in asked):
        return [entry.host for entry in asked if not entry.is_wildcard]
    return [] if record is None else addresses_in(record.listen)


def advertised_url(
    result: t.Mapping[str, t.Any], asked: t.Sequence[Listen], *, advertise: str | None, ansible_host: str
) -> str:
    """Return what clients are told, of the first address that the host listens on (C(result)), and as asked for."""
    first = parse_listen(result["listen"][0])
    host = ansible_host if is_valid_name(ansible_host) else first.host
    if advertise:
        host = advertise
    elif asked and asked[0].host in result["interfaces"]:
        host = first.host
    elif asked and not asked[0].is_wildcard:
        host = asked[0].host
    return f"tcp://{Listen(host, first.port)}"
