# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint record: one exposed daemon as a client sees it, in a JSON file that lookup and inventory read."""

from __future__ import annotations

__all__ = (
    "EndpointRecord",
    "has_own_tls",
    "read_own_record",
    "read_record",
    "read_records",
    "record_path",
    "remove_record",
    "write_record",
)

import contextlib
import json
import typing as t
import urllib.parse
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.on_disk.bundle import PUBLIC, make_private_folder, replace_file


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
    #: The server's certificate and those behind it in PEM, to judge its freshness without asking the host.
    certificate: str
    #: The fingerprint of the authority that it comes from; None: it was brought.
    issuer: t.Optional[str]
    #: SHA-256 in hex over the file of the CAs and clients whom the daemon lets in.
    trust: t.Optional[str]
    listen: list[str]
    allow: list[str]
    method: str
    #: Where the server's key was made: host, controller, or brought by the user.
    key_origin: str
    engine_version: t.Optional[str]
    #: True: seen working from the controller; False: tried in vain; None: not tried.
    verified: t.Optional[bool]
    #: Revoked clients that were seen turned away.
    refused: list[str]
    #: Without it, nothing is known of certificates: the fields that tell of them are empty.
    tls: bool = True
    #: As it calls itself, such as Docker Engine or Podman Engine; None: nobody knows.
    engine: t.Optional[str] = None
    #: Entries of the option listen that name network interfaces of the host.
    interfaces: list[str] = field(default_factory=list)
    #: Options of the task that the other fields do not determine.
    options: dict[str, t.Any] = field(default_factory=dict)
    #: Somebody else exposes the daemon, under another authority. It is used, and nothing else: it has no client of the
    #: fleet, nothing is known of how it listens, and no renewal, rotation, revocation or withdrawal counts it.
    foreign: bool = False
    #: The folder with the client's ca.pem, cert.pem and key.pem, if the daemon is foreign and has TLS.
    bundle: t.Optional[str] = None

    def as_facts(self) -> dict[str, t.Any]:
        return {key: value for key, value in asdict(self).items() if key != "certificate"}


def record_path(endpoints_folder: Path, name: str) -> Path:
    """Return the record's file; what a file name can't hold is written as in URLs."""
    return endpoints_folder / f"{urllib.parse.quote(name, safe='')}.json"


def read_record(endpoints_folder: Path, name: str) -> EndpointRecord | None:
    """Return the record, or None where there is none. Failure: C(record_unreadable)."""
    return _read(record_path(endpoints_folder, name))


def read_own_record(endpoints_folder: Path, name: str) -> EndpointRecord | None:
    """Return the record if the fleet exposes the daemon. Failure: C(record_unreadable)."""
    record = read_record(endpoints_folder, name)
    return None if record is None or record.foreign else record


def read_records(endpoints_folder: Path, *, plain: bool = False, foreign: bool = False) -> list[EndpointRecord]:
    """Return those that a rotation or a revocation has to do with, by name. Failure: C(record_unreadable).

    C(plain): those of daemons without TLS, too. C(foreign): those of daemons that others expose, too.
    """
    records = [_read(path) for path in sorted(endpoints_folder.glob("[!.]*.json"))]
    return [
        record for record in records if record is not None and (plain or record.tls) and (foreign or not record.foreign)
    ]


def _read(path: Path) -> EndpointRecord | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # A record of an earlier release has not all of them; TypeError where one is missing that has no default.
        return EndpointRecord(
            **{each.name: content[each.name] for each in fields(EndpointRecord) if each.name in content}
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise Failure(
            "record_unreadable",
            thing=str(path),
            reason=f"it is no endpoint record ({exc!r})",
            cure="Remove the file and expose the host again; nothing on the host is lost",
        ) from exc


def has_own_tls(records: t.Iterable[EndpointRecord]) -> bool:
    """Whether a daemon among them checks certificates by itself, and so names all clients in handshakes."""
    return any(record.tls and record.method != "gateway" for record in records)


def write_record(endpoints_folder: Path, record: EndpointRecord) -> None:
    """Write the record as a whole, where it differs from what is there."""
    path = record_path(endpoints_folder, record.name)
    content = json.dumps(asdict(record), indent=2) + "\n"
    with contextlib.suppress(OSError):
        if path.read_text(encoding="utf-8") == content:
            return
    make_private_folder(endpoints_folder)
    replace_file(path, content.encode(), PUBLIC)


def remove_record(endpoints_folder: Path, name: str) -> None:
    record_path(endpoints_folder, name).unlink(missing_ok=True)
