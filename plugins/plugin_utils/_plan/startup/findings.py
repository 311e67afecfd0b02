# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What collides with our listener, by file and line: other listeners, TLS settings, another ExecStart."""

from __future__ import annotations

__all__ = ("Finding", "find", "is_unprotected")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .command_line import read_startup
from .daemon_json_hosts import entries, is_tcp
from .socket_streams import streams
from .sources import Source

#: strconv.ParseBool's, which dockerd reads a flag with.
_TRUE = ("", "1", "t", "T", "true", "TRUE", "True")


@dataclass(frozen=True)
class Finding:
    """What collides, and its place.

    C(kind), stable: C(tcp_host) (a -H for TCP), C(tls_flag), C(exec_start) (a drop-in's ExecStart that is in force),
    C(hosts_key) (an entry of C(hosts) in daemon.json), C(tls_key) (in daemon.json), C(tcp_stream) (ListenStream=).
    """

    path: str
    #: The first line is 1.
    line: int
    #: As it is written.
    what: str
    kind: str
    #: The TCP address that it opens, as -H or ListenStream= has it; empty if none.
    address: str = ""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def find(sources: t.Sequence[Source]) -> list[Finding]:
    """Return all that collides, in the order of the sources (which is systemd's) and of their lines.

    Only what is in force: no comments, nothing that an empty assignment clears, no variable that ExecStart does not
    use or that is set again later. Failure: C(daemon_json_malformed).
    """
    found: dict[tuple[int, int, str], Finding] = {}

    def note(source: Source, offset: int, what: str, kind: str, address: str = "") -> None:
        finding = Finding(source.path, source.line(offset), what, kind, address)
        found[sources.index(source), offset, kind] = finding

    reading = read_startup(sources)
    for line in reading.command_lines:
        if line.source.kind == "drop_in" and line.source.path != layout.EXEC_DROP_IN:
            note(line.source, line.assignment.start, f"ExecStart={line.written}", "exec_start")
    for flag in reading.flags:
        first = flag.tokens[0]
        what = " ".join(token.written for token in flag.tokens)
        if flag.kind == "tls":
            note(first.source, first.word.start, what, "tls_flag")
        elif is_tcp(flag.value):
            note(first.source, first.word.start, what, "tcp_host", flag.value)
    for source in sources:
        if source.kind == "daemon_json":
            for entry in entries(source):
                kind = "hosts_key" if entry.key == "hosts" else "tls_key"
                address = entry.host if entry.host and is_tcp(entry.host) else ""
                note(source, entry.offset, entry.written, kind, address)
    for stream in streams(sources):
        if stream.is_tcp:
            note(stream.source, stream.assignment.start, f"ListenStream={stream.value}", "tcp_stream", stream.value)
    return [found[key] for key in sorted(found)]


def is_unprotected(sources: t.Sequence[Source]) -> bool:
    """Return whether dockerd listens on TCP without requiring a certificate from each client.

    That takes tlsverify and tlscacert together, as flags or in daemon.json: without tlscacert, dockerd accepts clients
    of any public CA.
    """
    if not any(finding.address for finding in find(sources)):
        return False
    verified, client_ca = False, ""
    for source in sources:
        if source.kind == "daemon_json":
            settings = parse(source.text)
            verified = verified or settings.get("tlsverify") is True
            client_ca = str(settings.get("tlscacert") or client_ca)
    for flag in read_startup(sources).flags:
        if flag.name == "--tlsverify":
            verified = flag.value in _TRUE
        elif flag.name == "--tlscacert":
            client_ca = flag.value
    return not (verified and client_ca)
