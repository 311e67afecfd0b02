# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How dockerd is started, read from the files that say so."""

from __future__ import annotations

__all__ = ("Startup", "exec_start_line", "split_hosts", "startup_of", "words_of")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import (
    DaemonFlags,
    InvalidWords,
    flags_of,
    short_host,
    split,
    variable_of,
    words_of,
)

from .command_line import CommandLine, Reading, read_startup
from .environment_file import environment_assignments, is_name
from .options_file import OptionsFile
from .sources import Source


@dataclass(frozen=True)
class Startup:
    """C(flags) of dockerd, the ExecStart in force as it is written, and the options file that it uses."""

    flags: DaemonFlags
    exec_start: str
    options: OptionsFile | None


def startup_of(sources: t.Sequence[Source]) -> Startup:
    """Read unit, drop-ins and environment files, in the order in which systemd does."""
    reading = read_startup(sources)
    if not reading.command_lines:
        return Startup(flags_of([]), "", None)
    line = reading.command_lines[-1]
    return Startup(flags_of(line.argv), line.written, _options(sources, line, reading))


def exec_start_line(text: str) -> str:
    """Return the ExecStart in force as it is written. C(text): the unit and its drop-ins, in order."""
    return startup_of([Source("", text, "unit")]).exec_start


def split_hosts(line: str) -> tuple[str, list[str]]:
    """Return a command line without its C(-H) and C(--host) flags, and their values. No quotes in these."""
    kept: list[str] = []
    hosts: list[str] = []
    try:
        words = iter([line[word.start : word.end] for word in split(line)])
    except InvalidWords:
        return line, []
    for word in words:
        value = short_host(word)
        if word in ("-H", "--host"):
            hosts.append(next(words, ""))
        elif word.startswith("--host="):
            hosts.append(word[len("--host=") :])
        elif value and word.startswith("-H"):
            hosts.append(value)
        else:
            kept.append(word)
    return " ".join(kept), hosts


def _options(sources: t.Sequence[Source], line: CommandLine, reading: Reading) -> OptionsFile | None:
    names = [variable_of(word.text) for word in line.words] if line.expands_variables else []
    taken = [name for name in names if name and is_name(name)]
    preferred = [name for name in ("DOCKER_OPTS", "OPTIONS") if name in taken] or taken
    files = [source for source in sources if source.kind == "options"]
    if not files or not preferred:
        return None
    name = preferred[0]
    values = reading.variables.get(name, [])
    value = " ".join(values[-1][1].value.text.split()) if values else ""
    return OptionsFile(_file_for(name, files), name, value, is_shell=False)


def _file_for(variable: str, files: t.Sequence[Source]) -> str:
    """Return the file whose assignment of the variable is in force: the last one that has it.

    If none has it, the first that sets anything; units also name files that no package installs.
    """
    names = {source.path: {a.name for a in environment_assignments(source.text)} for source in files}
    having = [path for path, found in names.items() if variable in found]
    return having[-1] if having else next((path for path, found in names.items() if found), files[0].path)
