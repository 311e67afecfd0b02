# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: which state comes into force after which proof. What systemd and nft do is tested on hosts."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import threading
import time
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard import gate, process, proof, record, socket_filter
from ansible_collections.gangway.docker.plugins.module_utils._guard.nftables_gate import transaction
from ansible_collections.gangway.docker.plugins.module_utils._guard.slices import slices_above
from ansible_collections.gangway.docker.plugins.module_utils._guard.socket_filter import networks_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

OWN, ALLOW = ("127.0.0.1/32",), ("10.20.0.0/24",)
_PLAIN = b"HTTP/1.0 200 OK\r\n\r\nOK"
_HTTP_TO_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


class Server:
    """A TCP server that behaves like dockerd with mutual TLS, or as told."""

    def __init__(self, bundle: Path | None, *, verify: bool = True) -> None:
        self._context: ssl.SSLContext | None = None
        if bundle is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
            if verify:
                self._context.load_verify_locations(bundle / "ca.pem")
                self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            try:
                self._answer(client)
            except OSError:
                pass
            finally:
                client.close()

    def _answer(self, client: socket.socket) -> None:
        if self._context is None:
            client.recv(1024)
            client.sendall(_PLAIN)
        elif client.recv(1, socket.MSG_PEEK) == b"G":
            client.recv(1024)
            client.sendall(_HTTP_TO_TLS)
        else:
            with self._context.wrap_socket(client, server_side=True) as secured:
                secured.recv(1024)
                secured.sendall(_PLAIN)


class Filter:
    """Records the networks that systemd is asked to let through."""

    def __init__(self) -> None:
        self.networks: list[list[str]] = []
        self.problem: str | None = None

    def put_in_force(self, networks: t.Sequence[str]) -> str | None:
        self.networks.append(list(networks))
        return self.problem


@pytest.fixture
def bundle(tmp_path: Path, pem_files: dict[str, bytes]) -> Path:
    for name, content in pem_files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Filter:
    kernel = Filter()
    monkeypatch.setattr(socket_filter, "put_in_force", kernel.put_in_force)
    monkeypatch.setattr(record, "RECORD", str(tmp_path / "record"))
    monkeypatch.setattr(gate, "DAEMON_JSON", str(tmp_path / "daemon.json"))
    monkeypatch.setattr(proof, "command_line", lambda: ["/usr/sbin/dockerd", "-H", "fd://"])
    return kernel


@pytest.fixture
def site(bundle: Path, kernel: Filter, keep_listener: t.Callable[..., None]) -> Iterator[t.Callable[..., Server]]:
    """Start a server, and keep it as the listener of method socket."""
    servers = []

    def start(*, tls: bool = True, verify: bool = True) -> Server:
        server = Server(bundle if tls else None, verify=verify)
        servers.append(server)
        names = {"tlscacert": "ca", "tlscert": "cert", "tlskey": "key"}
        settings: dict[str, t.Any] = {"tlsverify": True}
        settings.update({key: str(bundle / f"{name}.pem") for key, name in names.items()})
        (bundle / "daemon.json").write_text(json.dumps(settings))
        listen = (("127.0.0.1", server.port),)
        ca = (bundle / "ca.pem").read_bytes()
        keep_listener(bundle, settings, ca, kind="socket", listen=listen, own=OWN, allow=ALLOW)
        return server

    yield start
    for server in servers:
        server.close()


def test_the_gate_opens_once_a_stranger_was_turned_away(site: t.Callable[..., Server], kernel: Filter) -> None:
    site()
    assert gate.narrow() is None
    assert gate.open_gate() is None
    assert kernel.networks == [[*OWN], [*OWN, *ALLOW]]


@pytest.mark.parametrize("server", [{"tls": False}, {"verify": False}], ids=str)
def test_it_shuts_for_everyone_where_a_stranger_is_answered(
    site: t.Callable[..., Server], kernel: Filter, server: dict[str, bool]
) -> None:
    site(**server)
    gate.narrow()
    refusal = gate.open_gate()
    assert refusal is not None
    assert refusal.is_open
    assert kernel.networks[-1] == []
    assert gate.restore() is None
    assert kernel.networks[-1] == []


def test_it_stays_narrow_while_nothing_listens(site: t.Callable[..., Server], kernel: Filter) -> None:
    site().close()
    gate.narrow()
    refusal = gate.open_gate()
    assert refusal is not None
    assert refusal.is_early
    assert kernel.networks == [[*OWN]]


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("daemon.json", "{}", "tlsverify is not true"),
        ("daemon.json", '{"tlsverify": true, "tlscacert": "/etc/ssl/other.pem"}', "tlscacert is /etc/ssl/other.pem"),
        ("ca.sha256", "0000\n", "another CA than the one that was put there"),
    ],
)
def test_it_shuts_where_the_settings_are_not_those_that_were_put_there(
    site: t.Callable[..., Server], kernel: Filter, bundle: Path, path: str, text: str, reason: str
) -> None:
    site()
    (bundle / path).write_text(text)
    refusal = gate.open_gate()
    assert refusal is not None
    assert reason in refusal.reason
    assert kernel.networks == [[]]


@pytest.mark.parametrize(
    "words",
    [
        ["dockerd", "--tlsverify=false"],
        ["dockerd", "--tlscacert", "/etc/ssl/other.pem"],
        ["dockerd", "--tlscacert=/etc/ssl/other.pem"],
        ["dockerd", "--config-file=/etc/docker/other.json"],
        [],
    ],
    ids=str,
)
def test_it_shuts_where_dockerd_was_started_with_other_settings(
    site: t.Callable[..., Server], kernel: Filter, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    site()
    monkeypatch.setattr(proof, "command_line", lambda: words)
    assert gate.open_gate() is not None
    assert kernel.networks == [[]]


def test_another_certificate_on_the_port_is_no_proof(
    site: t.Callable[..., Server], kernel: Filter, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site()
    monkeypatch.setattr(gate, "_der", lambda _path: b"another")
    refusal = gate.open_gate()
    assert refusal is not None
    assert "another certificate" in refusal.reason
    assert kernel.networks == [[]]


def test_a_dockerd_that_starts_during_the_proof_is_not_let_through_by_it(
    site: t.Callable[..., Server], kernel: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    site()
    gate.narrow()
    prove = gate._prove

    def prove_and_start_again(kept: gate.Gate) -> gate.Refusal | None:
        refusal = prove(kept)
        gate.narrow()
        return refusal

    monkeypatch.setattr(gate, "_prove", prove_and_start_again)
    refusal = gate.open_gate()
    assert refusal is not None
    assert refusal.is_early
    assert kernel.networks == [[*OWN], [*OWN]]


@pytest.fixture
def dockerd(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that counts as dockerd."""
    with subprocess.Popen(["/bin/sleep", "60"]) as running:
        monkeypatch.setattr(process, "dockerd_pid", lambda: running.pid)
        yield running
        running.kill()


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_what_opens_the_gate_makes_it_narrow_once_dockerd_has_ended(
    site: t.Callable[..., Server],
    kernel: Filter,
    dockerd: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    has_pidfd: bool,
) -> None:
    """What starts the next dockerd may not run the guard."""
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open")
    site()
    gate.narrow()
    follower = threading.Thread(target=gate.run, args=(["open", "follow"],))
    follower.start()
    _wait_until(lambda: len(kernel.networks) == 2)
    assert follower.is_alive()
    # Our folder may be gone by then.
    Path("gate.json").unlink()
    dockerd.kill()
    dockerd.wait()
    follower.join(timeout=10)
    assert not follower.is_alive()
    assert kernel.networks == [[*OWN], [*OWN, *ALLOW], [*OWN]]
    assert record.read_record()[0] == "narrow"


def test_only_the_last_start_of_dockerd_is_followed(
    site: t.Callable[..., Server],
    kernel: Filter,
    dockerd: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_POLL", 0.05)
    site()
    gate.narrow()
    follower = threading.Thread(target=gate.run, args=(["open", "follow"],))
    follower.start()
    _wait_until(lambda: len(kernel.networks) == 2)
    gate.narrow()
    follower.join(timeout=10)
    assert not follower.is_alive()
    assert dockerd.poll() is None
    assert kernel.networks == [[*OWN], [*OWN, *ALLOW], [*OWN]]


def test_a_gate_that_was_removed_is_followed_no_longer(
    site: t.Callable[..., Server], kernel: Filter, dockerd: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """A withdrawal leaves nothing, not even the record."""
    site()
    gate.narrow()
    follower = threading.Thread(target=gate.run, args=(["open", "follow"],))
    follower.start()
    _wait_until(lambda: len(kernel.networks) == 2)
    (tmp_path / "record").unlink()
    dockerd.kill()
    dockerd.wait()
    follower.join(timeout=10)
    assert not follower.is_alive()
    assert not (tmp_path / "record").exists()
    assert len(kernel.networks) == 2


def _wait_until(holds: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_list_that_can_not_be_put_in_force_shuts_the_gate(site: t.Callable[..., Server], kernel: Filter) -> None:
    site()
    kernel.problem = "a drop-in of others"
    assert gate.narrow() == "a drop-in of others"
    refusal = gate.open_gate()
    assert refusal == gate.Refusal("a drop-in of others")
    assert kernel.networks[-1] == []


def test_without_its_file_nothing_opens(kernel: Filter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert gate.narrow() is not None
    assert gate.open_gate() is not None
    assert kernel.networks == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("any", "0.0.0.0/0 ::/0"),
        ("localhost", "127.0.0.0/8 ::1/128"),
        ("10.0.0.0/24 10.0.0.7/32", "10.0.0.0/24"),
        ("10.0.0.0/25 10.0.0.128/25", "10.0.0.0/24"),
        ("::1/128 10.0.0.1", "10.0.0.1/32 ::1"),
        ("", ""),
    ],
)
def test_lists_that_let_the_same_clients_through_are_the_same(one: str, other: str) -> None:
    assert networks_of(one) == networks_of(other)


def test_the_slices_above_a_unit() -> None:
    assert slices_above("system.slice") == ["system.slice", "-.slice"]
    assert slices_above("a-b-c.slice") == ["a-b-c.slice", "a-b.slice", "a.slice", "-.slice"]
    assert slices_above("-.slice") == slices_above("") == ["-.slice"]


def test_each_state_of_the_chain_replaces_the_one_before() -> None:
    for state in ("narrow", "open", "shut"):
        assert transaction(state).startswith("flush chain inet gangway_docker gate\n")
