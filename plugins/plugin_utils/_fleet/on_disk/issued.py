# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients' certificates that a fleet has issued: when one client is shut out, all others have to be known.

<fleets_dir>/<fleet>/issued/<serial number in hex>.pem
                      removed/   the same, of clients that were taken off their machine
"""

from __future__ import annotations

__all__ = ("forget", "issued_to", "note_issued", "note_removed", "read_issued", "read_removed")

import datetime
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509, x509_oid

from ..._pki.chain import as_pem, try_chain
from . import bundle


def note_issued(folder: Path, certificates: t.Iterable[x509.Certificate]) -> None:
    """Remember them; call it before the certificates are handed out."""
    files = {_path(folder, certificate).name: (as_pem([certificate]), bundle.PUBLIC) for certificate in certificates}
    bundle.write_new_files(folder, files)


def read_issued(folder: Path, now: datetime.datetime) -> list[x509.Certificate]:
    """Return those that have not expired, in the order of their serial numbers.

    A file that can't be read is half of one that a crash kept from being handed out.
    """
    found = [certificate for path in sorted(folder.glob("*.pem")) for certificate in try_chain(path.read_bytes())]
    return [certificate for certificate in found if certificate.not_valid_after_utc > now]


def note_removed(folder: Path, certificate: x509.Certificate) -> None:
    """Remember that its key was deleted: nobody waits for it any more, and the next revocation leaves it out."""
    path = _path(folder, certificate)
    if path.exists():
        bundle.make_private_folder(_removed(folder))
        path.replace(_removed(folder) / path.name)


def read_removed(folder: Path, now: datetime.datetime) -> list[x509.Certificate]:
    """Return those whose key was deleted, and that have not expired."""
    return read_issued(_removed(folder), now)


def issued_to(certificate: x509.Certificate) -> str:
    """Return the client's name."""
    attributes = certificate.subject.get_attributes_for_oid(x509_oid.NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def forget(folder: Path, certificates: t.Iterable[x509.Certificate]) -> None:
    for certificate in certificates:
        for place in (folder, _removed(folder)):
            _path(place, certificate).unlink(missing_ok=True)


def _removed(folder: Path) -> Path:
    return folder / "removed"


def _path(folder: Path, certificate: x509.Certificate) -> Path:
    return folder / f"{certificate.serial_number:040x}.pem"
