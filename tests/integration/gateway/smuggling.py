# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that hold another one, which a client with the right to read may not make."""

from __future__ import annotations

#: What the other request would make, or take away.
SMUGGLED = "smuggled"
_CREATE = '{"Image":"bb","Cmd":["cat"]}'
_POST = (
    f"POST /containers/create?name={SMUGGLED} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(_CREATE)}\r\n\r\n{_CREATE}"
)
_GET = "GET /containers/witness/json HTTP/1.1\r\nHost: docker\r\n\r\n"
_DELETE = "DELETE /containers/witness?force=1 HTTP/1.1\r\nHost: docker\r\n\r\n"
_PING = "GET /_ping HTTP/1.1\r\nHost: docker\r\n"

#: Lines of the head of an allowed request, the last one without its end, and what comes after the head.
_FRAMINGS = {
    "pipelined": ("", "{other}"),
    "its length": ("Content-Length: {length}", "{other}"),
    "length 0": ("Content-Length: 0", "{other}"),
    "length and chunked": ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n{other}"),
    "chunked and length": ("Transfer-Encoding: chunked\r\nContent-Length: {length}", "0\r\n\r\n{other}"),
    "chunked": ("Transfer-Encoding: chunked", "0\r\n\r\n{other}"),
    "in a chunk": ("Transfer-Encoding: chunked", "{hex}\r\n{other}\r\n0\r\n\r\n"),
    "chunk with an extension": ("Transfer-Encoding: chunked", "0;x\n\r\n\r\n{other}"),
    "chunked trailer": ("Transfer-Encoding: chunked", "0\r\nX: y\r\n\r\n{other}"),
    "two lengths": ("Content-Length: 0\r\nContent-Length: {length}", "{other}"),
    "two lengths, turned": ("Content-Length: {length}\r\nContent-Length: 0", "{other}"),
    "list of lengths": ("Content-Length: 0, {length}", "{other}"),
    "signed length": ("Content-Length: +0", "{other}"),
    "negative length": ("Content-Length: -1", "{other}"),
    "hexadecimal length": ("Content-Length: 0x0", "{other}"),
    "length of nothing": ("Content-Length:", "{other}"),
    "space before the colon": ("Content-Length : {length}", "{other}"),
    "chunked, space before the colon": ("Transfer-Encoding : chunked", "0\r\n\r\n{other}"),
    "chunked, tab": ("Transfer-Encoding:\tchunked", "0\r\n\r\n{other}"),
    "chunked, vertical tab": ("Transfer-Encoding: \x0bchunked", "0\r\n\r\n{other}"),
    "chunked, in capitals": ("TRANSFER-ENCODING: CHUNKED", "0\r\n\r\n{other}"),
    "chunked, misspelt": ("Transfer-Encoding: xchunked", "0\r\n\r\n{other}"),
    "chunked, quoted": ('Transfer-Encoding: "chunked"', "0\r\n\r\n{other}"),
    "chunked, twice": ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n{other}"),
    "chunked, then identity": ("Transfer-Encoding: chunked, identity", "0\r\n\r\n{other}"),
    "chunked, by a line feed": ("X: y\nTransfer-Encoding: chunked", "0\r\n\r\n{other}"),
    "chunked, by a carriage return": ("X: y\rTransfer-Encoding: chunked", "0\r\n\r\n{other}"),
    "chunked, folded": ("X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n{other}"),
    "chunked, value folded": ("Transfer-Encoding:\r\n chunked", "0\r\n\r\n{other}"),
    "chunked, in a name with _": ("Transfer_Encoding: chunked", "0\r\n\r\n{other}"),
    "length, in a name with _": ("Content_Length: {length}", "{other}"),
    "named in Connection": ("Content-Length: {length}\r\nConnection: Content-Length", "{other}"),
    "named in Connection, chunked": (
        "Transfer-Encoding: chunked\r\nConnection: close, Transfer-Encoding",
        "0\r\n\r\n{other}",
    ),
    "folded": ("X: y\r\n Content-Length: {length}", "{other}"),
    "folded first line": (" X: y", "{other}"),
    "NUL in a header": ("X: y\0z", "{other}"),
    "empty header name": (": y", "{other}"),
    "a header without colon": ("GET /containers/witness/json HTTP/1.1", "{other}"),
    "request in a header": ("X: y\n\n{other}", ""),
    "request after a carriage return": ("X: y\r\r{other}", ""),
    "upgrade to tcp": ("Connection: Upgrade\r\nUpgrade: tcp", "{other}"),
    "upgrade to a websocket": (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "{other}",
    ),
    "upgrade to h2c": (
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{other}",
    ),
    "expectation": ("Expect: 100-continue", "{other}"),
    "expectation with a length": ("Expect: 100-continue\r\nContent-Length: {length}", "{other}"),
    "expectation of something else": ("Expect: 200-ok", "{other}"),
    "other method in a header": (
        "X-HTTP-Method-Override: POST\r\nX-HTTP-Method: DELETE\r\nX-Method-Override: PUT",
        "{other}",
    ),
    "other path in a header": (
        "X-Original-URL: /containers/witness/json\r\nX-Rewrite-URL: /containers/witness/json",
        "",
    ),
    "a proxy's headers": ("Forwarded: for=127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Registry-Auth: e30=", "{other}"),
    "two hosts": ("Host: other", "{other}"),
    "trailers": ("Trailer: X\r\nTE: trailers", "{other}"),
    "kept": ("Connection: keep-alive", "{other}"),
    "closed": ("Connection: close", "{other}"),
    "many headers": ("\r\n".join(f"X-{number}: y" for number in range(200)), "{other}"),
}


def payloads() -> dict[str, bytes]:
    """Return what to send, by a name for each."""
    found = {}
    for kind, other in (("POST", _POST), ("GET", _GET), ("DELETE", _DELETE)):
        for name, (head, body) in _FRAMINGS.items():
            fields = {"other": other, "length": len(other), "hex": f"{len(other):x}"}
            sent = _PING + (f"{_fill(head, fields)}\r\n" if head else "") + "\r\n" + _fill(body, fields)
            found[f"{name}: {kind}"] = sent
        found |= {
            f"first: {kind}": other + _PING + "\r\n",
            f"after an empty line: {kind}": f"\r\n\r\n{other}",
            f"HTTP/1.0: {kind}": f"GET /_ping HTTP/1.0\r\n\r\n{other}",
            f"HTTP/1.0, kept: {kind}": f"GET /_ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n{other}",
            f"HTTP/0.9: {kind}": f"GET /_ping\r\n{other}",
            f"HTTP/1.2: {kind}": f"GET /_ping HTTP/1.2\r\nHost: docker\r\n\r\n{other}",
            f"HTTP/3.0: {kind}": f"GET /_ping HTTP/3.0\r\nHost: docker\r\n\r\n{other}",
            f"no version: {kind}": f"GET /_ping \r\nHost: docker\r\n\r\n{other}",
            f"line feeds: {kind}": f"GET /_ping HTTP/1.1\nHost: docker\n\n{other}",
            f"line feeds throughout: {kind}": f"GET /_ping HTTP/1.1\nHost: docker\n\n{other}".replace("\r\n", "\n"),
            f"carriage returns: {kind}": f"GET /_ping HTTP/1.1\rHost: docker\r\r{other}",
            f"in the query: {kind}": f"GET /_ping?x= HTTP/1.1\r\n\r\n{other}",
            f"after a HEAD: {kind}": f"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n{other}",
            f"after a refusal: {kind}": (
                f"POST /_ping HTTP/1.1\r\nHost: docker\r\nContent-Length: {len(other)}\r\n\r\n{other}"
            ),
            f"after a chunked refusal: {kind}": (
                f"POST /_ping HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{other}"
            ),
            f"after an endless answer: {kind}": f"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n{other}",
            f"by a proxy: {kind}": f"CONNECT docker:2375 HTTP/1.1\r\nHost: docker\r\n\r\n{other}",
            f"in the PROXY protocol: {kind}": f"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n{other}",
        }
    return {name: sent.encode("latin-1") for name, sent in found.items()}


def _fill(text: str, fields: dict[str, object]) -> str:
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
