# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an endpoint record says of how a daemon was exposed, for runs that are to change nothing of it."""

from __future__ import annotations

__all__ = ("about_expiry", "is_aged", "lacks_proof", "recordable_options", "recorded_options")

import typing as t
import urllib.parse

from .._endpoint.record import EndpointRecord
from .._fleet.fleet import Fleet
from .._fleet.revocation import revoked_bundles
from .._identity.other_hosts import OtherHosts
from .._pki import clock
from .._pki.chain import try_chain
from .._pki.keys import key_type_of
from .._pki.renewal import describe_expiry, expires_soon
from .listening import addresses_in

#: Options that a result does not show, and whose defaults would change how a host is exposed.
_RECORDED = ("listen", "method", "socket", "firewall", "live_restore", "clients", "log")


def recordable_options(args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the endpoint record keeps of the task's options."""
    return {option: args[option] for option in _RECORDED}


def recorded_options(
    record: EndpointRecord, args: t.Mapping[str, t.Any], fleet: Fleet, others: OtherHosts
) -> dict[str, t.Any]:
    """Return options of dockerd_listener as they were, where they are not given.

    A playbook that only renews may know nothing of the variables that another one has exposed the host with. For an
    option with a default, nobody can tell whether it is given, so these are as recorded in any case. Names of other
    hosts, which a host could get into its record with an earlier release, are left out.
    """
    chain = try_chain(record.certificate.encode())
    advertised = urllib.parse.urlsplit(record.url).hostname
    # An interface may have got another address. These are added as the host tells them, so none is to be kept.
    passing = addresses_in(record.listen) if record.interfaces else []
    names = others.without(record.server_names)
    listen = [entry for entry in record.listen if addresses_in([entry]) == others.without(addresses_in([entry]))]
    options: dict[str, t.Any] = {
        **record.options,
        "tls": record.tls,
        "listen": args["listen"] or record.options.get("listen") or listen,
        "allow": args["allow"] or record.allow,
        "tls_sans": args["tls_sans"] or [name for name in names if name not in passing],
        "advertise": args["advertise"] or (advertised if advertised in names and advertised not in passing else None),
    }
    if chain:
        options["key_type"] = key_type_of(chain[0].public_key())
    if record.key_origin != "brought":
        options["key_origin"] = record.key_origin
    # The one that was taken so far may have been revoked.
    clients = sorted(path.name for path in (fleet.folder / "clients").glob("[!.]*"))
    here = [name for name in (args["client"], record.client, *clients) if fleet.client_folder(name).is_dir()]
    options["client"] = here[0] if here else record.client
    return options


def about_expiry(record: EndpointRecord) -> list[str]:
    """Return a warning where the certificate is the user's to renew, and it is time."""
    chain = try_chain(record.certificate.encode())
    if not chain or not expires_soon(chain[0], clock.now()):
        return []
    return [f"The certificate of {record.name} {describe_expiry(chain[0], clock.now())}; provide a new one in time."]


def is_aged(record: EndpointRecord, fleet: Fleet) -> bool:
    """Whether the certificate in the record is due by its age."""
    chain = try_chain(record.certificate.encode())
    return not chain or fleet.settings.renew_before.is_due(chain[0], clock.now())


def lacks_proof(record: EndpointRecord, fleet: Fleet) -> bool:
    """Whether a revoked client was not seen turned away by a daemon that the controller gets through to."""
    return bool(record.verified and record.trust and revoked_bundles(fleet).keys() - set(record.refused))
