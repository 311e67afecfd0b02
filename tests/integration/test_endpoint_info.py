# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""endpoint_info against real daemons: each way in which an endpoint fails is produced, and named."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socket
import ssl
import sys
import threading
import time
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import docker.constants
import pytest
import yaml

from tests.integration.certificates import Authority, make_key
from tests.integration.controller import ROOT, Controller
from tests.integration.daemons import Daemons
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host

PORT = 2401
_TOO_LONG = 25.0
#: An authorization plugin of dockerd, in the protocol of its legacy plugins.
_AUTHZ_PLUGIN = """
import http.server, json, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        activation = self.path == "/Plugin.Activate"
        body = json.dumps({"Implements": ["authz"]} if activation else {"Allow": False, "Msg": "not you"}).encode()
        self.send_response(200 if activation else STATUS)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def address_string(self):
        return "dockerd"
os.makedirs("/run/docker/plugins", exist_ok=True)
socketserver.ThreadingUnixStreamServer("/run/docker/plugins/probe.sock", Handler).serve_forever()
"""
#: Writes what dockerd answers to GET requests into a folder: the folder, and paths in the API.
_COPY_ANSWERS = """
import os, socket, sys
folder, *paths = sys.argv[1:]
for path in paths:
    with socket.socket(socket.AF_UNIX) as dockerd:
        dockerd.connect("/var/run/docker.sock")
        dockerd.sendall(f"GET /{path} HTTP/1.0\\r\\nHost: docker\\r\\n\\r\\n".encode())
        answer = b"".join(iter(lambda: dockerd.recv(65536), b""))
    os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
    with open(f"{folder}/{path}", "wb") as stream:
        stream.write(answer)
"""

Ask = Callable[..., t.Dict[str, t.Any]]


@pytest.fixture
def daemons(host: Host) -> Iterator[Daemons]:
    daemons = Daemons(host)
    daemons.stop()
    yield daemons
    daemons.stop()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make()


@pytest.fixture
def server(authority: Authority, host: Host, tmp_path: Path) -> Path:
    return authority.bundle(tmp_path / "server", usage="server", names=[host.address, host.address_ipv6, "web1"])


@pytest.fixture
def client(authority: Authority, tmp_path: Path) -> Path:
    return authority.bundle(tmp_path / "client", usage="client")


@pytest.fixture
def ask(controller: Controller, request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Run the module here, as a client would, and return its result. A test must see each state that it C(shows)."""
    seen = set()

    def ask(
        url: str, *, environment: t.Mapping[str, str] | None = None, python: str = sys.executable, **options: t.Any
    ) -> t.Dict[str, t.Any]:
        task = {"gangway.docker.endpoint_info": {"docker_host": url, **options}}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": python},
            "tasks": [task],
        }
        (result,) = controller.play([play], environment=environment).results("localhost")
        assert not result["changed"]
        seen.add(result.get("state"))
        return result

    yield ask
    shown = {state for marker in request.node.iter_markers("shows") for state in marker.args}
    assert shown <= seen


def _shown(test: t.Any) -> set[str]:
    """Return the states that the test, or one of its parameters, is marked to show."""
    markers = list(getattr(test, "pytestmark", []))
    for marker in tuple(markers):
        if marker.name == "parametrize":
            markers += [one for values in marker.args[1] for one in getattr(values, "marks", ())]
    return {state for marker in markers if marker.name == "shows" for state in marker.args}


def test_every_documented_state_is_shown_by_a_real_endpoint() -> None:
    page = (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8")
    table = page.partition("\n## States\n")[2].partition("\n\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = {state for row in rows for state in re.findall("`(.+?)`", row)} - {"state"}
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    assert set().union(*map(_shown, tests)) == documented


def keys(result: t.Mapping[str, t.Any], *severities: str) -> list[str]:
    return [f["key"] for f in result["findings"] if not severities or f["severity"] in severities]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@contextlib.contextmanager
def peer(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server on the lab's gateway that hands each connection to C(serve)."""
    listener = socket.create_server((GATEWAY, 0))

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield f"tcp://{GATEWAY}:{listener.getsockname()[1]}"
    finally:
        listener.close()


@contextlib.contextmanager
def api_server(version: str, context: ssl.SSLContext) -> Iterator[str]:
    """A server on the lab's gateway that answers as that version of dockerd does."""
    answers: dict[str, dict[str, t.Any]] = {
        "version": {"Version": version, "ApiVersion": "1.54", "MinAPIVersion": "1.44"},
        "info": {"LiveRestoreEnabled": True, "OSType": "linux"},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps(answers.get(self.path.rpartition("/")[2], "OK")).encode()
            self.send_response(200)
            self.send_header("Api-Version", "1.54")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer((GATEWAY, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"tcp://{GATEWAY}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.shows("answers")
def test_a_daemon_that_is_as_it_should_be(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask, authority: Authority
) -> None:
    url = daemons.dockerd(PORT, bundle=server)
    by_ipv6 = ask(f"[{host.address_ipv6}]:{PORT}", cert_path=str(client))
    assert (by_ipv6["state"], by_ipv6["address"]) == ("answers", host.address_ipv6), by_ipv6["reason"]
    assert set(by_ipv6["strangers"].values()) == {"refused"}
    result = ask(url, cert_path=str(client))
    assert (result["state"], result["cure"], result["url"], result["address"]) == ("answers", None, url, host.address)
    theirs = json.loads(host.run("docker version --format '{{json .Server}}'").stdout)
    assert result["engine_version"] == theirs["Version"]
    assert (result["api"]["version"], result["api"]["min_version"]) == (theirs["ApiVersion"], theirs["MinAPIVersion"])
    # No version is pinned: it is the newest that both speak.
    ours = docker.constants.DEFAULT_DOCKER_API_VERSION
    assert result["api"]["negotiated"] == min(ours, theirs["ApiVersion"], key=_numbers)
    assert result["tls"]["version"] == "TLSv1.3"
    assert result["tls"]["cipher"].startswith("TLS_")
    assert result["tls"]["verified"] is True
    assert [certificate["role"] for certificate in result["chain"]] == ["server", "authority"]
    assert result["chain"][0]["names"] == [host.address, host.address_ipv6, "web1"]
    assert result["client"]["role"] == "client"
    assert 364 <= result["days_left"] <= 365
    assert abs(result["clock_skew"]) <= 2
    assert set(result["strangers"].values()) == {"refused"}
    assert keys(result, "critical", "high") == []
    assert {"no_live_restore", "no_userns"} <= set(keys(result, "low"))


@pytest.mark.one_host
def test_a_daemon_that_the_role_exposed_and_the_lookup_describes(host: Host, controller: Controller, ask: Ask) -> None:
    assert controller.expose().code == 0
    lookup = f"lookup('gangway.docker.docker_host', '{host.name}', fleets_dir='{controller.fleets_dir}'"
    options = "{{ " + lookup + ", format='module_defaults') }}"
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [{"gangway.docker.endpoint_info": {}, "args": options}],
    }
    for words in ((), ("--check",)):
        (result,) = controller.play([play], *words).results("localhost")
        assert (result["state"], result["tls"]["verified"]) == ("answers", True)
        assert set(result["strangers"].values()) == {"refused"}
        assert keys(result, "critical", "high", "medium") == []


@pytest.mark.one_host
@pytest.mark.shows("name_unresolved")
def test_a_name_that_does_not_resolve(ask: Ask, host: Host) -> None:
    result = ask("tcp://nonesuch.invalid:2376")
    assert (result["state"], result["address"]) == ("name_unresolved", None)
    assert "nonesuch.invalid" in result["reason"]


@pytest.mark.one_host
@pytest.mark.shows("nothing_listens", "filtered", "unreachable")
def test_a_port_that_is_shut_dropped_or_rejected(host: Host, ask: Ask, daemons: Daemons) -> None:
    host.run(
        "nft 'add table inet probe; add chain inet probe in { type filter hook input priority 0; }; "
        "add rule inet probe in tcp dport 2402 drop; "
        "add rule inet probe in tcp dport 2403 reject with icmpx type admin-prohibited'"
    )
    assert ask(f"{host.address}:{PORT}")["state"] == "nothing_listens"
    assert ask(f"[{host.address_ipv6}]:{PORT}")["state"] == "nothing_listens"
    started = time.monotonic()
    assert ask(f"{host.address}:2402", timeout=2)["state"] == "filtered"
    assert time.monotonic() - started < _TOO_LONG
    assert ask(f"{host.address}:2403")["state"] == "unreachable"


@pytest.mark.one_host
@pytest.mark.shows("not_tls", "answers")
def test_a_daemon_without_tls(host: Host, daemons: Daemons, client: Path, ask: Ask) -> None:
    url = daemons.dockerd(PORT)
    with_tls = ask(url, cert_path=str(client))
    assert (with_tls["state"], with_tls["strangers"]["plain"]) == ("not_tls", "answered")
    without = ask(url)
    assert (without["state"], without["tls"]["version"]) == ("answers", None)
    for result in (with_tls, without):
        (finding,) = (finding for finding in result["findings"] if finding["key"] == "plain")
        assert (finding["severity"], finding["cis"]) == ("critical", "2.7")
    # dockerd itself says where it listens.
    assert {"open_listener", "wildcard_address"} <= set(keys(without, "critical", "high"))


@pytest.mark.flavours("bookworm", "sid")
def test_a_daemon_that_asks_nobody_for_a_certificate(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask
) -> None:
    result = ask(daemons.dockerd(PORT, "--tlsverify=false", bundle=server), cert_path=str(client))
    assert result["state"] == "answers"
    assert result["strangers"] == {"plain": "refused", "no_certificate": "answered", "foreign_certificate": None}
    assert "no_client_certificate" in keys(result, "critical")


@pytest.mark.flavours("bookworm", "sid")
@pytest.mark.shows(
    "client_expired", "client_not_yet_valid", "client_wrong_usage", "client_unknown", "client_missing", "tls_required"
)
def test_clients_that_a_daemon_refuses(
    host: Host, daemons: Daemons, server: Path, client: Path, authority: Authority, ask: Ask, tmp_path: Path
) -> None:
    """The alerts of Go say less than these states; old and new engines say different things."""
    url = daemons.dockerd(PORT, bundle=server)
    other = Authority.make("another authority")
    made = {
        "client_expired": authority.bundle(tmp_path / "expired", usage="client", days=(-10, -1)),
        "client_not_yet_valid": authority.bundle(tmp_path / "early", usage="client", days=(1, 10)),
        "client_wrong_usage": authority.bundle(tmp_path / "usage", usage="server", names=["web2"]),
        "client_unknown": other.bundle(tmp_path / "unknown", usage="client", trusted=authority),
    }
    for state, bundle in made.items():
        result = ask(url, cert_path=str(bundle))
        assert (result["state"], result["tls"]["verified"]) == (state, True), result["reason"]
        assert "server_not_verified" not in keys(result)
        assert set(result["strangers"].values()) == {"refused"}
    assert "expired" in keys(ask(url, cert_path=str(made["client_expired"])), "critical")
    assert ask(url, ca_path=str(client / "ca.pem"))["state"] == "client_missing"
    assert ask(url)["state"] == "tls_required"


@pytest.mark.one_host
@pytest.mark.shows("client_unknown")
def test_a_revoked_client(host: Host, controller: Controller, ask: Ask) -> None:
    assert controller.expose(expose_clients=["admin", "ci"]).code == 0
    url = f"tcp://{host.address}:2376"
    assert ask(url, cert_path=str(controller.client("ci")))["state"] == "answers"
    assert controller.playbook("revoke", revoke_clients=["ci"]).code == 0
    gone = controller.fleet / "revoked" / "ci"
    result = ask(
        url,
        ca_path=str(controller.client() / "ca.pem"),
        client_cert=str(gone / "cert.pem"),
        client_key=str(gone / "key.pem"),
    )
    assert result["state"] == "client_unknown"
    assert ask(url, cert_path=str(controller.client()))["state"] == "answers"


@pytest.mark.one_host
@pytest.mark.shows(
    "unknown_ca", "wrong_name", "server_expired", "server_not_yet_valid", "certificate_invalid", "authority_expired"
)
def test_servers_that_a_client_refuses(
    host: Host, daemons: Daemons, client: Path, authority: Authority, ask: Ask, tmp_path: Path
) -> None:
    other = Authority.make("another authority")
    aged = Authority.make("an old authority", days=(-10, -1))
    names = [host.address]
    made = {
        "unknown_ca": other.bundle(tmp_path / "other", usage="server", names=names, trusted=authority),
        "wrong_name": authority.bundle(tmp_path / "name", usage="server", names=["web7", "192.0.2.7"]),
        "server_expired": authority.bundle(tmp_path / "expired", usage="server", names=names, days=(-10, -1)),
        "server_not_yet_valid": authority.bundle(tmp_path / "early", usage="server", names=names, days=(1, 10)),
        "certificate_invalid": authority.bundle(tmp_path / "usage", usage="client", names=names),
    }
    results = {}
    for position, (state, bundle) in enumerate(made.items()):
        url = daemons.dockerd(PORT + position, bundle=bundle)
        result = results[state] = ask(url, cert_path=str(client))
        assert result["state"] == state, result["reason"]
        # The daemon takes the client, so its clock is known all the same.
        assert abs(result["clock_skew"]) <= 2
        assert result["tls"]["verified"] is False
        assert not {"server_not_verified", "not_strict"} & set(keys(result))
        assert result["chain"][0]["role"] == "server"
    assert "for web7, 192.0.2.7, not for" in results["wrong_name"]["reason"]
    assert "another authority" in results["unknown_ca"]["reason"]
    assert "and there too" in results["server_expired"]["reason"]
    # The same daemon, with the name that it has, and without any verification.
    url = f"tcp://{host.address}:{PORT + 1}"
    assert ask(url, cert_path=str(client), tls_hostname="web7")["state"] == "answers"
    lax = ask(url, cert_path=str(client), tls=True)
    assert (lax["state"], lax["tls"]["verified"]) == ("answers", False)
    assert "server_not_verified" in keys(lax, "high")
    # An authority that has expired, with a server that has not.
    old = aged.bundle(tmp_path / "aged", usage="server", names=names)
    mine = aged.bundle(tmp_path / "mine", usage="client")
    assert ask(daemons.dockerd(PORT + 9, bundle=old), cert_path=str(mine))["state"] == "authority_expired"


@pytest.mark.one_host
@pytest.mark.parametrize(
    ("offset", "state", "skew"),
    [("+400d", "server_expired", -400 * 86400), ("-3d", "server_not_yet_valid", 3 * 86400)],
)
def test_a_clock_that_is_wrong_is_told_from_an_old_certificate(
    host: Host,
    daemons: Daemons,
    server: Path,
    client: Path,
    ask: Ask,
    tmp_path: Path,
    offset: str,
    state: str,
    skew: int,
) -> None:
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec faketime --exclude-monotonic -f {offset} {sys.executable} "$@"\n')
    python.chmod(0o755)
    result = ask(daemons.dockerd(PORT, bundle=server), cert_path=str(client), python=str(python))
    assert result["state"] == state
    assert abs(result["clock_skew"] - skew) <= 5
    assert "clock_skew" in keys(result, "medium")
    assert "and there 20" in result["reason"]


@pytest.mark.one_host
@pytest.mark.shows("tls_too_old")
def test_tls_that_is_too_old(host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask) -> None:
    daemons.put(server, "/run/probe/old")
    flags = "-cert /run/probe/old/cert.pem -key /run/probe/old/key.pem -accept 2401 -tls1_1 -cipher ALL:@SECLEVEL=0"
    url = daemons.listen(PORT, "old", f"openssl s_server {flags} -www")
    result = ask(url, cert_path=str(client))
    assert result["state"] == "tls_too_old", result["reason"]
    assert "TLSv1.1" in result["reason"]


@pytest.mark.one_host
@pytest.mark.shows("tls_failed")
def test_handshakes_that_fail_for_another_reason(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask
) -> None:
    # Its only cipher is for an RSA key, and its key is none.
    daemons.put(server, "/run/probe/rsa")
    flags = "-cert /run/probe/rsa/cert.pem -key /run/probe/rsa/key.pem -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256"
    url = daemons.listen(PORT, "rsa", f"openssl s_server -accept {PORT} {flags} -www")
    result = ask(url, cert_path=str(client))
    assert result["state"] == "tls_failed", result["reason"]
    assert "HANDSHAKE_FAILURE" in result["reason"].upper().replace(" ", "_")

    def serve(connection: socket.socket) -> None:
        # The alert internal_error (RFC 8446, 6.2): as Go's servers whose certificate can't be loaded.
        connection.recv(4096)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x50")
        connection.close()

    with peer(serve) as url:
        result = ask(url, cert_path=str(client))
    assert result["state"] == "tls_failed", result["reason"]
    assert "INTERNAL_ERROR" in result["reason"].upper().replace(" ", "_")


@pytest.mark.one_host
@pytest.mark.shows("answers")
def test_a_proxy_that_takes_any_certificate(host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask) -> None:
    """s_server -Verify wants a certificate, and accepts one that it can't verify. It hands out dockerd's answers."""
    ours = docker.constants.DEFAULT_DOCKER_API_VERSION
    theirs = host.run("docker version --format '{{.Server.APIVersion}}'").stdout.strip()
    paths = ("_ping", "version", f"v{min(ours, theirs, key=_numbers)}/info")
    daemons.put(server, "/run/probe/any")
    host.run(f"{daemons.script('copy', _COPY_ANSWERS)} /run/probe/any {' '.join(paths)}")
    flags = "-cert cert.pem -key key.pem -CAfile ca.pem -Verify 1 -HTTP"
    url = daemons.listen(PORT, "any", f"sh -c 'cd /run/probe/any && exec openssl s_server -accept {PORT} {flags}'")
    result = ask(url, cert_path=str(client))
    assert result["state"] == "answers", result["reason"]
    assert result["strangers"] == {"plain": "refused", "no_certificate": "refused", "foreign_certificate": "answered"}
    (finding,) = (finding for finding in result["findings"] if finding["key"] == "any_client_certificate")
    assert (finding["severity"], finding["cis"]) == ("critical", "2.7")


@pytest.mark.one_host
@pytest.mark.shows("answers")
@pytest.mark.parametrize(
    ("version", "protocols", "anybody", "severity"),
    [
        ("29.3.1", ["h2", "http/1.1"], False, "medium"),
        ("29.3.1", ["h2", "http/1.1"], True, "high"),
        ("29.3.1", ["http/1.1"], False, None),
        ("29.9.0", ["h2", "http/1.1"], False, None),
    ],
    ids=["flawed", "flawed and open", "without HTTP2", "corrected"],
)
def test_an_engine_that_speaks_http2(
    host: Host,
    client: Path,
    authority: Authority,
    ask: Ask,
    tmp_path: Path,
    version: str,
    protocols: list[str],
    anybody: bool,
    severity: str | None,
) -> None:
    """No such engine is packaged; its answers and its ALPN come from a real server of TLS."""
    bundle = authority.bundle(tmp_path / "engine", usage="server", names=[GATEWAY])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(bundle / "ca.pem"))
    context.verify_mode = ssl.CERT_NONE if anybody else ssl.CERT_REQUIRED
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    context.set_alpn_protocols(protocols)
    with api_server(version, context) as url:
        result = ask(url, cert_path=str(client))
    assert (result["state"], result["engine_version"]) == ("answers", version), result["reason"]
    assert [f["severity"] for f in result["findings"] if f["key"] == "http2"] == ([severity] if severity else [])


@pytest.mark.one_host
@pytest.mark.shows("not_docker", "not_tls")
def test_something_else_answers(host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask) -> None:
    url = daemons.listen(PORT, "web", f"/usr/bin/python3 -m http.server {PORT}")
    assert ask(url)["state"] == "not_docker"
    assert ask(url, cert_path=str(client))["state"] == "not_tls"
    daemons.put(server, "/run/probe/web")
    flags = "-cert /run/probe/web/cert.pem -key /run/probe/web/key.pem -accept 2402 -www"
    url = daemons.listen(2402, "tls", f"openssl s_server {flags}")
    assert ask(url, cert_path=str(client))["state"] == "not_docker"
    # It is the host's SSH server.
    assert ask(f"{host.address}:22")["state"] == "not_docker"
    assert ask(f"{host.address}:22", cert_path=str(client))["state"] == "not_tls"


@pytest.mark.one_host
@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(200, "rights_refused", marks=pytest.mark.shows("rights_refused")),
        pytest.param(500, "unhealthy", marks=pytest.mark.shows("unhealthy")),
    ],
)
def test_an_authorization_plugin_refuses_or_fails(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask, status: int, state: str
) -> None:
    daemons.service("authz", daemons.script("authz", _AUTHZ_PLUGIN.replace("STATUS", str(status))))
    host.run("for _ in $(seq 100); do test -S /run/docker/plugins/probe.sock && exit; sleep 0.1; done; exit 1")
    url = daemons.dockerd(PORT, "--authorization-plugin=probe", bundle=server, wait=False)
    host.run(f"for _ in $(seq 300); do ss -Hltn 'sport = :{PORT}' | grep -q . && exit; sleep 0.1; done; exit 1")
    result = ask(url, cert_path=str(client))
    assert result["state"] == state, result["reason"]
    assert ("authorization denied" in result["reason"]) == (status == 200)
    # The plugin refuses this client, whose certificate dockerd accepts. dockerd itself refuses strangers.
    assert set(result["strangers"].values()) == {"refused"}


@pytest.mark.flavours("bookworm")
@pytest.mark.shows("api_too_old")
def test_an_api_that_is_too_old_for_the_client(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask
) -> None:
    """As with the docker command 29, which begins at 1.44, and the engine 20.10, which ends at 1.41."""
    newest = host.run("docker version --format '{{.Server.APIVersion}}'").stdout.strip()
    _major, minor = _numbers(newest)
    wanted = f"1.{minor + 3}-1.{minor + 11}"
    result = ask(daemons.dockerd(PORT, bundle=server), cert_path=str(client), api_versions=wanted)
    assert result["state"] == "api_too_old"
    assert newest in result["reason"]


@pytest.mark.flavours("sid")
# dockerd 20.10 can't be told to refuse older clients.
@pytest.mark.only("trixie", "sid")
@pytest.mark.shows("api_too_new")
def test_an_api_that_is_too_new_for_the_client(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask
) -> None:
    """The docker command of 20.10 ends at 1.41."""
    newest = host.run("docker version --format '{{.Server.APIVersion}}'").stdout.strip()
    url = daemons.dockerd(PORT, bundle=server, DOCKER_MIN_API_VERSION=newest)
    ranges: list[dict[str, str]] = [{"api_versions": "1.12-1.41"}]
    if _numbers(docker.constants.DEFAULT_DOCKER_API_VERSION) < _numbers(newest):
        # What is installed here is older than that.
        ranges.append({})
    for options in ranges:
        result = ask(url, cert_path=str(client), **options)
        assert result["state"] == "api_too_new", result["reason"]
        assert result["api"]["min_version"] == newest
    result = ask(url, cert_path=str(client), api_versions=f"1.44-{newest}")
    assert (result["state"], result["api"]["negotiated"]) == ("answers", newest)


@pytest.mark.one_host
@pytest.mark.parametrize("with_tls", [True, False], ids=["TLS", "plain"])
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("silent", marks=pytest.mark.shows("silent")),
        pytest.param("dripping", marks=pytest.mark.shows("silent")),
        pytest.param("hangs up", marks=pytest.mark.shows("broken_off")),
    ],
)
@pytest.mark.due(True)
def test_an_endpoint_that_accepts_and_says_nothing_costs_the_timeout_at_most(
    client: Path, ask: Ask, host: Host, kind: str, with_tls: bool
) -> None:
    def serve(connection: socket.socket) -> None:
        if kind == "hangs up":
            connection.recv(4096)
            connection.close()
        # A TLS record that is announced and never complete, or an HTTP header without an end.
        drip = b"\x16\x03\x03\x40\x00" if with_tls else b"HTTP/1.1 200 OK\r\nX-Slow: "
        with contextlib.suppress(OSError):
            while kind == "dripping":
                connection.sendall(drip)
                drip = b"\x02"
                time.sleep(0.3)
            time.sleep(60)

    with peer(serve) as url:
        # What it takes to start Ansible is the same for a port that is shut.
        started = time.monotonic()
        ask(f"tcp://{GATEWAY}:1")
        overhead = time.monotonic() - started
        options = {"cert_path": str(client)} if with_tls else {}
        started = time.monotonic()
        result = ask(url, timeout=4, **options)
        took = time.monotonic() - started - overhead
    assert result["state"] == ("broken_off" if kind == "hangs up" else "silent"), result["reason"]
    # The other end would go on for a minute.
    assert took < 4 + 20


@pytest.mark.one_host
@pytest.mark.shows("silent")
def test_a_daemon_that_hangs(host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask) -> None:
    url = daemons.dockerd(PORT, bundle=server)
    host.run(f"kill -STOP $(cat /run/probe/{PORT}/pid)")
    try:
        assert ask(url, cert_path=str(client), timeout=3)["state"] == "silent"
    finally:
        host.run(f"kill -CONT $(cat /run/probe/{PORT}/pid)")


@pytest.mark.one_host
def test_waiting_ends_when_the_daemon_answers_or_when_it_is_in_vain(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask, tmp_path: Path
) -> None:
    started = time.monotonic()
    late = ask(f"{host.address}:{PORT}", cert_path=str(client), wait=12)
    assert (late["failed"], late["failure"], late["state"]) == (True, "wait_timeout", "nothing_listens")
    assert late["attempts"] > 1
    assert time.monotonic() - started > 6

    starting = threading.Timer(4, lambda: daemons.dockerd(PORT, bundle=server))
    starting.start()
    result = ask(f"{host.address}:{PORT}", cert_path=str(client), wait=60)
    starting.join()
    assert (result["state"], result.get("failed", False)) == ("answers", False)
    assert result["attempts"] > 1

    stranger = Authority.make("another authority").bundle(tmp_path / "other", usage="client")
    started = time.monotonic()
    result = ask(f"{host.address}:{PORT}", cert_path=str(stranger), wait=60)
    assert (result["failure"], result["state"], result["attempts"]) == ("wait_stopped", "unknown_ca", 1)
    assert time.monotonic() - started < _TOO_LONG


@pytest.mark.one_host
def test_the_environment_has_no_say_but_by_three_variables(
    host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask, authority: Authority, tmp_path: Path
) -> None:
    url = daemons.dockerd(PORT, bundle=server)
    other = Authority.make("another authority").bundle(tmp_path / "other", usage="client")
    hostile = {
        **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), str(other / "ca.pem")),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), f"http://{GATEWAY}:1"),
        "DOCKER_TLS_HOSTNAME": "elsewhere",
        "DOCKER_API_VERSION": "1.20",
        "SSLKEYLOGFILE": str(tmp_path / "keys"),
    }
    assert ask(url, cert_path=str(client), environment=hostile)["state"] == "answers"
    assert not (tmp_path / "keys").exists()
    trusting = {**hostile, "REQUESTS_CA_BUNDLE": str(client / "ca.pem"), "SSL_CERT_FILE": str(client / "ca.pem")}
    mixed = {"client_cert": str(client / "cert.pem"), "client_key": str(client / "key.pem")}
    result = ask(url, ca_path=str(other / "ca.pem"), environment=trusting, **mixed)
    assert result["state"] == "unknown_ca"
    assert ask(url, environment=trusting, validate_certs=True, **mixed)["state"] == "unknown_ca"
    documented = {"DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": str(client)}
    result = ask(url, environment={**hostile, **documented})
    assert (result["state"], result["tls"]["verified"]) == ("answers", True)
    assert ask(url, environment={"DOCKER_CERT_PATH": str(client)})["state"] == "tls_required"


@pytest.mark.one_host
def test_certificates_that_are_weak_old_or_lax(
    host: Host, daemons: Daemons, client: Path, authority: Authority, ask: Ask, tmp_path: Path
) -> None:
    names = [host.address, "*.example.com"]
    soon = authority.bundle(tmp_path / "soon", usage="server", names=names, days=(-360, 5))
    result = ask(daemons.dockerd(PORT, bundle=soon), cert_path=str(client))
    assert (result["state"], keys(result, "high")) == ("answers", ["expires_soon"])
    assert "wildcard_name" in keys(result, "low")

    lax = Authority.make("lax authority", strict=False)
    mine = lax.bundle(tmp_path / "mine", usage="client")
    theirs = lax.bundle(tmp_path / "theirs", usage="server", names=names)
    result = ask(daemons.dockerd(PORT + 1, bundle=theirs), cert_path=str(mine))
    assert result["state"] == "answers"
    assert "not_strict" in keys(result, "low")

    weak = authority.bundle(tmp_path / "weak", usage="server", names=names, key=make_key(1024))
    result = ask(daemons.dockerd(PORT + 2, bundle=weak), cert_path=str(client))
    assert "weak_key" in keys(result, "high"), result


@pytest.mark.one_host
def test_settings_that_are_unsafe(host: Host, daemons: Daemons, server: Path, client: Path, ask: Ask) -> None:
    flags = ("--insecure-registry=10.0.0.0/8", "--experimental", "--debug", "--live-restore", "--no-new-privileges")
    result = ask(daemons.dockerd(PORT, *flags, bundle=server), cert_path=str(client))
    found = {finding["key"]: finding for finding in result["findings"]}
    assert found["insecure_registry"]["cis"] == "2.5"
    assert "10.0.0.0/8" in found["insecure_registry"]["text"]
    assert {"experimental", "debug", "no_authorization"} <= set(found)
    assert not {"no_live_restore", "new_privileges"} & set(found)


@pytest.mark.one_host
def test_input_that_is_wrong_fails_the_task(host: Host, client: Path, ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "mixed").mkdir()
    broken = {
        "docker_host_missing": {"url": ""},
        "invalid_docker_host": {"url": "unix:///run/docker.sock"},
        "file_unreadable": {"url": f"{host.address}:{PORT}", "cert_path": str(tmp_path / "mixed")},
        "incomplete_identity": {"url": f"{host.address}:{PORT}", "client_cert": str(client / "cert.pem")},
        "bundle_unusable": {"url": f"{host.address}:{PORT}", "ca_path": str(client / "key.pem")},
        "invalid_api_versions": {"url": f"{host.address}:{PORT}", "api_versions": "new"},
        "invalid_timeout": {"url": f"{host.address}:{PORT}", "timeout": 0},
    }
    for failure, options in broken.items():
        result = ask(**options)
        assert (result["failed"], result["failure"]) == (True, failure)


@pytest.mark.one_host
def test_a_python_without_the_libraries_is_told_what_to_install(host: Host, controller: Controller) -> None:
    """The host's own Python has neither."""
    play = {
        "hosts": host.name,
        "gather_facts": False,
        "tasks": [{"gangway.docker.endpoint_info": {"docker_host": "tcp://127.0.0.1:2376"}}],
    }
    (result,) = controller.play([play]).results(host.name)
    assert result["failure"] in ("cryptography_missing", "docker_sdk_missing")
    assert "/usr/bin/python3" in result["msg"]


@pytest.mark.one_host
def test_no_key_is_in_any_output_or_left_behind(
    host: Host, daemons: Daemons, server: Path, client: Path, controller: Controller, tmp_path: Path
) -> None:
    url = daemons.dockerd(PORT, bundle=server)
    before = {path.name for path in Path("/tmp").glob("gangway-probe-*")}
    site = controller.folder / "probe.yml"
    task = {"gangway.docker.endpoint_info": {"docker_host": url, "cert_path": str(client)}}
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [task],
    }
    site.write_text(yaml.safe_dump([play]))
    done = controller.raw(site, "-vvvv", "--diff")
    assert '"answers"' in done.stdout
    assert "PRIVATE KEY" not in done.stdout + done.stderr
    assert (client / "key.pem").read_text().splitlines()[1] not in done.stdout + done.stderr
    assert {path.name for path in Path("/tmp").glob("gangway-probe-*")} == before
