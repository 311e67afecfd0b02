# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our block where a shell reads the options file (sysvinit, OpenRC): what systemd does with units is done here."""

from __future__ import annotations

__all__ = ("render_wrapper", "shell_block", "shell_check", "wrapper_block")

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.listener import HEADER, Listener
from ..startup.options_file import OptionsFile
from .gating import guarded, wait_command
from .guarding import HAS_TCP, check_of_flags, guard_of_daemon_json

#: The file is read whatever the script is to do, and by OpenRC for a look at its dependencies. Only what surely starts
#: nothing is left out. C($1) would not do: OpenRC reads the file from within a function.
_ONLY_AT_START = """\
case "$(tr '\\0' ' ' < /proc/$$/cmdline)" in
*/docker" stop " | */docker" status " | *"/gendepends.sh ") ;;
*)
    %s
    ;;
esac
"""


def shell_block(listener: Listener, options: OptionsFile, flags: str) -> str:
    """Return the lines that add the flags for the port, only while mutual TLS and the access list can be had.

    Not where the variable is assigned again behind them: the last flag wins. Without them, dockerd must not start with
    another TCP port, which they protect as well.
    """
    variable = options.variable
    last = f"! sed '1,/^# END gangway.docker/d' {options.path} | grep -q {variable}"
    conditions = [last, guarded(listener, check_of_flags(listener)), wait_command(listener)]
    others = f'if echo "${variable}" | {HAS_TCP}; then exit 1; fi'
    return _ONLY_AT_START % f'if ({" && ".join(conditions)}); then {variable}="${variable} {flags}"; else {others}; fi'


def shell_check(observed: Observed, listener: Listener) -> str:
    """Return the lines that have the guard look at daemon.json; where it can't, the service does not start."""
    variable = "" if observed.options is None else f" ${observed.options.variable}"
    return _ONLY_AT_START % f"({_check(listener, f'{observed.flags.program}{variable}')}) || exit 1"


def render_wrapper(listener: Listener) -> str:
    """Return the script that is started in dockerd's place, with dockerd and its flags behind it."""
    return (
        f"{HEADER}"
        "# Runs at the service's start, and when its supervisor starts dockerd again.\n"
        f"({_check(listener, '$*')}) || exit 1\n"
        'exec "$@"\n'
    )


def wrapper_block(options: OptionsFile, program: str) -> str:
    """Return the lines that put our script in dockerd's place; run by sh, also where /var is mounted noexec."""
    dockerd = f"${{{options.program_variable}:-{program}}}"
    command = f"{layout.DOCKERD_WRAPPER} {dockerd} ${options.variable}"
    return f'{options.variable}="{command}"\n{options.program_variable}="/bin/sh"\n'


def _check(listener: Listener, command: str) -> str:
    """Return the shell command that exits 0 where dockerd may start as C(command): without its port, if need be."""
    show = f'echo "argv[]={command} ; ignore_errors="'
    judgement = guard_of_daemon_json(listener.python, "hosts", show)
    return f"{guarded(listener, judgement)} && {wait_command(listener)}"
