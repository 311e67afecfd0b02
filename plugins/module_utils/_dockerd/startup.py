# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd is started, read from the files that say so."""

from __future__ import annotations

__all__ = ("Startup", "startup_of")

import typing as t
from dataclasses import dataclass

from .options_block import OptionsFile
from .sources import Source
from .unit import (
    DaemonFlags,
    daemon_flags,
    environment_file_variables,
    exec_start_line,
    exec_start_words,
    words_of,
)


@dataclass(frozen=True)
class Startup:
    """C(flags) of dockerd, the line of ExecStart, and the options file that has a part in it."""

    flags: DaemonFlags
    exec_start: str
    options: OptionsFile | None


def startup_of(sources: t.Sequence[Source]) -> Startup:
    """Read unit, drop-ins and environment files, in the order in which systemd does."""
    units = "\n".join(source.text for source in sources if source.kind in ("unit", "drop_in"))
    variables = _environment(units)
    files = [(source.path, environment_file_variables(source.text)) for source in sources if source.kind == "options"]
    for _path, assigned in files:
        variables.update(assigned)
    words = exec_start_words(units)
    taken = [word[1:] for word in words if word.startswith("$") and word[1:].isidentifier()]
    preferred = [name for name in ("DOCKER_OPTS", "OPTIONS") if name in taken] or taken
    options = None
    if files and preferred:
        name = preferred[0]
        options = OptionsFile(_place_for(name, files), name, variables.get(name, "").strip(), is_shell=False)
    return Startup(daemon_flags(words, variables), exec_start_line(units), options)


def _place_for(variable: str, files: t.Sequence[tuple[str, t.Mapping[str, str]]]) -> str:
    """Return the file in which an assignment of the variable is in force: the last one that has it wins.

    Where none has it, the first that sets anything; units name files as well that no package brings.
    """
    having = [path for path, assigned in files if variable in assigned]
    return having[-1] if having else next((path for path, assigned in files if assigned), files[0][0])


def _environment(units: str) -> dict[str, str]:
    """Return what C(Environment=) sets; an empty one clears those before it (systemd.exec(5))."""
    variables: dict[str, str] = {}
    for line in units.splitlines():
        key, equals, value = line.partition("=")
        if equals and key.strip() == "Environment":
            if not value.strip():
                variables.clear()
            variables.update(environment_file_variables("\n".join(_quoted(word) for word in words_of(value))))
    return variables


def _quoted(assignment: str) -> str:
    name, equals, value = assignment.partition("=")
    return f"{name}{equals}'{value}'" if "'" not in value else assignment
