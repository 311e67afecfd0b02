# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of hosts and the TLS keys in daemon.json, and daemon.json without them."""

from __future__ import annotations

__all__ = ("ACTIVATED", "DEFAULT_SOCKET", "Entry", "entries", "is_tcp", "without_tcp_and_tls")

import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import (
    MalformedDaemonJson,
    parse,
    restore,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .sources import Source, unsupported

TLS_KEYS = ("tlsverify", "tlscacert", "tlscert", "tlskey")
#: dockerd's own default; docker.socket listens there too. /var/run is a link to /run.
DEFAULT_SOCKET = ("", "unix://", "unix:///var/run/docker.sock", "unix:///run/docker.sock")
#: All the sockets that systemd hands over.
ACTIVATED = ("fd://", "fd://*")
_COMMA = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class Entry:
    """An entry of C(hosts), or a TLS key: its place and how it is written."""

    key: str
    offset: int
    written: str
    #: The address, for an entry of C(hosts).
    host: str | None = None


def is_tcp(address: str) -> bool:
    """Return whether this value of -H is TCP: dockerd reads an address without a scheme as C(tcp://)."""
    scheme, colon, _rest = address.strip().partition("://")
    return scheme != "" and (not colon or scheme == "tcp")


def entries(source: Source) -> list[Entry]:
    """Return each entry of hosts (C(hosts) itself if it has none), then the TLS keys.

    Failure: C(daemon_json_malformed).
    """
    settings = _settings(source)
    found: list[Entry] = []
    for key in ("hosts", "tls", *TLS_KEYS):
        if key not in settings:
            continue
        # Up to the value, the text with another one is the same.
        mark = json.dumps(f"{source.text} ")
        offset = restore(source.text, {key: mark}).index(mark)
        if key == "hosts" and isinstance(settings[key], list) and settings[key]:
            found += _hosts(source.text, _skip(source.text, offset + 1))
        else:
            found.append(Entry(key, offset, f"{json.dumps(key)}: {json.dumps(settings[key])}"))
    return found


def without_tcp_and_tls(source: Source, *, activated: bool) -> str:
    """Return daemon.json without TLS and without hosts.

    C(activated): dockerd gets -H fd:// on its command line. Failures: C(adopt_unsupported) for another socket, which
    would be lost, C(daemon_json_malformed).
    """
    hosts = [entry for entry in entries(source) if entry.key == "hosts"]
    if any(entry.host is None for entry in hosts) and _settings(source)["hosts"] != []:
        raise unsupported(source, hosts[0].offset, "hosts is not a list of addresses")
    kept = [entry for entry in hosts if entry.host and not is_tcp(entry.host)]
    alone = (*DEFAULT_SOCKET, *(ACTIVATED if activated else ()))
    extra = [entry for entry in kept if entry.host not in alone]
    if extra:
        reason = f"dockerd can't take {extra[0].written} from this file while our listener is in place"
        raise unsupported(source, extra[0].offset, reason)
    return restore(source.text, dict.fromkeys(("tls", *TLS_KEYS, "hosts")))


def _settings(source: Source) -> dict[str, t.Any]:
    try:
        return parse(source.text)
    except MalformedDaemonJson as exc:
        raise Failure(
            "daemon_json_malformed",
            thing=source.path,
            reason=f"dockerd would not start with it: {exc}",
            cure="Correct the file; nothing was changed",
        ) from exc


def _hosts(text: str, position: int) -> t.Iterator[Entry]:
    """Yield the entries of an array from its first one on."""
    while text[position] != "]":
        host, end = json.JSONDecoder().raw_decode(text, position)
        yield Entry("hosts", position, text[position:end], host if isinstance(host, str) else None)
        position = _skip(text, end)


def _skip(text: str, position: int) -> int:
    match = _COMMA.match(text, position)
    return match.end() if match else position
