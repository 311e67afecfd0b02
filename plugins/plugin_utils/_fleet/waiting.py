# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a rotation waits for: endpoints by their records, and clients by the certificates that they were issued."""

from __future__ import annotations

__all__ = ("Seen", "check_none_waits", "waiting_to_drop", "waiting_to_end")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki import clock
from .._pki.authority import Authority
from .._pki.freshness import fingerprint
from .fleet import Fleet
from .on_disk.issued import issued_to, read_issued


class Seen(t.Protocol):
    """The fields of an endpoint record that a rotation depends on."""

    @property
    def name(self) -> str: ...
    @property
    def issuer(self) -> str | None: ...
    @property
    def trust(self) -> str | None: ...
    @property
    def verified(self) -> bool | None: ...


def waiting_to_drop(fleet: Fleet, seen: t.Iterable[Seen]) -> dict[str, str]:
    """Return who does not have the new authority yet, and why that is known."""
    authority = fleet.required_authority()
    return dict([*_waiting_endpoints(authority, seen), *_waiting_clients(fleet, authority)])


def waiting_to_end(seen: t.Iterable[Seen], trust: str) -> dict[str, str]:
    """Return which daemons do not trust the new authority alone yet. C(trust): the digest of whom they are to trust."""
    return {record.name: "still trusts the old authority" for record in seen if record.trust not in (None, trust)}


def _waiting_endpoints(authority: Authority, seen: t.Iterable[Seen]) -> t.Iterator[tuple[str, str]]:
    ours = fingerprint(authority.certificate)
    for record in seen:
        if record.issuer is None:
            continue
        if record.issuer != ours:
            yield record.name, "has a certificate of the old authority still"
        elif record.verified is False:
            # None: not tried, since the access list leaves the controller out. The host has seen its port show it.
            yield record.name, "does not work from the controller"


def _waiting_clients(fleet: Fleet, authority: Authority) -> t.Iterator[tuple[str, str]]:
    """Clients on other machines, whose certificates no run on this controller replaces."""
    for machine, certificate in fleet.certificates_on_machines():
        name = issued_to(certificate)
        if authority.outlasts_rotation(certificate) or certificate.not_valid_after_utc <= clock.now():
            continue
        if not fleet.revoked_folder(name).exists():
            yield name, f"has a certificate of the old authority on {machine}"
    issued = read_issued(fleet.issued_folder, clock.now())
    renewed = {issued_to(certificate) for certificate in issued if authority.outlasts_rotation(certificate)}
    for name in sorted({issued_to(certificate) for certificate in issued} - renewed):
        if not fleet.revoked_folder(name).exists():
            yield name, "is a client with a certificate of the old authority only"


def check_none_waits(waiting: t.Mapping[str, str], leave_behind: t.Collection[str]) -> None:
    """Raise C(rotation_unfinished) if anybody waits whom nobody wants to leave behind."""
    names = [name for name in waiting if name not in leave_behind]
    if names:
        raise Failure(
            "rotation_unfinished",
            thing=", ".join(names),
            reason="; ".join(f"{name} {waiting[name]}" for name in names),
            cure="Both authorities stay trusted. Bring them up, or run the role client for them, and run the playbook "
            "again; to proceed without them, name them in rotate_leave_behind",
            waiting=names,
        )
