# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint's environment as commands of a shell, and how to undo them. Pure."""

from __future__ import annotations

__all__ = ("SHELLS", "render_for_shell", "render_unset")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection, as_env
from ansible_collections.gangway.docker.plugins.module_utils._shared.quoting import (
    quote_for_cmd,
    quote_for_elisp,
    quote_for_fish,
    quote_for_powershell,
    quote_for_sh,
    quote_for_tcsh,
)

#: docker-machine's, in its order. The last one is for people's prompts, and for scripts that ask which is active.
_VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_MACHINE_NAME")


@dataclass(frozen=True)
class _Shell:
    """C(assign) and C(remove) are lines, without their end."""

    quote: t.Callable[[str], str]
    assign: str
    remove: str
    end: str = "\n"


#: fish and tcsh join the lines of a command's output by blanks before they eval it, hence the semicolons.
_SHELLS = {
    "sh": _Shell(quote_for_sh, "export {name}={value}", "unset {name}"),
    "fish": _Shell(quote_for_fish, "set -gx {name} {value};", "set -eg {name};"),
    "tcsh": _Shell(quote_for_tcsh, "setenv {name} {value};", "unsetenv {name};"),
    "powershell": _Shell(quote_for_powershell, "$Env:{name} = {value}", "$Env:{name} = $null"),
    "cmd": _Shell(quote_for_cmd, '@SET "{name}={value}"', '@SET "{name}="', end="\r\n"),
    "emacs": _Shell(quote_for_elisp, '(setenv "{name}" {value})', '(setenv "{name}" nil)'),
}
SHELLS = tuple(_SHELLS)


def render_for_shell(connection: Connection, name: str, shell: str) -> str:
    """Return the lines; C(name) is the endpoint's. Failure: C(value_unquotable).

    For an endpoint without TLS, variables that another one's lines have set are removed: DOCKER_TLS_VERIFY would have
    clients use TLS, whatever its value.
    """
    values = {**as_env(connection), "DOCKER_MACHINE_NAME": name}
    return _render(shell, {each: values.get(each) for each in _VARIABLES})


def render_unset(shell: str) -> str:
    """Return the lines that remove all the variables."""
    return _render(shell, dict.fromkeys(_VARIABLES))


def _render(shell: str, values: t.Mapping[str, str | None]) -> str:
    rules = _SHELLS[shell]
    lines = [
        rules.remove.format(name=name) if value is None else rules.assign.format(name=name, value=rules.quote(value))
        for name, value in values.items()
    ]
    return "".join(line + rules.end for line in lines)
