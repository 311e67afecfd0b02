# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in the fleets' folders, read without changing or locking anything.

What can't be read is a finding, not an error: people look here when something is wrong.
"""

from __future__ import annotations

__all__ = ("ClientFiles", "FleetFiles", "Unreadable", "fleet_names", "read_fleet")

import datetime
import typing as t
import urllib.parse
from dataclasses import dataclass, fields
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.record import EndpointRecord, read_record, record_path
from .._fleet.fleet import Fleet
from .._fleet.on_disk.issued import issued_to, read_issued, read_removed
from .._pki.authority import Authority
from .._pki.chain import try_chain


@dataclass(frozen=True)
class Unreadable:
    """Something that is there and can't be used. C(kind): endpoint, client, authority."""

    kind: str
    name: str
    failure: Failure


@dataclass(frozen=True)
class ClientFiles:
    """The certificates of one client that are known, and where they are."""

    name: str
    certificates: tuple[x509.Certificate, ...]
    places: tuple[str, ...]
    revoked: bool


@dataclass(frozen=True)
class FleetFiles:
    """One fleet's folder, read at one moment."""

    name: str
    records: tuple[EndpointRecord, ...] = ()
    authority: Authority | None = None
    clients: tuple[ClientFiles, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


def fleet_names(fleets_dir: Path) -> list[str]:
    """Return the names of the folders that hold a fleet. Failure: C(fleets_dir_unreadable)."""
    try:
        folders = [path for path in sorted(fleets_dir.iterdir()) if not path.name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise Failure(
            "fleets_dir_unreadable",
            thing=f"fleets_dir {str(fleets_dir)!r}",
            reason=f"it can't be read ({exc.strerror})",
            cure="Run Ansible as its owner, or set fleets_dir to the folder that holds the fleets",
        ) from exc
    return [path.name for path in folders if any((path / part).is_dir() for part in ("authority", "endpoints"))]


def read_fleet(fleet: Fleet, now: datetime.datetime) -> FleetFiles:
    """Return what the folder holds. Failure: C(fleet_missing)."""
    if not fleet.folder.is_dir():
        raise Failure(
            "fleet_missing",
            thing=f"fleet {fleet.name!r}",
            reason=f"there is no folder {fleet.folder}",
            cure="Correct fleets or fleets_dir, or expose a host in this fleet",
        )
    unreadable: list[Unreadable] = []
    authority = None
    try:
        authority = fleet.authority()
    except Failure as exc:
        unreadable.append(Unreadable("authority", fleet.name, exc))
    except OSError as exc:
        unreadable.append(Unreadable("authority", fleet.name, _no_access(fleet.authority_folder, exc)))
    records = []
    for path in sorted(fleet.endpoints_folder.glob("[!.]*.json")):
        name = urllib.parse.unquote(path.stem)
        try:
            records.append(_record(fleet, path, name))
        except Failure as exc:
            unreadable.append(Unreadable("endpoint", name, exc))
    clients = _clients(fleet, now, unreadable)
    return FleetFiles(fleet.name, tuple(records), authority, clients, tuple(unreadable))


def _record(fleet: Fleet, path: Path, name: str) -> EndpointRecord:
    record = read_record(fleet.endpoints_folder, name) if path == record_path(fleet.endpoints_folder, name) else None
    wrong = "name" if record is None or record.name != name else _wrong_field(record)
    if record is None or wrong is not None:
        raise Failure(
            "record_unreadable",
            thing=str(path),
            reason=f"it is no endpoint record (wrong: {wrong})",
            cure="Remove the file and expose the host again; nothing on the host is lost",
        )
    return record


def _wrong_field(record: EndpointRecord) -> str | None:
    """Return the name of a field that has another type than records have."""
    types = t.get_type_hints(EndpointRecord)
    wrong = (each.name for each in fields(record) if not _fits(getattr(record, each.name), types[each.name]))
    return next(wrong, None)


def _fits(value: t.Any, kind: t.Any) -> bool:
    origin, arguments = t.get_origin(kind), t.get_args(kind)
    if origin is t.Union:
        return any(_fits(value, each) for each in arguments)
    if origin is list:
        return isinstance(value, list) and all(_fits(each, arguments[0]) for each in value)
    return isinstance(value, origin or kind)


def _clients(fleet: Fleet, now: datetime.datetime, unreadable: list[Unreadable]) -> tuple[ClientFiles, ...]:
    """Return the clients here and on machines, and those of whom nothing but an issued certificate is known."""
    certificates: dict[str, list[x509.Certificate]] = {}
    places: dict[str, list[str]] = {}

    def found(name: str, place: str, certificate: x509.Certificate) -> None:
        certificates.setdefault(name, []).append(certificate)
        places.setdefault(name, []).append(place)

    folders = [path for kind in ("clients", "revoked") for path in sorted((fleet.folder / kind).glob("[!.]*"))]
    revoked = {path.name for path in folders if path.parent.name == "revoked"}
    for folder in folders:
        path = folder / "cert.pem"
        try:
            chain = try_chain(path.read_bytes())
            if not chain:
                raise ValueError("this is not a certificate in PEM")
        except (OSError, ValueError) as exc:
            if folder.name not in revoked:
                unreadable.append(Unreadable("client", folder.name, _no_access(path, exc)))
            continue
        if folder.parent.name == "clients":
            found(folder.name, "controller", chain[0])
        else:
            certificates.setdefault(folder.name, []).append(chain[0])
    for machine, certificate in fleet.certificates_on_machines():
        found(issued_to(certificate), urllib.parse.unquote(machine), certificate)
    removed = read_removed(fleet.issued_folder, now)
    for certificate in read_issued(fleet.issued_folder, now):
        if certificate not in removed:
            certificates.setdefault(issued_to(certificate), []).append(certificate)
    return tuple(
        ClientFiles(name, tuple(certificates[name]), tuple(places.get(name, ())), name in revoked)
        for name in sorted(certificates)
    )


def _no_access(path: Path, exc: OSError | ValueError) -> Failure:
    return Failure(
        "file_unreadable",
        thing=str(path),
        reason=f"it can't be read ({getattr(exc, 'strerror', None) or exc})",
        cure="Run Ansible as the owner of the folder, or restore the file from a backup",
    )
