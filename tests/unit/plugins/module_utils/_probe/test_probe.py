# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many probes at once, of servers on loopback: none waits for another, and none outlasts its time."""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import socket
import ssl
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.api.sdk import ask_api
from ansible_collections.gangway.docker.plugins.module_utils._probe.api.versions import Range
from ansible_collections.gangway.docker.plugins.module_utils._probe.deadline import Deadline
from ansible_collections.gangway.docker.plugins.module_utils._probe.probe import probe
from ansible_collections.gangway.docker.plugins.module_utils._probe.request import Api, Request, Result
from ansible_collections.gangway.docker.plugins.module_utils._probe.target import Target, parse_target
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.contexts import ClientTls
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

Serve = t.Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet's folder, with a client and a server."""
    fleet = Fleet(str(tmp_path_factory.mktemp("fleets")), "default")
    ensure_bundles(fleet, ["ci"], [{"name": "loopback", "tls_sans": ["127.0.0.1"]}])
    return fleet.folder


@contextlib.contextmanager
def _listening(serve: Serve) -> t.Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)
        listener.close()


def _dockerd(folder: Path, *, ahead: float = 0, head: str = "200 OK", body: bytes = b"OK") -> Serve:
    """Mutual TLS, a ping answered, and all else in the same way as given; its clock may be ahead, by seconds."""
    bundle = folder / "servers" / "loopback"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(bundle / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")

    def serve(connection: socket.socket) -> None:
        date = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead)
        fields = (
            "\r\nApi-Version: 1.51\r\nServer: Docker/28.5.2 (linux)\r\n"
            f"Date: {email.utils.format_datetime(date, usegmt=True)}\r\n"
            "Connection: close\r\n"
        )
        connection.settimeout(10)
        with contextlib.suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as secured:
            is_ping = b"/_ping " in secured.recv(4096)
            status, text = ("200 OK", b"OK") if is_ping else (head, body)
            length = f"Content-Length: {len(text)}\r\n\r\n"
            secured.sendall(f"HTTP/1.1 {status}{fields}{length}".encode() + text)

    return serve


def _hang(connection: socket.socket) -> None:
    with connection:
        threading.Event().wait(30)


def _request(folder: Path, url: str, **options: t.Any) -> Request:
    client = folder / "clients" / "ci"
    files = ClientTls(True, str(client / "ca.pem"), str(client / "cert.pem"), str(client / "key.pem"))
    return Request(parse_target(url), files, **options)


def test_without_the_api_a_ping_tells_what_it_can(folder: Path) -> None:
    with _listening(_dockerd(folder, ahead=3600)) as url:
        result = probe(_request(folder, url))
    assert (result.state, result.cure, result.tls_verified, result.tls_strict) == ("answers", None, True, True)
    assert result.api is not None
    assert (result.api.engine_version, result.api.version) == ("28.5.2", "1.51")
    assert result.clock_skew is not None
    assert abs(result.clock_skew - 3600) <= 2
    assert [finding.key for finding in result.findings] == ["clock_skew"]
    strangers = result.strangers
    assert {strangers.plain, strangers.no_certificate, strangers.foreign_certificate} == {"refused"}


@pytest.mark.parametrize(
    ("head", "body", "state"),
    [("200 OK", b"OK", "not_docker"), ("307 Moved\r\nLocation: http://127.0.0.1:1/", b"", "broken_off")],
)
def test_the_sdk_takes_no_other_answer_and_follows_nobody(folder: Path, head: str, body: bytes, state: str) -> None:
    def ask(target: Target, context: t.Any, name: str, deadline: Deadline) -> t.Iterator[Api]:
        return ask_api(target, context, name, Range("1.24", "1.45"), deadline)

    with _listening(_dockerd(folder, head=head, body=body)) as url:
        result = probe(_request(folder, url), ask)
    assert result.state == state, result.reason


def test_many_at_once(folder: Path) -> None:
    """40 endpoints, 8 of which accept and stay silent."""
    with _listening(_dockerd(folder)) as good, _listening(_hang) as bad:
        urls = [bad if number % 5 == 0 else good for number in range(40)]

        def ask(url: str) -> Result:
            return probe(_request(folder, url, timeout=4.0, as_strangers=False))

        started = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            states = [result.state for result in pool.map(ask, urls)]
        took = time.monotonic() - started
    assert states == ["silent" if number % 5 == 0 else "answers" for number in range(40)]
    assert took < 12


def test_strangers_have_what_the_client_leaves_of_the_time(folder: Path) -> None:
    """Whoever is known gets an answer, and everybody else waits."""
    serve, seen = _dockerd(folder), [0]

    def first_only(connection: socket.socket) -> None:
        seen[0] += 1
        (serve if seen[0] == 1 else _hang)(connection)

    with _listening(first_only) as url:
        started = time.monotonic()
        result = probe(_request(folder, url, timeout=2.0))
        assert time.monotonic() - started < 5
    assert result.state == "answers"
    assert "answered" not in (result.strangers.plain, result.strangers.no_certificate)
    assert result.findings == ()
