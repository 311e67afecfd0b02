# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Detect which controller exposed a daemon, from its certificate."""

from __future__ import annotations

__all__ = ("check_owner",)

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.fleet import Fleet
from .._pki.chain import try_chain
from .record import EndpointRecord


def check_owner(fleet: Fleet, host: str, certificate: str | None, record: EndpointRecord | None) -> None:
    """Refuse a host that another controller has exposed. Failure: C(other_controller)."""
    chain = try_chain((certificate or "").encode())
    if not chain or (record is not None and chain == try_chain(record.certificate.encode())):
        return
    if not any(authority.knows(chain) for authority in fleet.all_authorities()):
        raise Failure(
            "other_controller",
            thing=host,
            reason="its daemon is exposed already, with a certificate of an authority that is not in "
            f"{fleet.folder.parent}; going on would lock out that authority's clients",
            cure="Bring the fleet's folder here from the other controller or a backup; if it is lost for good, "
            "set replace_controller (expose_replace_controller in the role) for one run",
        )
