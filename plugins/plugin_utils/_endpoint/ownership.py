# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a daemon is: its authority may only change if somebody wants that."""

from __future__ import annotations

__all__ = ("Evidence", "check_new_authority", "check_owner", "remove_records")

import contextlib
import functools
import typing as t
import urllib.parse
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.fleet import Fleet
from .._fleet.on_disk.issued import issued_to, read_issued
from .._pki import clock
from .._pki.authority import Authority
from .._pki.chain import try_chain
from .._pki.freshness import fingerprint
from .host_trust import HostTrust, check_generations
from .record import EndpointRecord, read_own_record, read_record, read_records, remove_record


@dataclass(frozen=True)
class Evidence:
    """What the host shows: its certificate in PEM, and layout.TRUST; None: no such file. C(record): of this fleet.

    C(address): what Ansible connects to. It tells whether a host of this name in another fleet is the same machine.
    """

    host: str
    address: str
    certificate: bytes | None
    trust: bytes | None
    record: EndpointRecord | None


def check_owner(fleet: Fleet, evidence: Evidence, *, accept_older_trust: bool) -> None:
    """Refuse a host whose clients would lose their access, or revoked ones get it again.

    The host's own note decides, then its certificate. If it has neither, as after it was installed again, the records
    do. Failures: C(other_fleet), C(other_controller), C(trust_outdated), C(state_unreadable).
    """
    authority, host = fleet.authority(), evidence.host
    if evidence.trust is not None:
        trust = HostTrust.read(evidence.trust)
        if authority is None or not trust.has_begun_with(authority.generations):
            raise _refusal(fleet, host, trust.fleet, lambda other: trust.is_continued_by(other.generations))
        if not accept_older_trust:
            check_generations(fleet, host, trust, authority)
        return
    chain, record = try_chain(evidence.certificate), evidence.record
    if chain:
        if record is not None and record.issuer is None and chain == try_chain(record.certificate.encode()):
            # The user's own, which no fleet has signed.
            return
        if authority is None or not authority.knows(chain):
            raise _refusal(fleet, host, "", lambda other: other.knows(chain))
        return
    for kept in _records(fleet, host, evidence.address):
        if not _is_given_by(kept, authority):
            raise _refusal(fleet, host, kept.fleet, functools.partial(_is_given_by, kept))


def check_new_authority(fleet: Fleet, addresses: t.Mapping[str, str]) -> None:
    """Refuse to begin a fleet whose folder was renamed, or for hosts of another fleet. Failure: C(other_fleet).

    C(addresses): of the play's hosts, by name.
    """
    for other in _others(fleet):
        for record in _tolerant(read_records, other.endpoints_folder) or ():
            if record.issuer is not None and (record.fleet == fleet.name or _is_of(record, addresses.get(record.name))):
                raise _refusal(fleet, record.name, record.fleet, functools.partial(_is_given_by, record))


def remove_records(fleet: Fleet, host: str, address: str) -> None:
    """Remove the host's records: it belongs to no fleet any more. Those of daemons that others expose stay."""
    if (record := _tolerant(read_record, fleet.endpoints_folder, host)) is None or not record.foreign:
        remove_record(fleet.endpoints_folder, host)
    for other in _others(fleet):
        record = _tolerant(read_own_record, other.endpoints_folder, host)
        if record is not None and _is_of(record, address):
            remove_record(other.endpoints_folder, host)


def _records(fleet: Fleet, host: str, address: str) -> t.Iterator[EndpointRecord]:
    """Yield those of the host, in whichever fleet, that name an authority."""
    for each in (fleet, *_others(fleet)):
        record = _tolerant(read_own_record, each.endpoints_folder, host)
        if record is not None and record.issuer is not None and (each is fleet or _is_of(record, address)):
            yield record


def _is_of(record: EndpointRecord, address: str | None) -> bool:
    """Whether the record is of the machine at this address, which its certificate then contains."""
    return address is not None and address in (*record.server_names, urllib.parse.urlsplit(record.url).hostname)


def _is_given_by(record: EndpointRecord, authority: Authority | None) -> bool:
    """Whether the daemon was exposed under this authority, or one that it has replaced since."""
    if authority is None:
        return False
    known = [fingerprint(certificate) for certificate in (*authority.chain, *authority.former)]
    return record.issuer in known or record.trust in authority.generations


def _others(fleet: Fleet) -> list[Fleet]:
    """Return the other fleets in the same folder."""
    folders = sorted(path.parent for path in fleet.folder.parent.glob("[!.]*/authority"))
    found = []
    for folder in folders:
        if folder != fleet.folder:
            with contextlib.suppress(Failure):
                found.append(Fleet(str(folder.parent), folder.name, check_mode=True))
    return found


def _refusal(fleet: Fleet, host: str, name: str, owns: t.Callable[[Authority], bool]) -> Failure:
    """Return the failure for a host of another authority. C(name): of its fleet, if that is known."""
    for other in _others(fleet):
        authority = _tolerant(other.authority)
        if authority is not None and owns(authority):
            return _other_fleet(fleet, host, name or other.name, other)
    clients = _clients_of(fleet)
    return Failure(
        "other_controller",
        thing=host,
        reason=f"its daemon is exposed already{f' in fleet {name!r}' if name else ''}, under an authority that is not "
        f"in {fleet.folder.parent}; going on would lock out that authority's clients"
        + (f" ({', '.join(clients)})" if clients else ""),
        cure="Bring the fleet's folder here from the other controller or a backup; if it is lost for good, "
        "set replace_controller (expose_replace_controller in the role) for one run",
        clients=clients,
    )


def _other_fleet(fleet: Fleet, host: str, name: str, other: Fleet) -> Failure:
    clients = _clients_of(other)
    renamed = name == fleet.name and not fleet.authority_folder.exists()
    where = f"whose folder is {other.folder} now" if name != other.name else f"in {other.folder}"
    cure = (
        f"Rename the folder back: mv {other.folder} {fleet.folder}"
        if renamed
        else f"Set fleet: {other.name} (expose_fleet in the role)"
    )
    return Failure(
        "other_fleet",
        thing=host,
        reason=f"it belongs to fleet {name!r}, {where}; fleet {fleet.name!r} would give it another authority and lock "
        f"out {', '.join(clients) or 'all clients'}",
        cure=f"{cure}. To have fleet {fleet.name!r} take the host over, withdraw it first, or set replace_controller "
        "(expose_replace_controller in the role) for one run",
        clients=clients,
    )


def _clients_of(fleet: Fleet) -> list[str]:
    """Return the names of the clients that have a certificate of the fleet."""
    issued = read_issued(fleet.issued_folder, clock.now())
    here = [path.name for path in (fleet.folder / "clients").glob("[!.]*")]
    names = {*map(issued_to, issued), *here}
    return sorted(name for name in names if name and not (fleet.folder / "revoked" / name).exists())


_Read = t.TypeVar("_Read")


def _tolerant(read: t.Callable[..., _Read], *arguments: t.Any) -> _Read | None:
    """Return what it reads, or None: another fleet's folder that is damaged is none of this run's business."""
    with contextlib.suppress(Failure):
        return read(*arguments)
    return None
