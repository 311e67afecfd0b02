# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making sure that a fleet's authority and any number of identities exist, and telling what became of each."""

from __future__ import annotations

__all__ = ("BUNDLE_ARGUMENTS", "ensure_bundles")

import typing as t

from .fleet import DEFAULT_HOME, Fleet
from .identity import Identity
from .keys import DEFAULT_KEY_TYPE, KEY_TYPES

#: The options of tls_bundle.
BUNDLE_ARGUMENTS: dict[str, t.Any] = {
    "fleet": {"type": "str", "default": "default"},
    "home": {"type": "path", "default": DEFAULT_HOME},
    "clients": {"type": "list", "elements": "str", "default": []},
    "servers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
        },
    },
    "key_type": {"type": "str", "choices": list(KEY_TYPES), "default": DEFAULT_KEY_TYPE, "no_log": False},
    "validity": {"type": "int", "default": 365},
    "authority_key_type": {"type": "str", "choices": list(KEY_TYPES), "default": DEFAULT_KEY_TYPE, "no_log": False},
    "authority_validity": {"type": "int", "default": 3650},
    "passphrase": {"type": "str", "no_log": True},
}


def ensure_bundles(
    fleet: Fleet, clients: t.Sequence[str], servers: t.Sequence[t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    """Return the result of tls_bundle: changed, authority, identities, diff. Raises M(Failure)."""
    with fleet.lock():
        authority = fleet.ensure_authority()
        identities = [fleet.ensure_client(name) for name in clients]
        identities += [fleet.ensure_server(server["name"], server["names"] or [server["name"]]) for server in servers]
    everything = [authority, *identities]
    return {
        "changed": any(identity.changed for identity in everything),
        "authority": authority.as_result(),
        "identities": [identity.as_result() for identity in identities],
        "diff": [_diff(identity) for identity in everything if identity.changed],
    }


def _diff(identity: Identity) -> dict[str, str]:
    return {
        "before_header": identity.folder,
        "after_header": identity.folder,
        "before": identity.describe_before(),
        "after": identity.describe_after(),
    }
