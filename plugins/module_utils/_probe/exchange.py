# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ping over an open connection, and what the answer says."""

from __future__ import annotations

__all__ = ("Pong", "check_pong", "ping")

import contextlib
import datetime
import email.utils
import http.client
import json
import socket
import typing as t
from dataclasses import dataclass

from .deadline import Deadline, run_within
from .states import Problem

#: The beginning of a TLS alert or handshake record (RFC 8446, 5.1), as an HTTP client reads it.
_TLS_RECORDS = ("\x15\x03", "\x16\x03")
#: What Go's server answers to HTTP where it expects TLS.
_GO_WANTS_TLS = "HTTP request to an HTTPS server"
_LIMIT = 4096


@dataclass(frozen=True)
class Pong:
    """An HTTP answer to C(GET /_ping)."""

    status: int
    body: str
    #: The Engine API's newest version there; None: it is no Engine API that answers.
    api_version: t.Optional[str]
    #: From C(Server: Docker/28.5.2 (linux)).
    engine_version: t.Optional[str]
    #: How many seconds the daemon's clock is ahead of this one.
    clock_skew: t.Optional[float]

    @property
    def wants_tls(self) -> bool:
        return self.status == 400 and _GO_WANTS_TLS in self.body


def ping(connection: socket.socket, host: str, deadline: Deadline) -> Pong:
    """Ask over a connection, with TLS or without; C(host): a name or address, without a port.

    Raises OSError and http.client.HTTPException. Problem: C(tls_required).
    """
    header = f"[{host}]" if ":" in host else host
    connection.settimeout(deadline.left())

    def ask() -> Pong:
        # It would take the end of an IPv6 address for a port. The connection is there already.
        client = http.client.HTTPConnection("docker")
        client.sock = connection
        client.request("GET", "/_ping", headers={"Host": header, "Connection": "close"})
        response = client.getresponse()
        body = response.read(_LIMIT).decode(errors="replace")
        return Pong(
            response.status,
            body,
            response.getheader("Api-Version"),
            _engine_version(response.getheader("Server", "")),
            _skew(response.getheader("Date")),
        )

    try:
        return run_within(deadline, ask)
    except http.client.BadStatusLine as exc:
        if str(exc).startswith(_TLS_RECORDS):
            raise Problem("tls_required", "the port speaks TLS, and the client does not") from None
        raise


def check_pong(pong: Pong) -> None:
    """Raise Problem unless dockerd has answered well."""
    if pong.wants_tls:
        raise Problem("tls_required", "the port speaks TLS, and the client does not")
    said = f"HTTP {pong.status} {_message(pong.body)}".strip()
    if pong.status in (401, 403):
        raise Problem("rights_refused", f"the client is known, and may not do this ({said})")
    if pong.status >= 500:
        raise Problem("unhealthy", f"the daemon reports an error ({said})")
    if pong.status != 200 or pong.api_version is None:
        raise Problem("not_docker", f"what answers is not a Docker Engine API ({said})")


def _message(body: str) -> str:
    """Return what dockerd says in JSON, or the text, in one line."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        body = str(json.loads(body)["message"])
    return " ".join(body.split())[:200]


def _engine_version(server: str) -> t.Optional[str]:
    name, _slash, rest = server.partition("/")
    return rest.split(" ")[0] or None if name == "Docker" else None


def _skew(date: t.Optional[str]) -> t.Optional[float]:
    """The header has whole seconds, so half a second is added on average."""
    try:
        theirs = email.utils.parsedate_to_datetime(date or "")
    except (TypeError, ValueError, IndexError):
        return None
    if theirs.tzinfo is None:
        return None
    ours = datetime.datetime.now(datetime.timezone.utc)
    return round((theirs - ours).total_seconds() + 0.5)
