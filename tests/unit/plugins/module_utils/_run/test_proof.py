# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What counts as proof that a listener works, and what is wrong if it does not."""

from __future__ import annotations

import ssl
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import engine
from ansible_collections.gangway.docker.plugins.module_utils._run import proof
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import CheckConfig, Prove

from .conftest import World

OURS, OTHER = b"our certificate", b"another certificate"
REFUSED: t.Any = ConnectionRefusedError("refused")
OK = b"HTTP/1.0 200 OK"
WORDS = "guard /etc/docker/daemon.json"


class Port:
    """What each address answers: in the clear, and over TLS as certificate and answer. An error is raised."""

    def __init__(self) -> None:
        self.plain: dict[str, t.Any] = {}
        self.tls: dict[str, t.Any] = {}
        self.asked: list[str] = []

    def ask_plain(self, address: str, _port: int) -> bytes:
        self.asked.append(address)
        return t.cast(bytes, self._of(self.plain.get(address, b"")))

    def ask_tls(self, address: str, _port: int) -> tuple[bytes | None, bytes]:
        return t.cast("tuple[bytes, bytes]", self._of(self.tls.get(address, (OURS, b""))))

    @staticmethod
    def _of(answer: object) -> object:
        if isinstance(answer, OSError):
            raise answer
        return answer


@pytest.fixture
def port(world: World, monkeypatch: pytest.MonkeyPatch) -> Port:
    port = Port()
    monkeypatch.setattr(proof, "ask_plain", port.ask_plain)
    monkeypatch.setattr(proof, "ask_tls", port.ask_tls)
    Path(layout.BUNDLE).mkdir()
    Path(layout.CERTIFICATE).write_text(f"The subject\n{ssl.DER_cert_to_PEM_cert(OURS)}a chain\n")
    world.guard = f"{{ argv[]=/bin/sh -c python3 -m {WORDS} }}"
    world.active = {*world.active, layout.GANGWAY_SOCKET}
    return port


def _prove(*addresses: str, tls: bool = True) -> Prove:
    return Prove(
        tuple((address, 2376) for address in addresses or ("10.0.0.5",)),
        layout.CERTIFICATE if tls else None,
        socket=layout.GANGWAY_SOCKET,
        guard=WORDS if tls else None,
    )


def _failure(world: World, step: Prove) -> Failure:
    with pytest.raises(Failure) as caught:
        proof.prove(world.host, step)
    return caught.value


def test_a_port_that_refuses_and_shows_our_certificate_is_proved(world: World, port: Port) -> None:
    port.plain["::1"] = REFUSED
    proof.prove(world.host, _prove("10.0.0.5", "any", "::"))
    assert port.asked == ["10.0.0.5", "127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("plain", "tls", "key"),
    [
        (OK, (OURS, b""), "port_open"),
        (b"", (OURS, OK), "port_open"),
        (b"", (OTHER, b""), "port_other_certificate"),
        (b"", (None, b""), "port_other_certificate"),
        (REFUSED, REFUSED, "port_silent"),
        (b"", ssl.SSLError("wrong version number"), "port_silent"),
    ],
)
def test_any_address_can_spoil_it(world: World, port: Port, plain: t.Any, tls: t.Any, key: str) -> None:
    port.plain["fd00::5"], port.tls["fd00::5"] = plain, tls
    failure = _failure(world, _prove("10.0.0.5", "fd00::5"))
    assert failure.key == key
    assert "[fd00::5]:2376" in str(failure)


def test_an_open_port_is_worse_than_a_silent_one(world: World, port: Port) -> None:
    port.tls["10.0.0.5"] = REFUSED
    port.plain["10.0.0.6"] = OK
    assert _failure(world, _prove("10.0.0.5", "10.0.0.6")).key == "port_open"


def test_without_tls_each_address_must_answer(world: World, port: Port) -> None:
    port.plain["10.0.0.5"] = OK
    proof.prove(world.host, _prove(tls=False))
    port.plain["10.0.0.5"] = b""
    assert _failure(world, _prove(tls=False)).key == "port_silent"
    port.plain["10.0.0.5"] = REFUSED
    assert _failure(world, _prove(tls=False)).key == "port_silent"


def test_a_socket_that_the_guard_has_closed_is_named(world: World, port: Port) -> None:
    world.active = set()
    world.pid = 0
    failure = _failure(world, Prove((), None, socket="some.socket"))
    assert (failure.key, "some.socket: it is" in str(failure)) == ("port_closed", True)


def test_a_guard_that_another_drop_in_clears_is_named(world: World, port: Port) -> None:
    world.guard = ""
    assert _failure(world, _prove()).key == "guard_overridden"


def test_a_dockerd_that_does_not_answer_is_named(world: World, port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_get", lambda _path: None)
    assert _failure(world, _prove()).key == "dockerd_silent"


@pytest.mark.parametrize(("answer", "key"), [(None, "engine_silent"), ({"Version": "5.4.2"}, None)])
def test_another_engine_is_asked_in_place_of_dockerd(
    world: World, port: Port, monkeypatch: pytest.MonkeyPatch, answer: t.Any, key: str | None
) -> None:
    asked = []

    def ask(unix_socket: str, path: str) -> t.Any:
        asked.append((unix_socket, path))
        return answer

    monkeypatch.setattr(engine, "_ask", ask)
    monkeypatch.setattr(engine, "_get", lambda _path: pytest.fail("dockerd is asked"))
    step = Prove((), None, engine="/run/podman/podman.sock")
    if key is None:
        proof.prove(world.host, step)
    else:
        assert _failure(world, step).key == key
    assert asked == [("/run/podman/podman.sock", "/version")]


def test_dockerd_checks_its_own_settings(world: World) -> None:
    step = CheckConfig("/usr/bin/dockerd")
    proof.check_config(world.host, step)
    command = f"/usr/bin/dockerd --validate --config-file={layout.DAEMON_JSON}"
    assert world.calls == [command]
    world.fails = {command}
    with pytest.raises(Failure, match="a fault") as caught:
        proof.check_config(world.host, step)
    assert caught.value.key == "daemon_json_invalid"
