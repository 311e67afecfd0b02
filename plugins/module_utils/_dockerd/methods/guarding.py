# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's place in what starts dockerd; guard.py is the guard itself."""

from __future__ import annotations

__all__ = (
    "GUARD_WORDS",
    "RULES_LOADED",
    "alone",
    "check_of_flags",
    "guard_of_daemon_json",
    "guard_of_flags",
    "proof",
    "unit_section",
)

from .. import layout
from .method import Exposure, tcp_url

#: What shows in docker.service's ExecStartPre where the guard is in force.
GUARD_WORDS = "-m guard"


#: A table that was flushed is there, and empty; the digest is a rule's comment.
RULES_LOADED = "nft list table inet gangway_docker | grep -q sha256:"
#: dockerd's command line, and what socket units hand it.
_SHOW = (
    f"systemctl show {layout.DOCKER_SERVICE} $(systemctl show {layout.DOCKER_SERVICE} --property=TriggeredBy --value) "
    "--property=Id,ExecStart,Listen"
)


def guard_of_daemon_json(python: str, mode: str = "", show: str = _SHOW) -> str:
    """Return the shell command that exits 0 where daemon.json has mutual TLS in force.

    C(mode) hosts: or where it took TCP out of C(hosts) there. C(show) prints ExecStart as systemctl does.
    """
    words = f"{GUARD_WORDS} {mode}".rstrip()
    return f"cd {layout.STATE} && {show} | {python} -B {words} {layout.DAEMON_JSON} {layout.GOOD_COPY}"


def guard_of_flags(exposure: Exposure) -> str:
    """Return the shell command that puts dockerd's flags for the port in force, or leaves them out."""
    return (
        f"rm -f {layout.LISTENER_IN_FORCE}; {{ {proof(exposure)}; }} && "
        f"cp {layout.LISTENER} {layout.LISTENER_IN_FORCE} || {{ {alone('GANGWAY_LISTENER')}; }}"
    )


def alone(variable: str) -> str:
    """Return the shell command that exits 0 where dockerd has no other TCP port, which our TLS flags protect as well.

    Where it has one, it must not start without these flags. C(variable): the one that holds them.
    """
    return f's=$({_SHOW}) && ! {{ echo "$s"; env; }} | grep -v "^{variable}=" | grep -qE "tcp:|^Listen=[^/@]"'


def proof(exposure: Exposure, variable: str = "") -> str:
    """Return the shell command that exits 0 where dockerd can have our flags: TLS can be had, the rules are loaded.

    C(variable): what holds these flags on dockerd's command line, where others may follow.
    """
    words = [f"cd {layout.STATE}"]
    if exposure.tls:
        words.append(f"{_SHOW} | {check_of_flags(exposure, variable)}" if variable else check_of_flags(exposure))
    if exposure.firewall == "nftables":
        words.append(RULES_LOADED)
    return " && ".join(words)


def check_of_flags(exposure: Exposure, variable: str = "") -> str:
    """Return the shell command, to be run in our folder, that exits 0 where dockerd can start with our TLS flags."""
    bundle = f"{layout.CA} {layout.CERTIFICATE} {layout.KEY}"
    hosts = " ".join(tcp_url(entry) for entry in exposure.listen)
    mode = f"flags-in {variable}" if variable else "flags"
    return f"{exposure.python} -B {GUARD_WORDS} {mode} {layout.DAEMON_JSON} {layout.GOOD_COPY} {bundle} {hosts}"


def unit_section(exposure: Exposure) -> str:
    """Return the drop-in's [Unit] section: our folder, and the firewall's rules before dockerd."""
    firewall = ""
    if exposure.firewall == "nftables":
        firewall = f"Wants={layout.FIREWALL_SERVICE}\nAfter={layout.FIREWALL_SERVICE}\n"
    return f"[Unit]\n{firewall}RequiresMountsFor={layout.STATE}\n"
