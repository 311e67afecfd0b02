# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and addresses that belong to other hosts: no certificate of this host may contain them.

The inventory and the fleet's records say whose a name is. A name that the user wrote may be in another host's record
as well: hosts may share the name of a load balancer. What a host contributes may not.
"""

from __future__ import annotations

__all__ = ("OtherHosts",)

import functools
import ipaddress
import typing as t
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from ansible.errors import AnsibleError

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.record import EndpointRecord, read_own_record
from .._pki.names import sort_names
from .._plan.listener.addresses import parse_listen

#: Variables with the address that Ansible connects to.
_CONNECTION = ("ansible_host", "ansible_ssh_host")


@dataclass(frozen=True)
class OtherHosts:
    """All hosts but this one. C(task_vars): with C(groups) and C(hostvars), as an action plugin gets them."""

    host: str
    endpoints_folder: Path
    task_vars: t.Mapping[str, t.Any]

    def check(self, written: t.Iterable[str], contributed: t.Iterable[str]) -> None:
        """Refuse names of other hosts. Failure: C(name_of_other_host).

        C(written): by the user. C(contributed): addresses that the host reports, and names that come from its facts.
        """
        for name in self._foreign([*written, *contributed]):
            if name in self._inventory:
                raise _refused(
                    name,
                    f"in the inventory it is that of {self._inventory[name]}, so {self.host} may not have it in its "
                    "certificate",
                    "Correct the variables, or find out why the host claims it",
                )
        written = sort_names(written)
        for name in self._foreign(contributed):
            owner = None if name in written else self._owner_by_record(name)
            if owner is not None:
                raise _refused(
                    name,
                    f"{self.host} claims it, but the endpoint record says that it is that of {owner}",
                    f"If {owner} no longer has it, expose or withdraw it first (if it is gone, remove its record "
                    f"in {self.endpoints_folder}); if both have it, write the address into listen (expose_listen)",
                )

    def without(self, names: t.Iterable[str]) -> list[str]:
        """Return the names that no other host has, by inventory or record."""
        names = sort_names(names)
        foreign = self._foreign(names)
        return [
            name
            for name in names
            if name not in foreign or not (name in self._inventory or self._owner_by_record(name))
        ]

    def _foreign(self, names: t.Iterable[str]) -> list[str]:
        """Return those that are not this host's by the inventory, nor loopback, which is everyone's."""
        return [name for name in sort_names(names) if name not in self._own and not _is_loopback(name)]

    @functools.cached_property
    def _own(self) -> frozenset[str]:
        return _entry(self.host, self._variables_of(self.host))

    def _variables_of(self, host: str) -> t.Mapping[str, t.Any]:
        """Return a host's variables, templates resolved."""
        hostvars: t.Mapping[str, t.Mapping[str, t.Any]] = self.task_vars.get("hostvars") or {}
        return hostvars.get(host, {})

    @functools.cached_property
    def _inventory(self) -> dict[str, str]:
        """Other hosts by their names and addresses; not aliases of this host."""
        place = _place(self._variables_of(self.host))
        found: dict[str, str] = {}
        for other in (self.task_vars.get("groups") or {}).get("all", ()):
            if other == self.host:
                continue
            variables = self._variables_of(other)
            if place is None or _place(variables) != place:
                found.update(dict.fromkeys(_entry(other, variables), other))
        return found

    def _owner_by_record(self, name: str) -> str | None:
        """Return the host whose record has this name, without reading the records that do not mention it."""
        for path in sorted(self.endpoints_folder.glob("[!.]*.json")):
            other = urllib.parse.unquote(path.stem)
            if other == self.host or name not in path.read_text(encoding="utf-8", errors="replace").lower():
                continue
            record = read_own_record(self.endpoints_folder, other)
            if record is not None and name in _names_of(record):
                return other
        return None


def _names_of(record: EndpointRecord) -> list[str]:
    url = urllib.parse.urlsplit(record.url).hostname or ""
    listen = [entry.host for entry in map(parse_listen, record.listen) if not entry.is_wildcard]
    return sort_names([*record.server_names, url, *listen])


def _entry(host: str, variables: t.Mapping[str, t.Any]) -> frozenset[str]:
    """Return what an inventory says of a host: its name and addresses."""
    values = (_value(variables, name) for name in _CONNECTION)
    return frozenset(sort_names([host, *(value for value in values if value)]))


def _place(variables: t.Mapping[str, t.Any]) -> tuple[str, str] | None:
    """Return address and port; two entries with the same ones are the same host."""
    address = next((value for value in (_value(variables, name) for name in _CONNECTION) if value), None)
    port = _value(variables, "ansible_port") or _value(variables, "ansible_ssh_port") or "22"
    return None if address is None else (address, port)


def _value(variables: t.Mapping[str, t.Any], name: str) -> str:
    try:
        return str(variables.get(name) or "")
    except AnsibleError:
        # A template that can't be resolved names no address.
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _refused(name: str, reason: str, cure: str) -> Failure:
    return Failure("name_of_other_host", thing=name, reason=reason, cure=cure)
