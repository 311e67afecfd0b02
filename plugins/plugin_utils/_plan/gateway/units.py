# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of method C(gateway): HAProxy's, and what brings the socket unit up that owns port and access list."""

from __future__ import annotations

__all__ = ("GATEWAY_FILES", "SERVER_PEM", "render_boot_drop_in", "render_gateway_unit")

import os

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..listener.listener import HEADER

#: Those that no other method has.
GATEWAY_FILES = (
    layout.GATEWAY_UNIT,
    layout.GATEWAY_BOOT,
    layout.GATEWAY_CONFIGURATION,
    layout.GATEWAY_CLIENTS,
    layout.GATEWAY_DIGESTS,
)
#: Certificate and key, joined before each start and reload.
SERVER_PEM = f"{layout.GATEWAY_RUN}/server.pem"

#: Measured with HAProxy 2.6 and 3.2; 3.2 tries QUIC when it starts, and needs AF_INET for that. Not
#: MemoryDenyWriteExecute=: regular expressions are compiled at run time. IPAddressDeny= is for sockets that it makes
#: itself, of which there are none; the port is the socket unit's, systemd.resource-control(5).
_SANDBOX = """\
NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
IPAddressDeny=any
SystemCallArchitectures=native
SystemCallFilter=@system-service @setuid
UMask=0077
"""


def render_boot_drop_in() -> str:
    """Return the drop-in of sockets.target that brings the port up at boot."""
    return f"{HEADER}[Unit]\nWants={layout.GANGWAY_SOCKET}\n"


def render_gateway_unit(program: str, *, as_root: bool = False, in_home: bool = False) -> str:
    """Return docker-gangway-gateway.service. C(program): the path of haproxy.

    C(as_root): its workers stay root, and nobody has capabilities; C(in_home): the engine's socket is in a home folder.

    It serves nothing while one of its files is not as the run left it: whoever changes the configuration, the CA or a
    revocation list could open the port.
    """
    judge = f"sha256sum --check --status {layout.GATEWAY_DIGESTS}"
    join = f"cat {layout.CERTIFICATE} {layout.KEY} > {SERVER_PEM}.new && mv {SERVER_PEM}.new {SERVER_PEM}"
    return (
        f"{HEADER}"
        "[Unit]\n"
        "Description=Mutual TLS in front of the container engine's unix socket\n"
        f"Requires={layout.GANGWAY_SOCKET}\n"
        f"After={layout.GANGWAY_SOCKET}\n"
        f"RequiresMountsFor={layout.STATE} {layout.BUNDLE}\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "[Service]\n"
        "Type=notify\n"
        f"Sockets={layout.GANGWAY_SOCKET}\n"
        f"RuntimeDirectory={os.path.basename(layout.GATEWAY_RUN)}\n"
        "RuntimeDirectoryMode=0700\n"
        f"ExecStartPre=/bin/sh -c '{judge} && {join}'\n"
        f"ExecStart={program} -Ws -f {layout.GATEWAY_CONFIGURATION} -S {layout.GATEWAY_COMMANDS},mode,600\n"
        f"ExecReload=/bin/sh -c '{judge} && {join}'\n"
        "ExecReload=/bin/sh -c 'kill -USR2 $MAINPID'\n"
        "KillMode=mixed\n"
        "# 143: ended by TERM, as systemd ends it.\n"
        "SuccessExitStatus=143\n"
        "Restart=always\n"
        "RestartSec=500ms\n"
        f"CapabilityBoundingSet={'' if as_root else 'CAP_SETUID CAP_SETGID CAP_KILL'}\n"
        f"ProtectHome={'read-only' if in_home else 'yes'}\n"
        f"{_SANDBOX}"
    )
