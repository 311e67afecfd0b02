# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe, against real TLS servers on loopback: it says yes to mutual TLS as it should be, and else why not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.probe import probe_endpoint
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.authority_making import ensure_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_client, ensure_server
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from tests.attack import NETWORK, attack

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
BROKEN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\nConnection: close\r\n\r\nnot yet!"


@pytest.fixture(scope="module")
def fleets_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two fleets, each with a client and servers."""
    fleets_dir = tmp_path_factory.mktemp("fleets")
    for name in ("ours", "theirs"):
        fleet = Fleet(str(fleets_dir), name)
        ensure_authority(fleet)
        ensure_client(fleet, "ci")
        ensure_server(fleet, "loopback", ["127.0.0.1"])
        ensure_server(fleet, "elsewhere", ["192.0.2.1", "web1"])
    return fleets_dir


@contextlib.contextmanager
def _daemon(bundle: Path | None, answer: bytes = PONG) -> t.Iterator[str]:
    """A daemon that wants client certificates of the bundle's CA; None: one that speaks no TLS."""
    context = None
    if bundle is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(bundle / "ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                answer_one()

    def answer_one() -> None:
        plain, _address = listener.accept()
        plain.settimeout(5)
        with plain:
            if context is None:
                plain.recv(64)
                plain.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                return
            with context.wrap_socket(plain, server_side=True) as secured:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += secured.recv(4096)
                assert request.startswith(b"GET /_ping ")
                secured.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
            pass
        thread.join(timeout=10)
        listener.close()


def _ci(fleets_dir: Path, fleet: str = "ours") -> str:
    return str(fleets_dir / fleet / "clients" / "ci")


def test_an_endpoint_that_works_is_no_problem(fleets_dir: Path) -> None:
    with _daemon(fleets_dir / "ours" / "servers" / "loopback") as url:
        assert probe_endpoint(Connection(url, _ci(fleets_dir))) is None


def test_the_environment_has_no_say_in_whom_to_trust(fleets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(fleets_dir / "theirs" / "authority" / "ca.pem"))
    with _daemon(fleets_dir / "ours" / "servers" / "loopback") as url:
        assert probe_endpoint(Connection(url, _ci(fleets_dir))) is None
    with _daemon(fleets_dir / "theirs" / "servers" / "loopback") as url:
        assert "comes from no CA of" in str(probe_endpoint(Connection(url, _ci(fleets_dir))))


@attack(
    "Answers in the host's place, with another certificate",
    by=NETWORK,
    expected="The controller trusts no such server, and reports it",
)
@pytest.mark.parametrize(
    ("server", "told"),
    [
        ("theirs/servers/loopback", "comes from no CA of"),
        ("ours/servers/elsewhere", "the certificate is for web1, 192.0.2.1, not for 127.0.0.1"),
    ],
)
def test_a_server_that_is_not_who_it_should_be_is_told(fleets_dir: Path, server: str, told: str) -> None:
    with _daemon(fleets_dir / server) as url:
        assert told in str(probe_endpoint(Connection(url, _ci(fleets_dir))))


def test_a_client_that_is_not_let_in_is_told(fleets_dir: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "ca.pem").write_bytes((fleets_dir / "ours" / "authority" / "ca.pem").read_bytes())
    for name in ("cert.pem", "key.pem"):
        (mixed / name).write_bytes((fleets_dir / "theirs" / "clients" / "ci" / name).read_bytes())
    with _daemon(fleets_dir / "ours" / "servers" / "loopback") as url:
        problem = str(probe_endpoint(Connection(url, str(mixed))))
    assert "the server does not know the client's certificate" in problem


def test_a_port_without_tls_is_told(fleets_dir: Path) -> None:
    with _daemon(None) as url:
        assert "does not speak TLS" in str(probe_endpoint(Connection(url, _ci(fleets_dir))))


def test_a_daemon_that_is_not_well_is_quoted(fleets_dir: Path) -> None:
    with _daemon(fleets_dir / "ours" / "servers" / "loopback", BROKEN) as url:
        assert probe_endpoint(Connection(url, _ci(fleets_dir))) == "the daemon reports an error (HTTP 503 not yet!)"


def test_a_closed_port_is_told(fleets_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "nothing listens" in str(probe_endpoint(Connection(f"tcp://127.0.0.1:{port}", _ci(fleets_dir))))


def test_a_bundle_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "it can't be read (No such file" in str(probe_endpoint(Connection("tcp://127.0.0.1:1", str(tmp_path))))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (PONG, None),
        (BROKEN, "the daemon reports an error (HTTP 503 not yet!)"),
        (b"", "the connection ends without an answer"),
        (b"\x15\x03", "the port speaks TLS"),
    ],
)
def test_a_plain_endpoint_is_asked_without_any_bundle(answer: bytes, problem: str | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        asked = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    with connection:
                        asked.append(connection.recv(4096))
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        found = probe_endpoint(Connection(f"tcp://127.0.0.1:{listener.getsockname()[1]}", None))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)
    assert asked[0].startswith(b"GET /_ping ")
    assert found is None if problem is None else str(found).startswith(problem)


def test_tls_where_none_is_expected_is_told(fleets_dir: Path) -> None:
    with _daemon(fleets_dir / "ours" / "servers" / "loopback") as url:
        assert "the port speaks TLS" in str(probe_endpoint(Connection(url, None)))
