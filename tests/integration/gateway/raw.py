# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP by hand over TLS, for requests that no library sends."""

from __future__ import annotations

import socket
import ssl
import time
import typing as t
from pathlib import Path

from tests.integration.port import PORT

_PATIENCE = 20


class Answer(t.NamedTuple):
    """C(status) is 0 if the connection ended instead."""

    status: int
    headers: dict[str, str]
    body: bytes


CLOSED = Answer(0, {}, b"")


class Connection:
    """One client's way to one host. It connects when it has to, and keeps the connection if the host does."""

    def __init__(self, address: str, bundle: Path, *, alpn: t.Sequence[str] = ()) -> None:
        self.address = address
        self.context = ssl.create_default_context(cafile=str(bundle / "ca.pem"))
        self.context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
        if alpn:
            self.context.set_alpn_protocols([*alpn])
        self.connected = 0
        self._socket: ssl.SSLSocket | None = None
        self._left = b""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._left = None, b""

    def ask(self, method: str, target: str, *headers: str, version: str = "1.1", whole: bool = True) -> Answer:
        """Send one request and return its answer. C(whole): with its body."""
        head = "\r\n".join([f"{method} {target} HTTP/{version}", "Host: docker", *headers, "", ""])
        sent = head.encode("latin-1")
        try:
            self._send(sent)
            answer = self._read(has_body=method != "HEAD", whole=whole)
        except (ConnectionError, ssl.SSLError):
            answer = CLOSED
        if answer is CLOSED or not whole or answer.headers.get("connection") == "close" or version == "1.0":
            self.close()
        return answer

    def exchange(self, sent: bytes, *, quiet: float = 0.5) -> bytes:
        """Send these bytes on a new connection; return all that comes until it ends, or nothing came for so long."""
        self.close()
        received, end = b"", time.monotonic() + _PATIENCE
        try:
            self._send(sent)
            while time.monotonic() < end:
                # The first answer may take long on a busy machine.
                self._socket.settimeout(quiet if received else _PATIENCE / 4)
                more = self._socket.recv(65536)
                if not more:
                    break
                received += more
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass
        finally:
            self.close()
        return received

    def _send(self, sent: bytes) -> None:
        if self._socket is None:
            plain = socket.create_connection((self.address, PORT), timeout=_PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = self.context.wrap_socket(plain, server_hostname=self.address)
            self.connected += 1
        self._socket.sendall(sent)

    def _read(self, *, has_body: bool, whole: bool) -> Answer:
        while b"\r\n\r\n" not in self._left:
            if not self._receive():
                return CLOSED
        head, self._left = self._left.split(b"\r\n\r\n", 1)
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (entry.partition(":") for entry in lines)}
        status = int(line.split()[1])
        body = b""
        if has_body and whole and status not in (204, 304):
            body = self._body(headers)
        return Answer(status, headers, body)

    def _body(self, headers: t.Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size)
                self._until(b"\r\n")
            self._until(b"\r\n")
            return body
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        while self._receive():
            pass
        body, self._left = self._left, b""
        return body

    def _until(self, end: bytes) -> bytes:
        while end not in self._left:
            if not self._receive():
                raise ConnectionError("the answer is cut off")
        found, self._left = self._left.split(end, 1)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._left) < size:
            if not self._receive():
                raise ConnectionError("the answer is cut off")
        found, self._left = self._left[:size], self._left[size:]
        return found

    def _receive(self) -> bool:
        assert self._socket is not None
        more = self._socket.recv(65536)
        self._left += more
        return bool(more)
