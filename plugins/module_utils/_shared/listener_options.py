# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of dockerd_listener, for the action plugin on the controller and the module on the host."""

from __future__ import annotations

__all__ = ("LISTENER_ARGUMENTS", "LISTENER_REQUIRED_BY")

import typing as t

from .options import FLEET_ARGUMENTS, IDENTITY_ARGUMENTS

LISTENER_ARGUMENTS: dict[str, t.Any] = {
    **FLEET_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent", "renewed"], "default": "present"},
    "listen": {"type": "list", "elements": "str", "default": []},
    "allow": {"type": "list", "elements": "str", "default": []},
    "method": {
        "type": "str",
        "choices": ["auto", "socket", "override", "daemon_json", "options_file", "gateway"],
        "default": "auto",
    },
    "socket": {"type": "path", "default": "/run/docker.sock"},
    "firewall": {
        "type": "str",
        "choices": ["auto", "systemd", "nftables", "firewalld", "ufw", "none"],
        "default": "auto",
    },
    "adopt": {"type": "bool", "default": False},
    "tls": {"type": "bool", "default": True},
    "insecure": {"type": "bool", "default": False},
    "live_restore": {"type": "bool", "default": True},
    "key_origin": {"type": "str", "choices": ["host", "controller"], "default": "host"},
    "allow_downtime": {"type": "bool", "default": False},
    "tls_sans": {"type": "list", "elements": "str", "default": []},
    "advertise": {"type": "str"},
    "client": {"type": "str", "default": "admin"},
    "clients": {"type": "list", "elements": "raw", "default": []},
    "install": {"type": "bool", "default": False},
    "log": {"type": "str", "choices": ["none", "connections", "requests"], "default": "connections"},
    "contexts": {"type": "bool", "default": False},
    "authority_validity": {"type": "str", "default": "3650d"},
    "authority_certificate": {"type": "path"},
    "authority_key": {"type": "path", "no_log": False},
    "certificate": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "client_ca": {"type": "path"},
    "replace_controller": {"type": "bool", "default": False},
    "accept_older_trust": {"type": "bool", "default": False},
    # One text, since Ansible logs a module's arguments on the host, and masks whole options only.
    "carry_out": {"type": "str", "no_log": True},
}
LISTENER_REQUIRED_BY = {"certificate": ["key", "client_ca"], "key": ["certificate"]}
