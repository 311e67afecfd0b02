# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections of clients with the right C(full): each byte of them, and what dockerd's restarts do to them."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import typing as t

import pytest

from tests.attack import NETWORK, attack
from tests.integration.controller import Controller
from tests.integration.fleet.load import Load
from tests.integration.port import PORT
from tests.lab.hosts import Host

_PIDS = "systemctl show --property=MainPID,NRestarts docker-gangway-gateway.service; pgrep haproxy"
#: Requests as clients send them: an upgrade to a raw stream, to HTTP/2 (BuildKit), and HTTP/2 without being asked.
_UPGRADES = {
    "exec": "POST /v1.41/exec/ID/start HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
    "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}",
    "session": "POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    "X-Docker-Expose-Session-Uuid: ID\r\nX-Docker-Expose-Session-Name: x\r\n"
    "X-Docker-Expose-Session-Sharedkey: x\r\n\r\n",
    "grpc": "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "keep-alive": "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n" * 2,
    "malformed": "GET /_ping\r\n\r\n",
}


def _exec_id(host: Host) -> str:
    created = (
        "POST /v1.41/containers/witness/exec HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 44\r\n\r\n"
        '{"AttachStdout":true,"Cmd":["echo","hello"]}'
    )
    answer = _answer(_on_the_host(host), created.encode())
    found: list[bytes] = re.findall(rb'"Id":"([0-9a-f]+)"', answer)
    return found[0].decode()


def _on_the_host(host: Host) -> socket.socket:
    found = socket.socket(socket.AF_UNIX)
    found.connect(f"/proc/{host.pid()}/root/run/docker.sock")
    return found


def _through_the_gateway(host: Host, controller: Controller) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(controller.client() / "ca.pem"))
    context.load_cert_chain(controller.client() / "cert.pem", controller.client() / "key.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection((host.address, PORT), timeout=10)
    return context.wrap_socket(plain, server_hostname=host.address)


def _answer(connection: socket.socket, request: bytes) -> bytes:
    """Return all that comes within a second or so."""
    connection.settimeout(1)
    answer = b""
    with connection:
        connection.sendall(request)
        try:
            while more := connection.recv(65536):
                answer += more
        except TimeoutError:
            pass
    return answer


@pytest.mark.flavours("trixie")
def test_each_byte_is_passed_on(gateway_host: Host, controller: Controller) -> None:
    """HAProxy neither reads nor changes what a client and dockerd say."""
    pid = gateway_host.run("pidof dockerd").stdout
    outcome = controller.expose(expose_method="gateway")
    assert outcome.code == 0, outcome.failures
    with _through_the_gateway(gateway_host, controller) as connection:
        # HAProxy speaks HTTP/2 itself if it can, and dockerd would get HTTP/1.1.
        assert connection.selected_alpn_protocol() is None
    seen = {}
    for name, request in _UPGRADES.items():
        answers = []
        for connect in (lambda: _on_the_host(gateway_host), lambda: _through_the_gateway(gateway_host, controller)):
            request_there = request.replace("ID", _exec_id(gateway_host))
            answers.append(re.sub(rb"Date: [^\r]*", b"Date: now", _answer(connect(), request_there.encode())))
        assert answers[0] == answers[1], name
        seen[name] = answers[0].split(b"\r\n", 1)[0]
    assert {seen[name] for name in ("exec", "session", "grpc")} == {
        b"HTTP/1.1 101 UPGRADED",
        b"HTTP/1.1 101 Switching Protocols",
    }, seen
    assert gateway_host.run("pidof dockerd").stdout == pid
    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert gateway_host.run("pidof dockerd").stdout == pid


_SILENT = 40
#: What says nothing for a while and then something, by whether its client has closed its half by then.
_PATIENT = {
    "exec, open": ["exec", "--interactive", "witness", "/bin/sh", "-c", f"sleep {_SILENT}; echo done"],
    "run, half-closed": ["run", "--rm", "bb", "/bin/sh", "-c", f"sleep {_SILENT}; echo done"],
    "logs": ["logs", "--follow", "says"],
    "events": ["events", "--filter", "container=says", "--filter", "event=die", "--format", "done"],
    "events, read only": ["events", "--filter", "container=says", "--filter", "event=die", "--format", "done"],
}


@attack(
    "Method `gateway`: connects, and sends nothing or half a handshake",
    by=NETWORK,
    expected="The connection ends after 30 s; those of clients last, however long they say nothing",
)
@pytest.mark.soak
def test_only_clients_keep_a_connection(gateway_host: Host, controller: Controller) -> None:
    clients = ["admin", {"name": "reader", "rights": "read"}]
    outcome = controller.expose(expose_method="gateway", expose_clients=clients)
    assert outcome.code == 0, outcome.failures
    gateway_host.run(f"docker run --detach --name says bb /bin/sh -c 'sleep {_SILENT + 5}; echo done'")
    strangers = []
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01"):
        strangers.append(socket.create_connection((gateway_host.address, PORT)))
        strangers[-1].sendall(sent)
    running = {}
    for kind, words in _PATIENT.items():
        environment = controller.environment(
            DOCKER_HOST=f"tcp://{gateway_host.address}:{PORT}",
            DOCKER_TLS_VERIFY="1",
            DOCKER_CERT_PATH=str(controller.client("reader" if "read only" in kind else "admin")),
        )
        stdin = subprocess.PIPE if "open" in kind else subprocess.DEVNULL
        running[kind] = subprocess.Popen(["docker", *words], env=environment, stdin=stdin, stdout=subprocess.PIPE)
    try:
        for stranger in strangers:
            with stranger:
                stranger.settimeout(_SILENT)
                assert stranger.recv(1) == b""
        said = {kind: t.cast("t.IO[bytes]", started.stdout).readline() for kind, started in running.items()}
    finally:
        for started in running.values():
            started.kill()
            started.communicate()
    assert said == dict.fromkeys(_PATIENT, b"done\n")


@pytest.mark.flavours("trixie")
def test_clients_wait_for_a_dockerd_that_restarts(
    gateway_host: Host, controller: Controller, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice by systemd, once by SIGKILL: HAProxy runs on, and only requests that were under way fail."""
    outcome = controller.expose(expose_method="gateway")
    assert outcome.code == 0, outcome.failures
    before = gateway_host.run(_PIDS).stdout
    bundles = {f"client {number}": controller.client() for number in range(3)}
    with Load({gateway_host.name: gateway_host.address}, bundles, controller.environment()) as load:
        for words in ("systemctl restart docker", "systemctl restart docker", "kill -9 $(pidof dockerd); sleep 5"):
            gateway_host.run(f"systemctl reset-failed docker; sleep 1; {words}; sleep 1")
    requests = sum(count.requests for count in load.counts)
    retried = sum(count.retried for count in load.counts)
    with capsys.disabled():
        print(f"\n{gateway_host.flavour}, method gateway: 3 restarts, {requests} requests, {retried} under way")
    assert [failure for count in load.counts for failure in count.failures] == []
    assert requests > 50
    assert retried <= len(load.counts) * 3
    assert gateway_host.run(_PIDS).stdout == before
