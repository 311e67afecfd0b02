# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client with the right to read gets: the documented paths, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attack import CLIENT_KEY, attack
from tests.integration.controller import Controller
from tests.integration.gateway.engine_api import is_documented, paths
from tests.integration.gateway.http2 import conversation
from tests.integration.gateway.raw import Answer, Connection
from tests.integration.gateway.smuggling import SMUGGLED, payloads
from tests.integration.gateway.spellings import malformed_spellings_of, spellings_of
from tests.lab.hosts import Host
from tests.read_paths import documented
from tests.shown import shown

READER = "grafana"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FETCH", "get")
_REFUSAL = f"client {READER} may only read, and not this"
#: dockerd 20.10 and 26.1, and 28.5.
_CALL = re.compile(
    r'msg="Calling (?P<method>\S+) (?P<target>[^"]+)"'
    r'|msg="handling \S+ request" method=(?P<verb>\S+) .*request-url="?(?P<url>[^" ]+)'
)


@pytest.fixture
def reader(gateway_host: Host, controller: Controller) -> Connection:
    """The connection of a client with the right to read, to a host whose dockerd logs each call."""
    gateway_host.run("""echo '{"debug": true}' > /etc/docker/daemon.json; systemctl reload docker.service""")
    exposed = controller.expose(expose_method="gateway", expose_clients=["admin", {"name": READER, "rights": "read"}])
    assert exposed.code == 0, exposed.failures
    return Connection(gateway_host.address, controller.client(READER))


@attack(
    "A client with the right to read asks each path of the Engine API in 60 spellings, with each method",
    by=CLIENT_KEY,
    expected="dockerd answers the documented paths only",
)
@pytest.mark.flavours("bookworm")
def test_only_documented_paths_reach_dockerd(gateway_host: Host, reader: Connection) -> None:
    since = _now(gateway_host)
    asked = [(method, target) for path in paths() for target in spellings_of(path).values() for method in METHODS]
    allowed = [request for request in asked if is_documented(*request)]
    others = [request for request in asked if not is_documented(*request)]
    assert len(others) > 40 * len(allowed) > 0
    # HAProxy ends the connection on these.
    others += [("CONNECT", spellings_of(path)["plain"]) for path in paths()]
    others += [
        (method, target)
        for path in ("/containers/NAME/json", "/containers/create", "/volumes", "/info")
        for target in malformed_spellings_of(path).values()
        for method in ("GET", "POST")
    ]

    answered = [request for request in others if not _is_refusal(reader.ask(*request))]
    # HAProxy drops blanks around the target.
    assert {(method, target.strip(" \t")) for method, target in answered} <= {("GET", "/info")}
    assert {*_calls(gateway_host, since)} <= {("GET", "/info")}, "dockerd has seen nothing else"

    refused = [request for request in allowed if _is_refusal(reader.ask(*request, whole=False))]
    assert not refused
    calls = _calls(gateway_host, since)
    assert ("GET", "/v1.41/info") in calls
    assert [call for call in calls if not is_documented(*call)] == []


@pytest.mark.flavours("bookworm")
def test_each_documented_path_is_answered(gateway_host: Host, reader: Connection) -> None:
    plain = [path.replace("NAME", "witness" if "containers" in path else "bridge") for path in documented()]
    for path in (*plain, *(f"/v1.41{path}" for path in plain)):
        answer = reader.ask("GET", path, whole=False)
        assert answer.status == 200, path
        assert "server" in answer.headers or "api-version" in answer.headers, "dockerd answers it"
    for name in (gateway_host.run("docker inspect --format '{{.Id}}' witness").stdout.strip(), "wit.ness_1-x"):
        assert not _is_refusal(reader.ask("GET", f"/containers/{name}/stats?stream=0&one-shot=1"))


@attack(
    "A client with the right to read hides a request in another one (lengths, chunks, folded lines, upgrades, HTTP/2)",
    by=CLIENT_KEY,
    expected="dockerd sees the allowed one, or none",
)
@pytest.mark.flavours("bookworm")
def test_no_request_is_smuggled_in_another(gateway_host: Host, reader: Connection, controller: Controller) -> None:
    since = _now(gateway_host)

    def send(sent: bytes, alpn: t.Sequence[str] = ()) -> bytes:
        return Connection(gateway_host.address, controller.client(READER), alpn=alpn).exchange(sent)

    sent = payloads()
    with ThreadPoolExecutor(8) as pool:
        received = dict(zip(sent, pool.map(send, sent.values())))
    # What dockerd says of the container, or of the one to make.
    leaked = [name for name, answer in received.items() if b'"Config"' in answer or b'"Warnings"' in answer]
    assert not leaked
    assert b"HTTP/1.1 200" in received["pipelined: POST"], "the request that holds the other one is allowed"
    for alpn in ((), ("h2",), ("h2", "http/1.1")):
        assert not _answered_in_http2(send(_in_http2(), alpn))
    calls = _calls(gateway_host, since)
    assert ("GET", "/_ping") in calls
    assert [call for call in calls if not is_documented(*call)] == []
    names = gateway_host.run("docker ps --all --format '{{.Names}}'").stdout.split()
    assert "witness" in names
    assert SMUGGLED not in names


@pytest.mark.flavours("bookworm")
def test_headers_change_nothing(reader: Connection) -> None:
    for header in (
        "Upgrade: tcp\r\nConnection: Upgrade",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "Expect: 100-continue",
        "X-HTTP-Method-Override: POST",
        "Authorization: Basic YTpi",
        "Accept-Encoding: gzip",
    ):
        assert reader.ask("GET", "/version", header).status == 200, header
        assert _is_refusal(reader.ask("POST", "/containers/create", header)), header
    assert reader.ask("GET", "/version", version="1.0").status == 200
    assert _is_refusal(reader.ask("GET", "/volumes", version="1.0"))


@pytest.mark.flavours("bookworm")
def test_the_docker_cli_reads_and_shows_why_it_may_do_no_more(
    gateway_host: Host, controller: Controller, reader: Connection
) -> None:
    def docker(command: str) -> subprocess.CompletedProcess[str]:
        return controller.docker(gateway_host, *command.split(), client=READER)

    message = shown("docs/gateway.md", "Error response from daemon").strip()
    ends = {"stats": " --no-stream", "events": " --since 1 --until 2"}
    for words in (command.removeprefix("docker ") for command in documented().values() if command):
        done = docker(words.replace("NAME", "bridge") + ends.get(words, ""))
        assert done.returncode == 0, done.stderr
    assert "witness" in docker("ps").stdout
    assert "witness" in docker("ps --size").stdout
    for refused in (
        "logs witness",
        "inspect witness",
        "exec witness true",
        "run bb true",
        "run --detach bb true",
        "cp witness:/bin/cat -",
        "rm --force witness",
        "top witness",
        "attach witness",
        "commit witness",
        "pull bb",
        "volume ls",
        "system df",
        "network create another",
        "swarm init",
    ):
        done = docker(refused)
        assert done.returncode != 0, refused
        assert done.stderr.removeprefix("docker: ").startswith(message), refused


def _in_http2() -> bytes:
    host, authority = {":scheme": "https", "host": "docker"}, {":scheme": "https", ":authority": "docker"}
    websocket = {":method": "CONNECT", ":protocol": "websocket", ":path": "/containers/witness/attach/ws?stream=1"}
    return conversation(
        {":method": "GET", ":path": "/containers/witness/json", **authority},
        {":method": "GET", ":path": "/containers/witness/json", **host},
        {":method": "POST", ":path": f"/containers/create?name={SMUGGLED}", **host},
        {":method": "GET", ":path": "/version", **authority},
        {":method": "GET", ":path": "/version", **host},
        {":method": "GET", ":path": "/version HTTP/1.1\r\n\r\nDELETE /containers/witness", **host},
        {":method": "GET", ":path": "/version", "x": "y\r\n\r\nDELETE /containers/witness?force=1 HTTP/1.1", **host},
        {**websocket, **authority},
        {":method": "CONNECT", ":authority": "docker:2375"},
    )


def _answered_in_http2(received: bytes) -> bool:
    """Whether a frame of headers begins with the status 200, which is one byte in RFC 7541."""
    return re.search(rb"\x01[\x04\x05]\0\0\0.\x88", received, re.DOTALL) is not None


def _is_refusal(answer: Answer) -> bool:
    """Whether HAProxy has answered with a refusal, or closed the connection."""
    if "server" in answer.headers or "api-version" in answer.headers:
        return False
    if answer.status == 403:
        return answer.headers.get("content-type") == "application/json" and (
            not answer.body or json.loads(answer.body) == {"message": _REFUSAL}
        )
    is_page = answer.headers.get("cache-control") == "no-cache" and answer.headers.get("content-type") == "text/html"
    return answer.status == 0 or (answer.status in (400, 405, 414, 431, 501) and is_page)


def _now(host: Host) -> str:
    return host.run("date +%s.%N").stdout.strip()


def _calls(host: Host, since: str) -> list[tuple[str, str]]:
    """Return what dockerd was asked, in its own words: methods and targets."""
    log = host.run(f"journalctl --sync; journalctl --unit=docker.service --output=cat --since=@{since}").stdout
    found = (call.groupdict() for call in _CALL.finditer(log))
    return [(call["method"] or call["verb"], call["target"] or call["url"]) for call in found]
