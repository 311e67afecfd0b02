# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our block where a shell reads the options file (sysvinit, OpenRC): what systemd does with units is done here."""

from __future__ import annotations

__all__ = (
    "render_flags_wrapper",
    "render_wrapper",
    "shell_block",
    "shell_check",
    "supervision_problem",
    "wrapper_block",
    "wrapper_block_for_flags",
)

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


def supervision_problem(options: OptionsFile | None) -> str | None:
    """Return why a dockerd that a supervisor starts again would not be looked at first; None: it is, or there is none.

    A supervisor keeps the command line of the service's start, and does not read the options file again.
    """
    if options is not None and options.is_supervised and not options.program_variable:
        return "a supervisor starts dockerd again after a crash, and nothing could run the guard before that"
    return None


def shell_block(listener: Listener, options: OptionsFile, flags: str) -> str:
    """Return the lines that add the flags for the port, only while mutual TLS and the access list can be had.

    Not where the variable is assigned again behind them: the last flag wins. Without them, dockerd must not start with
    another TCP port, which they protect as well.
    """
    variable = options.variable
    conditions = [_is_last(options), guarded(listener, check_of_flags(listener)), wait_command(listener)]
    added = f'{variable}="${variable} {flags}"'
    return _ONLY_AT_START % f"if ({' && '.join(conditions)}); then {added}; else {_alone(variable)}; fi"


def wrapper_block_for_flags(options: OptionsFile, program: str) -> str:
    """Return the lines that put the script which adds our flags in dockerd's place.

    Not where it is gone, or the variables are assigned again behind them: dockerd starts without the port then.
    """
    taken = "; ".join(_in_place_of_dockerd(layout.FLAGS_WRAPPER, options, program))
    conditions = f"test -r {layout.FLAGS_WRAPPER} && {_is_last(options)}"
    return _ONLY_AT_START % f"if {conditions}; then {taken}; else {_alone(options.variable)}; fi"


def render_flags_wrapper(listener: Listener, flags: str) -> str:
    """Return the script that is started in dockerd's place, with dockerd and the user's flags behind it.

    Ours come last, and only while mutual TLS and the access list can be had.
    """
    conditions = [guarded(listener, check_of_flags(listener)), wait_command(listener)]
    return (
        f"{HEADER}"
        "# Runs at the service's start, and when its supervisor starts dockerd again.\n"
        f"if ({' && '.join(conditions)}); then\n"
        f'    set -- "$@" {flags}\n'
        f'elif echo "$*" | {HAS_TCP}; then\n'
        "    exit 1\n"
        "fi\n"
        'exec "$@"\n'
    )


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
    """Return the lines that put our script in dockerd's place."""
    return "".join(f"{line}\n" for line in _in_place_of_dockerd(layout.DOCKERD_WRAPPER, options, program))


def _in_place_of_dockerd(script: str, options: OptionsFile, program: str) -> list[str]:
    """Return the assignments that have the script started; by sh, also where /var is mounted noexec."""
    dockerd = f"${{{options.program_variable}:-{program}}}"
    return [
        f'{options.variable}="{script} {dockerd} ${options.variable}"',
        f'{options.program_variable}="/bin/sh"',
    ]


def _is_last(options: OptionsFile) -> str:
    """Return the shell command that exits 0 where nothing behind our block assigns what it does."""
    names = "|".join(name for name in (options.variable, options.program_variable) if name)
    return f"! sed '1,/^# END gangway.docker/d' {options.path} | grep -qE '{names}'"


def _alone(variable: str) -> str:
    """Return the shell command that ends the start where dockerd would have another TCP port without our flags."""
    return f'if echo "${variable}" | {HAS_TCP}; then exit 1; fi'


def _check(listener: Listener, command: str) -> str:
    """Return the shell command that exits 0 where dockerd may start as C(command): without its port, if need be."""
    show = f'echo "argv[]={command} ; ignore_errors="'
    judgement = guard_of_daemon_json(listener.python, "hosts", show)
    return f"{guarded(listener, judgement)} && {wait_command(listener)}"
