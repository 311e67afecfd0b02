# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What collides with a listener of ours, by file and line: other listeners, TLS settings, another ExecStart."""

from __future__ import annotations

__all__ = ("Finding", "Source", "find", "in_the_clear")

import re
import typing as t
from dataclasses import dataclass

from .command_line import started
from .daemon_json import parse
from .listening_keys import entries, is_tcp
from .socket_streams import streams
from .sources import Source

#: strconv.ParseBool's, which dockerd reads a flag with.
_TRUE = ("", "1", "t", "T", "true", "TRUE", "True")


@dataclass(frozen=True)
class Finding:
    """What stands in the way, and where.

    C(kind), stable: C(tcp_host) (a -H for TCP), C(tls_flag), C(exec_start) (a drop-in's ExecStart that is in force),
    C(hosts_key) (an entry of C(hosts) in daemon.json), C(tls_key) (in daemon.json), C(tcp_stream) (ListenStream=).
    """

    path: str
    #: The first line is 1.
    line: int
    #: The words as they stand there.
    what: str
    kind: str
    #: What is listened on by it, if that is TCP: as -H or ListenStream= has it; empty otherwise.
    address: str = ""

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def find(sources: t.Sequence[Source]) -> list[Finding]:
    """Return all that collides, in the order of the sources (which is systemd's) and of their lines.

    Only what is in force: neither comments, nor what an empty assignment clears, nor a variable that no ExecStart
    refers to, nor one that is set again. Failure: C(daemon_json_malformed).
    """
    found: dict[tuple[int, int, str], Finding] = {}

    def note(source: Source, offset: int, what: str, kind: str, address: str = "") -> None:
        finding = Finding(source.path, source.line(offset), what, kind, address)
        found[sources.index(source), offset, kind] = finding

    reading = started(sources)
    for line in reading.command_lines:
        if line.source.kind == "drop_in":
            value = line.assignment.value.places
            written = line.source.text[value[0][0] : value[-1][1]]
            note(line.source, line.assignment.start, f"ExecStart={_on_one_line(written)}", "exec_start")
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


def in_the_clear(sources: t.Sequence[Source]) -> bool:
    """Tell whether dockerd listens on TCP without asking each client for a certificate.

    That takes tlsverify and tlscacert together, as flags or in daemon.json: without a CA of their own, dockerd lets in
    the clients of any public CA.
    """
    if not any(finding.address for finding in find(sources)):
        return False
    verified, client_ca = False, ""
    for source in sources:
        if source.kind == "daemon_json":
            settings = parse(source.text)
            verified = verified or settings.get("tlsverify") is True
            client_ca = str(settings.get("tlscacert") or client_ca)
    for flag in started(sources).flags:
        name = flag.tokens[0].text.partition("=")[0]
        if name == "--tlsverify":
            verified = flag.value in _TRUE
        elif name == "--tlscacert":
            client_ca = flag.value
    return not (verified and client_ca)


def _on_one_line(text: str) -> str:
    return " ".join(part for part in re.sub(r"\\\r?\n(\s*[#;].*\n)*", " ", text).split(" ") if part.strip())
