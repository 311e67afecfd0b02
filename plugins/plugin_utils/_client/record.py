# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller remembers of a client on another machine: its certificate and those behind it, in a PEM file.

<fleets_dir>/<fleet>/machines/<inventory_hostname>/<client>.pem

With it, the controller knows what is due before it asks the machine. Where it is lost, the machine shows what it has.
"""

from __future__ import annotations

__all__ = ("read_machine_record", "remove_machine_record", "write_machine_record")

import contextlib
import urllib.parse
from pathlib import Path

from .._fleet.on_disk.bundle import PUBLIC, make_private_folder, replace_file
from .._pki.chain import Chain, as_pem, try_chain


def read_machine_record(machines_folder: Path, host: str, client: str) -> Chain:
    """Return the chain; none where there is no record, or it can't be read."""
    with contextlib.suppress(OSError):
        return try_chain(_path(machines_folder, host, client).read_bytes())
    return ()


def write_machine_record(machines_folder: Path, host: str, client: str, chain: Chain) -> None:
    """Write it; call it under the fleet's lock."""
    path = _path(machines_folder, host, client)
    make_private_folder(path.parent)
    replace_file(path, as_pem(chain), PUBLIC)


def remove_machine_record(machines_folder: Path, host: str, client: str) -> None:
    path = _path(machines_folder, host, client)
    path.unlink(missing_ok=True)
    for folder in (path.parent, machines_folder):
        # Other clients, or other machines, may be there.
        with contextlib.suppress(OSError):
            folder.rmdir()


def _path(machines_folder: Path, host: str, client: str) -> Path:
    """What a file name can't hold is written as in URLs."""
    return machines_folder / urllib.parse.quote(host, safe="") / f"{urllib.parse.quote(client, safe='')}.pem"
