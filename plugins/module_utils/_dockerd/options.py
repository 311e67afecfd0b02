# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of dockerd_listener, for the module on the host and for the action plugin on the controller."""

from __future__ import annotations

__all__ = ("ARGUMENT_SPEC", "HOST_OPTIONS", "REQUIRED_BY")

import typing as t

from .._shared.options import FLEET_ARGUMENTS, IDENTITY_ARGUMENTS

#: What only the action plugin, on the controller, makes use of.
_CONTROLLER_OPTIONS: dict[str, t.Any] = {
    **FLEET_ARGUMENTS,
    "names": {"type": "list", "elements": "str", "default": []},
    "advertise": {"type": "str"},
    "client": {"type": "str", "default": "admin"},
    "validity": IDENTITY_ARGUMENTS["validity"],
    "renew_before": IDENTITY_ARGUMENTS["renew_before"],
    "sign_command": IDENTITY_ARGUMENTS["sign_command"],
    "certificate": {"type": "path"},
    "key": {"type": "path", "no_log": False},
    "client_ca": {"type": "path"},
    "take_over": {"type": "bool", "default": False},
}
HOST_OPTIONS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent", "renewed"], "default": "present"},
    "listen": {"type": "list", "elements": "str", "default": []},
    "allow": {"type": "list", "elements": "str", "default": []},
    "method": {
        "type": "str",
        "choices": ["auto", "socket", "override", "daemon_json", "options_file"],
        "default": "auto",
    },
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
    "key_type": IDENTITY_ARGUMENTS["key_type"],
    "allow_downtime": {"type": "bool", "default": False},
}
#: What the action plugin adds.
_EXCHANGE: dict[str, t.Any] = {
    "phase": {"type": "str", "choices": ["plan", "apply"], "default": "plan"},
    "ca": {"type": "str"},
    "certificate": {"type": "str"},
    "request_names": {"type": "list", "elements": "str", "default": []},
    "key_sha256": {"type": "str", "no_log": False},
    "expected": {"type": "str"},
    "covers": {"type": "list", "elements": "str", "default": []},
    "renew": {"type": "bool", "default": False},
    "new_key": {"type": "bool", "default": False, "no_log": False},
    "pending": {"type": "str"},
}

ARGUMENT_SPEC: dict[str, t.Any] = {
    **HOST_OPTIONS,
    **_CONTROLLER_OPTIONS,
    "exchange": {"type": "dict", "options": _EXCHANGE},
    # Not one of the options above: Ansible logs each module's arguments on the host, and masks whole options only.
    "exchange_key": {"type": "str", "no_log": True},
}
REQUIRED_BY = {"certificate": ["key", "client_ca"], "key": ["certificate"]}
