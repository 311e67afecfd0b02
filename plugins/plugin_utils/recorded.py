# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an endpoint record says of how a daemon was exposed, for runs that are to change nothing of it."""

from __future__ import annotations

__all__ = ("about_expiry", "recorded_options")

import typing as t
import urllib.parse

from ansible_collections.gangway.docker.plugins.module_utils._endpoint.record import EndpointRecord
from ansible_collections.gangway.docker.plugins.module_utils._pki import clock
from ansible_collections.gangway.docker.plugins.module_utils._pki.chain import try_chain
from ansible_collections.gangway.docker.plugins.module_utils._pki.fleet import Fleet
from ansible_collections.gangway.docker.plugins.module_utils._pki.keys import key_type_of
from ansible_collections.gangway.docker.plugins.module_utils._pki.renewal import describe_expiry, expires_soon


def recorded_options(record: EndpointRecord, args: t.Mapping[str, t.Any], fleet: Fleet) -> dict[str, t.Any]:
    """Return options of dockerd_listener as they were, where they are not given.

    A playbook that only renews may know nothing of the variables that another one has exposed the host with.
    """
    chain = try_chain(record.certificate.encode())
    options: dict[str, t.Any] = {
        "listen": args["listen"] or record.listen,
        "allow": args["allow"] or record.allow,
        "names": args["names"] or record.server_names,
        "advertise": args["advertise"] or urllib.parse.urlsplit(record.url).hostname,
    }
    if chain:
        options["key_type"] = key_type_of(chain[0].public_key())
    if record.key_origin != "brought":
        options["key_origin"] = record.key_origin
    # The one that was taken so far may have been revoked.
    others = sorted(path.name for path in (fleet.folder / "clients").glob("[!.]*"))
    here = [name for name in (args["client"], record.client, *others) if fleet.client_folder(name).is_dir()]
    options["client"] = here[0] if here else record.client
    return options


def about_expiry(record: EndpointRecord) -> list[str]:
    """Return a warning where the certificate is the user's to renew, and it is time."""
    chain = try_chain(record.certificate.encode())
    if not chain or not expires_soon(chain[0], clock.now()):
        return []
    return [f"The certificate of {record.name} {describe_expiry(chain[0], clock.now())}; bring a new one in time."]
