# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What HAProxy is given in place of what dockerd is: other CAs, and lists of revoked certificates."""

from __future__ import annotations

__all__ = ("files_of_gateway",)

import dataclasses

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.fleet import Fleet
from .._fleet.gateway_trust import client_authorities, revocation_lists
from .._identity.server_identity import ServerIdentity
from .._plan.desired import RevocationLists, ServerFiles
from .._plan.host.observation import Observation


def files_of_gateway(
    fleet: Fleet, identity: ServerIdentity, observation: Observation, files: ServerFiles
) -> ServerFiles:
    """Return the bundle for HAProxy. C(files): the one for dockerd. Failure: C(gateway_authority)."""
    if identity.provided is not None or identity.client_ca is not None:
        raise Failure(
            "gateway_authority",
            thing="certificates of your own",
            reason="with method gateway, the fleet's authority has to sign lists of revoked clients",
            cure="Leave expose_certificate, expose_key and expose_client_ca out, or choose another method",
        )
    authority, lists = fleet.authority(), None
    if authority is None:
        return dataclasses.replace(files, revocation_lists=RevocationLists(None))
    if identity.chain is not None:
        present = observation.content(layout.CRL)
        again = bool(identity.reasons)
        lists = revocation_lists(fleet, present, certificate=identity.certificate, again=again)
    return dataclasses.replace(files, ca=client_authorities(authority), revocation_lists=RevocationLists(lists))
