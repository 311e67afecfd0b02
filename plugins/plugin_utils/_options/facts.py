# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts are not options: a host returns them, and Ansible puts them above group_vars and host_vars."""

from __future__ import annotations

__all__ = ("check_facts", "depends_on_facts")

import typing as t

from ansible.errors import AnsibleError

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

#: What the variables of the roles, and of the playbook env, begin with.
_PREFIXES = ("expose_", "__expose_", "__env_", "docker_client_", "__docker_client_")
#: The other variables of the playbooks.
_OF_PLAYBOOKS = frozenset(
    (
        "env_client",
        "env_shell",
        "renew_serial",
        "revoke_clients",
        "rotate_finish",
        "rotate_grace",
        "rotate_leave_behind",
        "rotate_serial",
        "rotate_without_cross",
    )
)
#: Variables through which other variables are read, so that they say nothing about where a value comes from.
_ALL_FACTS = ("ansible_facts", "ansible_local", "vars")


class Templar(t.Protocol):
    """What is used of Ansible's."""

    def template(self, variable: t.Any) -> t.Any: ...

    def copy_with_new_env(self, *, available_variables: dict[str, t.Any]) -> Templar: ...


def check_facts(task_vars: t.Mapping[str, t.Any], names: t.Container[str] = ()) -> None:
    """Refuse a host that has returned a variable of the collection as a fact. Failure: C(option_from_facts).

    C(names): more variables that options are taken from. A variable that a playbook sets with C(set_fact) is no fact,
    unless it is C(cacheable).
    """
    facts = task_vars.get("ansible_facts") or {}
    # Ansible leaves out the prefix ansible_ there.
    found = [
        name
        for name in facts
        if name.startswith(_PREFIXES) or name in _OF_PLAYBOOKS or name in names or f"ansible_{name}" in names
    ]
    if found:
        raise Failure(
            "option_from_facts",
            thing=f"{', '.join(sorted(found))} of {task_vars.get('inventory_hostname', 'the host')}",
            reason="it is a fact, which a host may choose freely, and facts override group_vars and host_vars",
            cure="Find out what returns it: the host may be compromised. If a playbook sets it with set_fact, remove "
            "cacheable: true there; then clear the fact cache (--flush-cache)",
        )


def depends_on_facts(templar: Templar, raw: t.Any, value: t.Any, task_vars: t.Mapping[str, t.Any]) -> bool:
    """Whether a variable, as written (C(raw)), has its value from facts: without them it has another one, or none."""
    if raw == value or not task_vars.get("ansible_facts"):
        # No template, or no facts.
        return False
    without = {name: each for name, each in task_vars.items() if not _is_fact(name, each, task_vars)}
    try:
        return bool(templar.copy_with_new_env(available_variables=without).template(raw) != value)
    except AnsibleError:
        return True


def _is_fact(name: str, value: t.Any, task_vars: t.Mapping[str, t.Any]) -> bool:
    facts = task_vars.get("ansible_facts") or {}
    short = name[len("ansible_") :] if name.startswith("ansible_") else name
    return name in _ALL_FACTS or (short in facts and facts[short] == value)
