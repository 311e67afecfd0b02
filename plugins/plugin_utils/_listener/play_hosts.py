# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a play, and where Ansible reaches them."""

from __future__ import annotations

__all__ = ("PlayHosts",)

import contextlib
import typing as t

from ansible.errors import AnsibleError


class PlayHosts:
    """C(task_vars): the variables of a task for one of them, to which Ansible connects at C(address).

    C(prefix): of the variables that have the task's options.
    """

    def __init__(self, task_vars: t.Mapping[str, t.Any], prefix: str | None, address: str) -> None:
        self._task_vars = task_vars
        self._prefix = prefix
        self.host = str(task_vars["inventory_hostname"])
        self.address = address
        self.names: list[str] = list(task_vars.get("ansible_play_hosts_all") or [self.host])

    @property
    def is_first(self) -> bool:
        return self.names[0] == self.host

    def addresses(self, fleet: str) -> dict[str, str]:
        """Return what Ansible connects to, by name: of this host, and of those whose variables name the same fleet."""
        others = (name for name in self.names if name != self.host and self._variable(name, "fleet") == fleet)
        return {self.host: self.address, **{name: self._address_of(name) for name in others}}

    def _address_of(self, name: str) -> str:
        return str(self._hostvars(name, "ansible_host") or name)

    def _variable(self, name: str, option: str) -> t.Any:
        return self._hostvars(name, f"{self._prefix}{option}") if self._prefix else None

    def _hostvars(self, name: str, variable: str) -> t.Any:
        # A variable of another host may depend on what only its own tasks know.
        with contextlib.suppress(AnsibleError, KeyError):
            return self._task_vars["hostvars"][name].get(variable)
        return None
