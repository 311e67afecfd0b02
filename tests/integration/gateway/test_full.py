# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With the right C(full), docker commands go through HAProxy as they go on the host's own unix socket."""

from __future__ import annotations

import re
import socket
import ssl
import typing as t

import pytest

from tests.integration.controller import Controller
from tests.integration.gateway.terminal import DETACH, WIDEN, Said, Side
from tests.integration.port import PORT
from tests.integration.test_workflows import Desk
from tests.lab.hosts import Host

_MB = 1_000_000
#: A program that asks for a name, and has seen the terminal grow.
_ASKS = (
    "docker run --rm -it --name asks bb /bin/sh -c "
    "'busybox stty size; echo name?; read name; echo hello, $name.; "
    'while test "$(busybox stty size)" != "50 133"; do sleep 0.1; done; echo wide; exit 7\''
)
_ECHOES = (
    "docker run --detach -it --name echoes bb /bin/sh -c 'while read line; do echo \"($line)\"; done' >/dev/null\n"
)
_STATE = "docker inspect --format '{{.State.Running}}' echoes\n"
_FORGET = "docker rm --force --volumes echoes >/dev/null 2>&1 || true\n"
#: What is printed after the end of input has to come, too.
_EXEC = """\
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 > dump
docker exec -i witness /bin/sh -c 'cat; sleep 1; echo and after' < dump > back
head -c SIZE back | cmp - dump
tail -c +$((SIZE + 1)) back
docker exec -i witness busybox sha256sum < dump
"""
_ENDS = """\
docker exec witness /bin/sh -c 'echo out; echo err >&2; exit 3' || echo code $?
docker exec witness no-such-program 2>/dev/null || echo code $?
echo from a pipe | docker run --rm -i bb cat
docker run --detach --name echoes bb sleep 1000 >/dev/null
docker wait echoes & wait=$!
sleep 1; docker kill echoes >/dev/null; wait $wait
"""
_LOGS = """\
docker run --detach --name echoes bb /bin/sh -c 'echo first; echo oops >&2; sleep 2; echo last' >/dev/null
docker logs --follow echoes 2>err
cat err
docker logs --tail 1 echoes
"""
#: A client that is ended while it waits.
_FOLLOW = """\
docker run --detach --name echoes bb /bin/sh -c 'echo first; sleep 1000' >/dev/null
timeout --signal INT 2 docker logs --follow echoes || echo code $?
timeout --signal INT 2 docker events --filter container=echoes || echo code $?
docker kill echoes
docker logs --follow echoes
"""
_EVENTS = """\
docker events --filter container=echoes --format '{{.Action}}' > seen & events=$!
sleep 1
docker run --name echoes bb /bin/sh -c 'echo ran'
for _ in $(seq 100); do grep -q die seen && break; sleep 0.1; done
docker rm echoes
for _ in $(seq 100); do grep -q destroy seen && break; sleep 0.1; done
kill -TERM $events; wait $events || echo ended
sort seen
"""
_CP = """\
mkdir -p tree/below
head -c SIZE /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 01 > tree/below/file
ln -s file tree/below/link; chmod 600 tree/below/file
docker cp tree witness:/tree 2>/dev/null
docker cp witness:/tree back 2>/dev/null
diff -r tree back; stat -c '%a %s' back/below/file; readlink back/below/link
docker cp witness:/tree - | tar -t | sort
tar -c tree | docker cp - witness:/opt 2>/dev/null
docker exec witness busybox sha256sum /opt/tree/below/file
docker cp witness:/no-such-file . 2>/dev/null || echo code $?
docker exec witness busybox rm -r /tree /opt/tree
"""
_FIRST_STOP = "docker exec witness busybox mkdir -p /opt; "


@pytest.fixture
def sides(desk: Desk) -> tuple[Side, Side]:
    """The host's own user of the unix socket, and a user of another machine."""
    facts = f". ~/.docker/gangway/{desk.host.name}.env; export DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH\n"
    return Side(desk.host, "root", ""), Side(desk.machine, "deploy", facts)


def _compare(sides: tuple[Side, Side], do: t.Callable[[Side], Said]) -> str:
    """Do it on both sides; return what came of it, if it is the same."""
    there, here = (do(side) for side in sides)
    assert here == there
    assert there.code == 0, there
    return there.stdout


def _type(script: str, size: int = 0) -> t.Callable[[Side], Said]:
    def do(side: Side) -> Said:
        said = side.type(f"{_FORGET}{script.replace('SIZE', str(size))}{_FORGET}")
        # The same command of another version may word its warnings in other ways.
        return Said(said.code, said.stdout)

    return do


@pytest.mark.flavours("sid")
def test_what_is_typed(sides: tuple[Side, Side], request: pytest.FixtureRequest) -> None:
    """At a terminal and in scripts: input, output, what comes after the end of input, and exit statuses."""
    size = (200 if request.config.getoption("--soak") else 5) * _MB
    asked = [side.talk(_ASKS, (r"name\?", "Ada\r"), (r"hello, Ada\.", WIDEN), ("wide", "")) for side in sides]
    assert asked[0] == asked[1]
    assert asked[0].code == 7
    assert asked[0].stdout.endswith("hello, Ada.\r\nwide\r\n")
    for side in sides:
        side.type(f"{_FORGET}{_ECHOES}")
        for word in ("one", "two"):
            attached = side.talk("docker attach echoes", ("", f"{word}\r"), (rf"\({word}\)", DETACH))
            # The command of Debian 12 says so on its stderr, others nowhere.
            assert attached.code in (0, 1), attached
            assert "escape sequence" in attached.stdout or attached.code == 0
            assert side.type(_STATE) == Said(0, "true\n")
        ended = side.talk("docker attach echoes", ("", "three\r"), (r"\(three\)", "\x04"))
        assert ended.code == 0
        assert side.type(f"{_STATE}{_FORGET}") == Said(0, "false\n")

    assert re.fullmatch(r"and after\n[0-9a-f]{64}  -\n", _compare(sides, _type(_EXEC, size)))
    ends = _compare(sides, _type(_ENDS))
    assert ends.splitlines()[:2] == ["out", "code 3"]
    assert ends.splitlines()[-3:] == ["code 127", "from a pipe", "137"]
    assert sorted(_compare(sides, _type(_LOGS)).split()) == ["first", "last", "last", "oops"]
    assert _compare(sides, _type(_FOLLOW)) == "first\ncode 124\ncode 124\nechoes\nfirst\n"
    events = _compare(sides, _type(_EVENTS)).split()
    assert {"attach", "create", "destroy", "die", "start"} <= {*events}
    assert f"600 {size}\nfile\n" in _compare(sides, _type(_FIRST_STOP + _CP, size))


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
    return re.findall(rb'"Id":"([0-9a-f]+)"', answer)[0].decode()


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
    connection.settimeout(2)
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
