# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says of clients: whom it no longer names, and who may do more elsewhere."""

from __future__ import annotations

__all__ = ("about_clients",)

import typing as t

from .._endpoint.record import read_records
from .._fleet.fleet import Fleet
from .._options.clients import Client

#: How many daemons a warning names.
_SHOWN = 5


def about_clients(
    fleet: Fleet, host: str, clients: t.Sequence[Client], *, before: t.Sequence[t.Any], knows_rights: bool
) -> list[str]:
    """Return warnings. C(before): the clients as they were written for the last run on the host.

    C(knows_rights): with the host's method, nobody but these clients has access, each with its rights.
    """
    if knows_rights:
        return _about_rights(fleet, host, [client.name for client in clients if client.rights != "full"])
    if not before:
        return []
    from .._fleet.leaving import about_leaving

    return about_leaving(fleet, before, [client.name for client in clients])


def _about_rights(fleet: Fleet, host: str, limited: t.Sequence[str]) -> list[str]:
    """Name the daemons that let these clients do everything: dockerd itself knows no rights."""
    if not limited:
        return []
    records = read_records(fleet.endpoints_folder)
    others = [record.name for record in records if record.method != "gateway" and record.name != host]
    if not others:
        return []
    shown = ", ".join(others[:_SHOWN]) + (f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else "")
    return [
        f"{', '.join(limited)} may only read on daemons with method gateway, and has full rights on {shown}, which the "
        "same fleet exposes by other methods. Give them a fleet of their own, or method gateway too."
    ]
