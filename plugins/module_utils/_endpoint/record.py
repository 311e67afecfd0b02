# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint record: one exposed daemon as a client sees it, in a JSON file that lookup and inventory read."""

from __future__ import annotations

__all__ = ("EndpointRecord", "read_record", "record_path", "remove_record", "write_record")

import contextlib
import json
import os
import typing as t
import urllib.parse
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .._failure import Failure
from .._pki.bundle import make_private_folder


@dataclass(frozen=True)
class EndpointRecord:
    """Nothing in it is secret. Times are ISO 8601 in UTC, fingerprints SHA-256 in hex over the DER form."""

    name: str
    #: What clients put into DOCKER_HOST, always with a port.
    url: str
    fleet: str
    #: The client identity that lookups take when none is named.
    client: str
    server_names: list[str]
    not_after: str
    fingerprint: str
    #: The server's certificate in PEM, to judge its freshness without asking the host.
    certificate: str
    listen: list[str]
    allow: list[str]
    method: str
    #: Where the server's key was made: host, controller, or brought by the user.
    key_origin: str
    engine_version: t.Optional[str]
    #: True: seen working from the controller; False: tried in vain; None: not tried.
    verified: t.Optional[bool]

    def as_facts(self) -> dict[str, t.Any]:
        return {key: value for key, value in asdict(self).items() if key != "certificate"}


def record_path(endpoints_folder: Path, name: str) -> Path:
    """Return the record's file; what a file name can't hold is written as in URLs."""
    return endpoints_folder / f"{urllib.parse.quote(name, safe='')}.json"


def read_record(endpoints_folder: Path, name: str) -> EndpointRecord | None:
    """Return the record, or None where there is none. Failure: C(record_unreadable)."""
    path = record_path(endpoints_folder, name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return EndpointRecord(**{field.name: content[field.name] for field in fields(EndpointRecord)})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise Failure(
            "record_unreadable",
            thing=str(path),
            reason=f"it is no endpoint record ({exc!r})",
            cure="Remove the file and expose the host again; nothing on the host is lost",
        ) from exc


def write_record(endpoints_folder: Path, record: EndpointRecord) -> None:
    """Write the record as a whole, where it differs from what is there."""
    path = record_path(endpoints_folder, record.name)
    content = json.dumps(asdict(record), indent=2) + "\n"
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == content:
            return
    make_private_folder(endpoints_folder)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def remove_record(endpoints_folder: Path, name: str) -> None:
    record_path(endpoints_folder, name).unlink(missing_ok=True)
