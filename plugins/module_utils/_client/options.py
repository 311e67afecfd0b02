# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of client_bundle, for the module on the machine and for the action plugin on the controller."""

from __future__ import annotations

__all__ = ("ARGUMENT_SPEC", "HOST_OPTIONS")

import typing as t

from .._shared.options import FLEET_ARGUMENTS, IDENTITY_ARGUMENTS

#: What goes to the machine; all else stays on the controller.
HOST_OPTIONS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "required": True},
    "user": {"type": "str"},
    # No type path: that would expand ~ for whoever runs Ansible.
    "path": {"type": "str", "default": "~/.docker"},
    "endpoints": {"type": "list", "elements": "str", "default": []},
    "env_files": {"type": "bool", "default": True},
    "contexts": {"type": "bool", "default": True},
    "fleet": FLEET_ARGUMENTS["fleet"],
    "key_type": IDENTITY_ARGUMENTS["key_type"],
}
#: What the action plugin adds.
_INSTRUCTIONS: dict[str, t.Any] = {
    "phase": {"type": "str", "choices": ["plan", "apply", "forget"], "default": "plan"},
    "ca": {"type": "str"},
    "certificate": {"type": "str"},
    "renew": {"type": "bool", "default": False},
    "new_key": {"type": "bool", "default": False, "no_log": False},
    "csr_name": {"type": "str"},
    "pending": {"type": "str"},
    "urls": {"type": "dict", "default": {}},
    "plain": {"type": "list", "elements": "str", "default": []},
}

ARGUMENT_SPEC: dict[str, t.Any] = {
    **FLEET_ARGUMENTS,
    **IDENTITY_ARGUMENTS,
    **HOST_OPTIONS,
    "instructions": {"type": "dict", "options": _INSTRUCTIONS},
}
