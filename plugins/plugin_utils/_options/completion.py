# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task, completed from variables."""

from __future__ import annotations

__all__ = ("complete_options",)

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .facts import check_facts, depends_on_facts

#: Options that say which files and programs of the controller are used, and who a client is.
_CONTROLLERS = frozenset(
    (
        "authority_certificate",
        "authority_key",
        "certificate",
        "client_ca",
        "fleet",
        "fleets_dir",
        "key",
        "name",
        "replace_controller",
        "sign_command",
    )
)
#: Options that put names into a server's certificate.
_NAMES = frozenset(("advertise", "listen", "tls_sans"))


def complete_options(action: ActionBase, spec: t.Iterable[str], task_vars: t.Mapping[str, t.Any]) -> frozenset[str]:
    """Drop empty options, and take those that are missing from variables if C(variables_prefix) is set.

    A role has a variable for each option. Passed on as C("{{ expose_listen }}"), each costs every host a template;
    taken here, only those that are templates themselves do.

    Returns the options with names for a certificate whose values come from facts. Failure: C(option_from_facts).
    """
    args = {option: value for option, value in action._task.args.items() if value != ""}
    prefix = args.get("variables_prefix")
    variables = {f"{prefix}{option}": option for option in spec} if prefix else {}
    check_facts(task_vars, variables)
    from_facts = set()
    for name, option in variables.items():
        if option not in args and name in task_vars:
            raw = task_vars[name]
            value = action._templar.template(raw)
            if value in ("", None):
                continue
            args[option] = value
            if option in _CONTROLLERS | _NAMES and depends_on_facts(action._templar, raw, value, task_vars):
                from_facts.add(option)
    _check_controllers(from_facts, prefix)
    action._task.args = args
    return frozenset(from_facts)


def _check_controllers(from_facts: t.Collection[str], prefix: str | None) -> None:
    for option in sorted(_CONTROLLERS.intersection(from_facts)):
        raise Failure(
            "option_from_facts",
            thing=f"{prefix}{option}",
            reason="its value comes from facts, so the host chooses what is used on the controller",
            cure="Write it without facts, for example with inventory_hostname",
        )
