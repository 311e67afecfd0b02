# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: what the entries of C(listen) and C(allow) mean on a host, from what the host reported."""

from __future__ import annotations

__all__ = ("allow_of", "interfaces_in", "listen_of", "names_to_resolve")

import ipaddress
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..host.observation import Observation
from .addresses import Listen, parse_allow


def names_to_resolve(listen: t.Iterable[Listen]) -> list[str]:
    """Return the entries' names, which only the host can resolve: to an interface's addresses, or a host's."""
    return list(dict.fromkeys(e.host for e in listen if not (e.is_address or e.is_wildcard)))


def listen_of(listen: t.Sequence[Listen], observation: Observation, port: int) -> tuple[Listen, ...]:
    """Return the addresses to listen on, names resolved; C(port) is for the host's own where none are given.

    Failures: C(listen_unknown), C(listen_unresolvable).
    """
    if listen:
        return tuple(dict.fromkeys(resolved for entry in listen for resolved in _resolve(entry, observation)))
    if observation.connection is None:
        raise Failure(
            "listen_unknown",
            thing="listen",
            reason="it is not set, and this is no SSH connection, so the host's address can't be derived from it",
            cure=f"Set listen (expose_listen in the role), for example 10.20.0.5:{port}",
        )
    return (Listen(observation.connection.server, port),)


def allow_of(allow: t.Sequence[str], observation: Observation) -> tuple[str, ...]:
    """Return the access list as networks. Failures: C(allow_unknown), C(invalid_allow)."""
    if allow:
        return parse_allow(allow)
    if observation.connection is None:
        raise Failure(
            "allow_unknown",
            thing="allow",
            reason="it is not set, and this is no SSH connection, so the controller's address can't be derived from it",
            cure="Set allow (expose_allow in the role) to the networks that clients are in, for example 10.20.0.0/24",
        )
    return parse_allow([observation.connection.client])


def interfaces_in(listen: t.Iterable[Listen], observation: Observation) -> list[str]:
    """Return the names in the entries that are network interfaces of the host."""
    return [name for name in names_to_resolve(listen) if _interfaces(name, observation)]


def _interfaces(name: str, observation: Observation) -> list[str]:
    """Return the interfaces of this name, read without regard to case as host names are (some have capitals)."""
    return [interface for interface in observation.interfaces if interface.lower() == name.lower()]


def _resolve(entry: Listen, observation: Observation) -> list[Listen]:
    if entry.is_address or entry.is_wildcard:
        return [entry]
    interfaces = _interfaces(entry.host, observation)
    if len(interfaces) > 1:
        raise _unresolvable(entry, f"the interfaces {' and '.join(sorted(interfaces))} differ in case only")
    if interfaces:
        found = [a.address for a in observation.addresses if a.interface == interfaces[0] and a.is_usable]
        outward = [address for address in found if not ipaddress.ip_address(address).is_loopback]
        if not found:
            raise _unresolvable(
                entry,
                "this network interface has no address, or only ones that change or can't be reached from elsewhere "
                "(link-local, temporary)",
                cure="Give the interface an address, or write another one",
            )
        return [Listen(address, entry.port) for address in dict.fromkeys(outward or found)]
    return [Listen(address, entry.port) for address in _look_up(entry, observation)]


def _look_up(entry: Listen, observation: Observation) -> list[str]:
    found = observation.resolved.get(entry.host, "it was not resolved")
    if isinstance(found, str):
        there = ", ".join(observation.interfaces)
        raise _unresolvable(
            entry,
            f"the host has no network interface of this name (it has {there}), and can't resolve it either ({found})",
        )
    outward = [address for address in found if not ipaddress.ip_address(address).is_loopback]
    if not outward and entry.host != "localhost":
        raise _unresolvable(entry, f"on the host itself this name means {', '.join(found)} (see its /etc/hosts)")
    # A name may be that of several hosts, and what it resolves to there is the host's word.
    own = {address.address for address in observation.addresses}.intersection(outward or found)
    if not own:
        raise _unresolvable(
            entry,
            f"on the host this name means {', '.join(outward or found)}, and no network interface there has that",
            cure="Write the IP address if it comes up later; otherwise correct the name in DNS or in the host's "
            "/etc/hosts",
        )
    return sorted(own)


def _unresolvable(entry: Listen, reason: str, cure: str = "Write an IP address") -> Failure:
    return Failure("listen_unresolvable", thing=f"listen entry {entry}", reason=reason, cure=cure)
