# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the guard is called before dockerd starts; module_utils/_guard is the guard itself."""

from __future__ import annotations

__all__ = (
    "GUARD_WORDS",
    "HAS_TCP",
    "after_boot_units",
    "alone",
    "check_of_flags",
    "exec_start_section",
    "guard_of_daemon_json",
    "guard_of_flags",
    "proof",
    "unit_section",
)

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.listener import Listener, tcp_url
from .gating import guarded

#: What shows in docker.service's ExecStartPre where the guard is in force.
GUARD_WORDS = "-m guard"
#: Exits 0 if it reads a TCP address: dockerd takes a value of -H without a scheme for one.
HAS_TCP = 'sed -E "s,(unix|fd)://,/,g" | grep -qE "tcp:|^Listen=[^/@]|(-[Dv]*H|--host)[ =]*[^-/= ]"'
#: dockerd's command line, and what socket units hand it.
_SHOW = (
    f"systemctl show {layout.DOCKER_SERVICE} $(systemctl show {layout.DOCKER_SERVICE} --property=TriggeredBy --value) "
    "--property=Id,ExecStart,Listen"
)


def guard_of_daemon_json(python: str, mode: str = "", show: str = _SHOW) -> str:
    """Return the shell command that exits 0 where daemon.json has mutual TLS in force.

    It is run in our folder. C(mode) hosts: or where it took TCP out of C(hosts) there. C(show) prints ExecStart as
    systemctl does.
    """
    words = f"{GUARD_WORDS} {mode}".rstrip()
    return f"{show} | {python} -B {words} {layout.DAEMON_JSON} {layout.GOOD_COPY}"


def guard_of_flags(listener: Listener) -> str:
    """Return the shell command that puts dockerd's flags for the port in force, or leaves them out."""
    return (
        f"rm -f {layout.LISTENER_FLAGS_IN_FORCE}; {{ {proof(listener)}; }} && "
        f"cp {layout.LISTENER_FLAGS} {layout.LISTENER_FLAGS_IN_FORCE} || {{ {alone('GANGWAY_LISTENER')}; }}"
    )


def alone(variable: str) -> str:
    """Return the shell command that exits 0 where dockerd has no other TCP port, which our TLS flags protect as well.

    Where it has one, it must not start without these flags. C(variable): the one that holds them.
    """
    return f's=$({_SHOW}) && ! {{ echo "$s"; env; }} | grep -v "^{variable}=" | {HAS_TCP}'


def proof(listener: Listener, variable: str = "") -> str:
    """Return the shell command that exits 0 where dockerd can have our flags: TLS can be had, the rules are loaded.

    C(variable): what holds these flags on dockerd's command line, where others may follow.
    """
    check = check_of_flags(listener, variable)
    return guarded(listener, f"{_SHOW} | {check}" if variable else check)


def check_of_flags(listener: Listener, variable: str = "") -> str:
    """Return the shell command, to be run in our folder, that exits 0 where dockerd can start with our TLS flags."""
    bundle = f"{layout.CA} {layout.CERTIFICATE} {layout.KEY}"
    hosts = " ".join(tcp_url(entry) for entry in listener.listen)
    mode = f"flags-in {variable}" if variable else "flags"
    return f"{listener.python} -B {GUARD_WORDS} {mode} {layout.DAEMON_JSON} {layout.GOOD_COPY} {bundle} {hosts}"


def unit_section(listener: Listener) -> str:
    """Return the drop-in's [Unit] section: our folder, and the firewall's rules before dockerd."""
    return f"[Unit]\nWants={layout.GANGWAY_SERVICE}\n{after_boot_units(listener)}RequiresMountsFor={layout.STATE}\n"


def after_boot_units(listener: Listener) -> str:
    """Return the lines that order a unit after those that bring the firewall's rules into force; ours are started."""
    lines = []
    for unit in listener.boot_units:
        lines += [f"Wants={unit}\n"] if unit == layout.FIREWALL_SERVICE else []
        lines.append(f"After={unit}\n")
    return "".join(lines)


def exec_start_section(observed: Observed) -> str:
    """Return the lines that replace the ExecStart of a package's file whose listener was adopted; empty: none."""
    if not observed.replaces_exec_start:
        return ""
    return f"# The package's line without its listener.\nExecStart=\nExecStart={observed.exec_start}\n"
