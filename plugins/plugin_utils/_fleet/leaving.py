# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that a task no longer names, though nobody has revoked them."""

from __future__ import annotations

__all__ = ("about_leaving",)

import typing as t

from .._options.clients import parse_clients
from .fleet import Fleet
from .on_disk.issued import issued_to
from .revocation import known_certificates


def about_leaving(fleet: Fleet, before: t.Iterable[t.Any], names: t.Collection[str]) -> list[str]:
    """Return a warning for each that was among the clients C(before) (as they were written) and is not among C(names).

    Until when it has access is known of certificates that were noted when they were issued.
    """
    left = [client.name for client in parse_clients(before) if client.name not in names]
    left = [name for name in left if not fleet.revoked_folder(name).exists()]
    issued = known_certificates(fleet) if left else []
    found = []
    for name in left:
        ends = [certificate.not_valid_after_utc for certificate in issued if issued_to(certificate) == name]
        if ends:
            found.append(
                f"Client {name} is no longer named, and still has access until {max(ends):%Y-%m-%d %H:%M} UTC. To shut "
                f'it out now: ansible-playbook gangway.docker.revoke -e \'{{"revoke_clients": ["{name}"]}}\''
            )
    return found
