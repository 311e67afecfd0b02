# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for Portainer's API at its address, which Debian does not have."""

from __future__ import annotations

import contextlib
import email
import email.message
import http.server
import ssl
import subprocess
import threading
import typing as t
from collections.abc import Iterator
from pathlib import Path

_NAME = "portainer.example.com"


class Form(t.NamedTuple):
    """A form that was uploaded. The files are as a server in Go reads them: it decodes no base64."""

    path: str
    key: str
    fields: dict[str, str]


class _Server(http.server.HTTPServer):
    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tls = tls
        self.forms: list[Form] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    """The proxy on the way, and behind it the API."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)
        self.handle_one_request()
        self.close_connection = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = t.cast("list[email.message.Message]", email.message_from_bytes(head + body).get_payload())
        fields = {str(part.get_param("name", header="Content-Disposition")): str(part.get_payload()) for part in parts}
        self.server.forms.append(Form(self.path, self.headers["X-API-Key"], fields))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: t.Any) -> None:
        """Print nothing."""


@contextlib.contextmanager
def portainer(folder: Path) -> Iterator[tuple[dict[str, str], list[Form]]]:
    """Yield the environment that leads there, and the forms that came."""
    certificate, key = folder / "portainer.pem", folder / "portainer-key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={_NAME}"]
    words += ["-addext", f"subjectAltName=DNS:{_NAME}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(words, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = _Server(tls)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        way = f"http://127.0.0.1:{server.server_port}"
        yield {"https_proxy": way, "no_proxy": "", "SSL_CERT_FILE": str(certificate)}, server.forms
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
