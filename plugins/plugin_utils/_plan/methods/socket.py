# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(socket): a socket unit of our own hands dockerd its TCP port, where systemd starts it with C(-H fd://).

No vendor file is touched and ExecStart is not overridden. The access list belongs to the same unit as the port, so the
port can't be open without it (systemd.resource-control(5), IPAddressDeny=).
"""

from __future__ import annotations

__all__ = ("SocketMethod", "render_drop_in", "render_socket_unit")

import os

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.addresses import Listen
from ..listener.gate import own_networks
from ..listener.listener import HEADER, TLS_SETTINGS, Listener
from .gating import guarded
from .guarding import after_boot_units, exec_start_section, guard_of_daemon_json
from .method import Rendered


class SocketMethod:
    """See the module's docstring, and M(Method)."""

    name = "socket"
    sets_flags = False

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if not observed.has_systemd:
            return f"{observed.init} runs this host, and socket units are systemd's"
        activated = any(host.startswith("fd://") for host in observed.flags.hosts)
        if not activated or os.path.basename(observed.flags.program) != "dockerd":
            return (
                f"{layout.DOCKER_SERVICE} does not start dockerd itself with -H fd://, so dockerd takes no port from a "
                "socket unit"
            )
        return None

    @staticmethod
    def render(observed: Observed, listener: Listener) -> Rendered:
        override = exec_start_section(observed)
        return Rendered(
            files={
                **({layout.EXEC_DROP_IN: f"{HEADER}[Service]\n{override}"} if override else {}),
                layout.SOCKET_UNIT: render_socket_unit(listener),
                layout.DROP_IN: render_drop_in(listener),
            },
            settings=TLS_SETTINGS if listener.tls else {},
        )


def render_socket_unit(listener: Listener, service: str = layout.GANGWAY_SERVICE) -> str:
    """Return docker-gangway.socket. C(service): the unit that it hands the port to."""
    streams = "".join(f"ListenStream={_stream(entry)}\n" for entry in listener.listen)
    return (
        f"{HEADER}"
        "[Unit]\n"
        f"Description=Docker API over TCP{' with mutual TLS' if listener.tls else ', without TLS'}\n"
        f"{_ordering(listener)}"
        "\n"
        "[Socket]\n"
        f"{streams}"
        "# An address that is not up yet must not keep dockerd from starting.\n"
        "FreeBind=yes\n"
        f"{_NOT_DOCKER_SERVICE if service == layout.GANGWAY_SERVICE else ''}"
        f"Service={service}\n"
        f"{_checks(listener)}"
        f"{_access_list(listener)}"
    )


_NOT_DOCKER_SERVICE = (
    "# Not docker.service itself: that inherits the port by its drop-in, which brings the guard, or not at all.\n"
)


def _ordering(listener: Listener) -> str:
    """Order the socket after the units that bring the firewall's rules into force."""
    if not listener.boot_units:
        return ""
    if listener.boot_units == (layout.FIREWALL_SERVICE,):
        # Not Requires=: the socket would go down with each restart of that unit, and not come back under dockerd.
        return after_boot_units(listener)
    # These start after basic.target, which waits for all sockets by default.
    return (
        "DefaultDependencies=no\n"
        "Conflicts=shutdown.target\n"
        f"Before={layout.DOCKER_SERVICE} shutdown.target\n"
        f"After=sysinit.target {' '.join(listener.boot_units)}\n"
    )


def _checks(listener: Listener) -> str:
    if not listener.checks:
        return ""
    checks = " && ".join(listener.checks)
    return f"# Without its access list the port does not open.\nExecStartPre=/bin/sh -c '{checks}'\n"


def _access_list(listener: Listener) -> str:
    if listener.gate == "socket":
        about = "# The machine itself. The guard adds the access list once the port has turned a stranger away.\n"
        networks = own_networks(listener.listen)
    elif listener.gate == "none" and listener.firewall == "systemd":
        about, networks = "", (*own_networks(listener.listen), *listener.allow)
    else:
        return ""
    return f"IPAddressDeny=any\n{about}" + "".join(f"IPAddressAllow={network}\n" for network in networks)


def render_drop_in(listener: Listener) -> str:
    """Return the drop-in of docker.service that hands over the socket and runs the guard before each start."""
    # A systemctl that can't answer prints neither of these words, and dockerd does not start.
    stopped = f"case $(systemctl is-active {layout.GANGWAY_SOCKET}) in inactive|failed) ;; *) exit 1 ;; esac"
    stop = f"systemctl stop {layout.GANGWAY_SOCKET}; {stopped}"
    # The access list of the socket unit is in its file, where the unit has seen to it already.
    checks = listener.checks if listener.gate == "nftables" else ()
    guard = guarded(listener, guard_of_daemon_json(listener.python), checks)
    return (
        f"{HEADER}"
        "[Unit]\n"
        f"Wants={layout.GANGWAY_SOCKET} {layout.GANGWAY_SERVICE}\n"
        f"After={layout.GANGWAY_SOCKET}\n"
        f"RequiresMountsFor={layout.STATE}\n"
        "\n"
        "[Service]\n"
        f"Sockets={layout.GANGWAY_SOCKET}\n"
        "# Whatever keeps the guard from saying that mutual TLS is in force closes the port.\n"
        f"ExecStartPre=/bin/sh -c '{{ {guard}; }} || {{ {stop}; }}'\n"
    )


def _stream(entry: Listen) -> str:
    # A bare port is [::]:PORT, dual stack, see systemd.socket(5).
    return str(entry.port) if entry.host == "any" else str(entry)
