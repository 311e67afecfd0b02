# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that several of our plugins share: where a fleet is, and how identities are made."""

from __future__ import annotations

__all__ = ("DEFAULT_FLEETS_DIR", "FLEET_ARGUMENTS", "IDENTITY_ARGUMENTS")

import typing as t

from .key_types import DEFAULT_KEY_TYPE, KEY_TYPES

DEFAULT_FLEETS_DIR = "~/.docker/gangway"

FLEET_ARGUMENTS: dict[str, t.Any] = {
    "fleet": {"type": "str", "default": "default"},
    "fleets_dir": {"type": "path", "default": DEFAULT_FLEETS_DIR},
    "passphrase": {"type": "str", "no_log": True},
    "variables_prefix": {"type": "str"},
}
#: How identities are made; documented in doc_fragments/identity.py.
IDENTITY_ARGUMENTS: dict[str, t.Any] = {
    "key_type": {"type": "str", "choices": list(KEY_TYPES), "default": DEFAULT_KEY_TYPE, "no_log": False},
    "validity": {"type": "str", "default": "365d"},
    "renew_before": {"type": "str"},
    "sign_command": {"type": "str"},
}
