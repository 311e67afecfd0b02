# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recording endpoints of daemons that others expose, and forgetting them."""

from __future__ import annotations

__all__ = ("Change", "discard_copy", "forget", "record")

import contextlib
import shutil
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.record import EndpointRecord, read_record, remove_record, write_record
from .._fleet.fleet import Fleet
from .._fleet.on_disk.bundle import PRIVATE, PUBLIC, Files, loose_modes, read_bundle, write_bundle
from .._pki.brought import read_file
from .._pki.chain import as_pem, parse_chain, try_chain
from .._pki.freshness import fingerprint, not_after_of
from .._pki.names import names_in
from .endpoint import LAYOUT, ForeignEndpoint


@dataclass(frozen=True)
class Change:
    """What is to become of one endpoint. C(after) None: it is forgotten."""

    name: str
    before: EndpointRecord | None
    after: EndpointRecord | None
    #: Where a copy of the bundle is, or would be.
    folder: Path
    #: What it holds, and what it is to hold; empty: there is no copy.
    present: t.Mapping[str, bytes] = field(repr=False)
    wanted: t.Mapping[str, bytes] = field(repr=False)

    @property
    def changed(self) -> bool:
        return self.before != self.after or self.present != self.wanted or bool(self._drift)

    @property
    def _files(self) -> dict[str, tuple[bytes, int]]:
        return {name: (each, PRIVATE if name == "key.pem" else PUBLIC) for name, each in self.wanted.items()}

    @property
    def _drift(self) -> list[str]:
        return loose_modes(self.folder, self._files) if self.present and self.wanted else []

    def write(self, fleet: Fleet) -> None:
        """Call it under the fleet's lock. A record never names a bundle that is not there yet, or no longer."""
        if self.wanted:
            fleet.keep_out_of_repositories()
            files: Files = self._files
            write_bundle(self.folder, files)
        if self.after is None:
            remove_record(fleet.endpoints_folder, self.name)
        else:
            write_record(fleet.endpoints_folder, self.after)
        if self.present and not self.wanted:
            shutil.rmtree(self.folder)

    def as_diff(self) -> dict[str, str]:
        header = f"endpoint {self.name}"
        after = _describe(self.after, self.wanted) + "".join(f"corrected because: {each}\n" for each in self._drift)
        return {
            "before_header": header,
            "after_header": header,
            "before": _describe(self.before, self.present),
            "after": after,
        }


def record(fleet: Fleet, endpoint: ForeignEndpoint, *, copy: bool) -> Change:
    """Plan to record the endpoint. C(copy): its bundle as well, key included.

    Failures: C(invalid_name), C(endpoint_exposed), C(file_unreadable), C(certificate_unreadable), C(bundle_scattered).
    """
    before, folder = _present(fleet, endpoint.name)
    files = endpoint.files
    bundle: Path | None = None
    wanted: dict[str, bytes] = {}
    if files is not None:
        contents = {name: read_file(str(path)) for name, path in zip(LAYOUT, files)}
        for name, path in zip(LAYOUT[:2], files):
            parse_chain(contents[name], str(path))
        if copy or files.folder == folder:
            bundle, wanted = folder, contents
        elif files.folder is None:
            raise _scattered(endpoint.name)
        else:
            bundle = files.folder
    after = EndpointRecord(
        name=endpoint.name,
        url=endpoint.url,
        fleet=fleet.name,
        client="",
        listen=[],
        allow=[],
        method="",
        key_origin="",
        engine_version=None,
        issuer=None,
        trust=None,
        verified=None,
        refused=[],
        tls=files is not None,
        foreign=True,
        bundle=None if bundle is None else str(bundle),
        **_of_server(endpoint),
    )
    return Change(endpoint.name, before, after, folder, _copy_in(folder), wanted)


def forget(fleet: Fleet, name: str) -> Change:
    """Plan to forget the endpoint; only a copy of its bundle goes with it. Failures: as M(record)."""
    before, folder = _present(fleet, name)
    return Change(name, before, None, folder, _copy_in(folder), {})


def discard_copy(fleet: Fleet, name: str) -> None:
    """Remove the copy of a bundle, if there is one, since the fleet exposes the daemon itself now."""
    # A host may have a name that no such endpoint can have.
    with contextlib.suppress(Failure, FileNotFoundError):
        shutil.rmtree(fleet.other_folder(name))


def _present(fleet: Fleet, name: str) -> tuple[EndpointRecord | None, Path]:
    folder = fleet.other_folder(name)
    before = read_record(fleet.endpoints_folder, name)
    if before is not None and not before.foreign:
        raise Failure(
            "endpoint_exposed",
            thing=f"endpoint {name!r}",
            reason=f"fleet {fleet.name!r} exposes a daemon of this name itself ({before.url})",
            cure="Choose another name or fleet; to stop exposing it, run gangway.docker.withdraw",
        )
    return before, folder


def _copy_in(folder: Path) -> dict[str, bytes]:
    return read_bundle(folder, LAYOUT)


def _of_server(endpoint: ForeignEndpoint) -> dict[str, t.Any]:
    """Return what the record has of the server's certificate."""
    if not endpoint.server:
        return {"server_names": [], "not_after": "", "fingerprint": "", "certificate": ""}
    certificate = endpoint.server[0]
    return {
        "server_names": names_in(certificate),
        "not_after": not_after_of(certificate),
        "fingerprint": fingerprint(certificate),
        "certificate": as_pem(endpoint.server).decode(),
    }


def _describe(record: EndpointRecord | None, copied: t.Mapping[str, bytes]) -> str:
    if record is None:
        return ""
    lines = [f"url: {record.url}", f"bundle: {record.bundle or 'none, and no TLS'}"]
    chain = try_chain(copied.get("cert.pem", b""))
    if chain:
        lines.append(f"copied: ca.pem, key.pem, and cert.pem with the fingerprint {fingerprint(chain[0])}")
    if record.fingerprint:
        lines.append(f"server: {record.fingerprint}, valid until {record.not_after}")
    return "".join(f"{line}\n" for line in lines)


def _scattered(name: str) -> Failure:
    return Failure(
        "bundle_scattered",
        thing=f"the bundle of {name!r}",
        reason=f"clients look for {', '.join(LAYOUT)} in one folder, and its files are not there under these names",
        cure="Make links of these names in one folder, and give that as cert_path; or set copy, which copies the key",
    )
