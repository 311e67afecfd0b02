# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that several of our plugins share: where a fleet is, and how identities are made."""

from __future__ import annotations

__all__ = ("DEFAULT_HOME", "FLEET_ARGUMENTS", "IDENTITY_ARGUMENTS")

import typing as t

from .key_types import DEFAULT_KEY_TYPE, KEY_TYPES

DEFAULT_HOME = "~/.docker/gangway"

FLEET_ARGUMENTS: dict[str, t.Any] = {
    "fleet": {"type": "str", "default": "default"},
    "home": {"type": "path", "default": DEFAULT_HOME},
    "passphrase": {"type": "str", "no_log": True},
}
#: How identities are made; documented in doc_fragments/identity.py.
IDENTITY_ARGUMENTS: dict[str, t.Any] = {
    "key_type": {"type": "str", "choices": list(KEY_TYPES), "default": DEFAULT_KEY_TYPE, "no_log": False},
    "validity": {"type": "int", "default": 365},
    "renew_before": {"type": "str"},
    "sign_command": {"type": "str"},
}
