# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an exposed daemon is in an inventory: the host's variables and groups. Pure."""

from __future__ import annotations

__all__ = ("groups_of", "states_of", "variables_of")

import datetime
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import as_env, as_module_defaults

from .._pki.chain import try_chain
from .._pki.freshness import not_after_of
from .._pki.renewal import expires_soon
from .endpoints import Endpoint

#: By EndpointRecord.verified.
_VERIFIED: dict[t.Optional[bool], str] = {True: "verified", False: "failing", None: "unverified"}


def variables_of(endpoint: Endpoint) -> dict[str, t.Any]:
    """Return the record, and how to connect in the forms that Ansible and community.docker take."""
    chain = try_chain(endpoint.client_certificate.encode())
    expiry = not_after_of(chain[0]) if chain else None
    facts = {**endpoint.facts, "client_not_after": expiry, "cert_path": endpoint.cert_path}
    variables: dict[str, t.Any] = {"gangway_endpoint": facts}
    connection = endpoint.connection
    if connection is None:
        return variables
    defaults = as_module_defaults(connection)
    variables.update(gangway_env=as_env(connection), gangway_module_defaults=defaults)
    # community.docker's plugins, not its modules, read these (its doc fragment docker.var_names).
    variables.update({f"ansible_docker_{option}": value for option, value in defaults.items()})
    return variables


def states_of(endpoint: Endpoint, now: datetime.datetime) -> list[str]:
    """Return what is known of the endpoint without asking it."""
    states = ["tls" if endpoint.facts["tls"] else "plain", _VERIFIED[endpoint.facts["verified"]]]
    certificates = [
        chain[0]
        for chain in (try_chain(pem.encode()) for pem in (endpoint.certificate, endpoint.client_certificate))
        if chain
    ]
    if any(certificate.not_valid_after_utc <= now for certificate in certificates):
        return [*states, "expired"]
    return [*states, "expiring"] if any(expires_soon(each, now) for each in certificates) else states


def groups_of(endpoint: Endpoint, now: datetime.datetime) -> list[str]:
    """Return the groups by fleet, engine (C(engine_28.5)) and state, not yet as Ansible wants names."""
    version = str(endpoint.facts["engine_version"] or "").split(".")
    engine = ".".join(version[:2]) if version[0].isdigit() else "unknown"
    return [
        f"fleet_{endpoint.facts['fleet']}",
        f"engine_{engine}",
        *(f"state_{state}" for state in states_of(endpoint, now)),
    ]
