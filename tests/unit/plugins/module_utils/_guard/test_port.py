# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client without a certificate gets from a port."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.port import (
    ask_plain,
    ask_tls,
    is_open,
    local_address,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key, private_key_pem
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import Signer, server_certificate

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
Serve = t.Callable[..., int]
OK = b"HTTP/1.0 200 OK\r\n\r\nOK"


@pytest.fixture
def serve() -> t.Iterator[Serve]:
    """Serve one client after the other on loopback, and return the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def start(answer: bytes, context: ssl.SSLContext | None = None) -> int:
            def loop() -> None:
                while True:
                    try:
                        client, _address = server.accept()
                    except OSError:
                        return
                    try:
                        with context.wrap_socket(client, server_side=True) if context else client as connection:
                            connection.recv(1024)
                            connection.sendall(answer)
                    except OSError:
                        client.close()

            threading.Thread(target=loop, daemon=True).start()
            return int(server.getsockname()[1])

        yield start
        server.shutdown(socket.SHUT_RDWR)


def _server(signer: Signer, folder: Path) -> tuple[ssl.SSLContext, bytes]:
    """A server's settings, and its certificate in DER."""
    key = generate_key("ecdsa_p256")
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    certificate = server_certificate(
        key.public_key(), names=["host"], signer=signer, validity=datetime.timedelta(days=1), now=now
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private_key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, certificate.public_bytes(serialization.Encoding.DER)


def test_an_answer_in_the_clear_is_seen(serve: Serve) -> None:
    port = serve(OK)
    assert ask_plain("127.0.0.1", port).startswith(b"HTTP/1.0 200")
    assert is_open("127.0.0.1", port)
    with pytest.raises(OSError, match=r"."):
        ask_tls("127.0.0.1", port)


def test_a_refusal_in_the_clear_is_no_answer(serve: Serve) -> None:
    assert ask_plain("127.0.0.1", serve(b"HTTP/1.0 400 Bad Request\r\n\r\n")) == b""


@pytest.mark.parametrize("demands_certificate", [True, False])
def test_tls_shows_the_certificate_and_whether_one_is_demanded(
    serve: Serve, signer: Signer, tmp_path: Path, demands_certificate: bool
) -> None:
    context, shown = _server(signer, tmp_path)
    if demands_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=signer.certificate.public_bytes(serialization.Encoding.PEM).decode())
    certificate, answer = ask_tls("127.0.0.1", serve(OK, context))
    assert certificate == shown
    assert bool(answer) is not demands_certificate


def test_a_closed_port_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not is_open("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "local"),
    [("any", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.5", "10.0.0.5"), ("fd00::1", "fd00::1")],
)
def test_the_host_reaches_wildcards_by_loopback(host: str, local: str) -> None:
    assert local_address(host) == local
