# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer to a ping says."""

from __future__ import annotations

import socket
import threading

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.deadline import Deadline
from ansible_collections.gangway.docker.plugins.module_utils._probe.exchange import Pong, check_pong, ping
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import Problem


def _pong(status: int, body: str = "OK", api_version: str | None = "1.51") -> Pong:
    return Pong(status, body, api_version, "28.5.2", 0.0)


def test_dockerd_answers() -> None:
    check_pong(_pong(200))


@pytest.mark.parametrize(
    ("pong", "state", "told"),
    [
        (_pong(403, '{"message":"authorization denied by plugin x"}'), "rights_refused", "denied by plugin x)"),
        (_pong(401, ""), "rights_refused", "(HTTP 401)"),
        (_pong(503, "not\nyet"), "unhealthy", "(HTTP 503 not yet)"),
        (_pong(500, "[1]"), "unhealthy", "(HTTP 500 [1])"),
        (_pong(200, "hello", None), "not_docker", "hello"),
        (_pong(404, "", None), "not_docker", "404"),
        (_pong(301), "not_docker", "301"),
        (_pong(400, "Client sent an HTTP request to an HTTPS server.\n", None), "tls_required", "speaks TLS"),
    ],
)
def test_something_else(pong: Pong, state: str, told: str) -> None:
    with pytest.raises(Problem) as problem:
        check_pong(pong)
    assert problem.value.state == state
    assert told in problem.value.reason


@pytest.mark.parametrize(("host", "header"), [("web1", b"web1"), ("10.0.0.5", b"10.0.0.5"), ("fd77::d", b"[fd77::d]")])
def test_a_ping_names_the_host(host: str, header: bytes) -> None:
    """A group of digits at the end of an IPv6 address is no port."""
    ours, theirs = socket.socketpair()
    asked = []

    def serve() -> None:
        asked.append(theirs.recv(4096))
        theirs.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with ours, theirs:
        assert ping(ours, host, Deadline(10)) == Pong(200, "OK", "1.51", None, None)
        thread.join(timeout=10)
    assert b"\r\nHost: " + header + b"\r\n" in asked[0]
