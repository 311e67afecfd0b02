# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dockerd answers on its unix socket."""

from __future__ import annotations

import json
import socket
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import engine
from ansible_collections.gangway.docker.plugins.module_utils._host.engine import EngineState, read_engine, read_version

INFO = {"ServerVersion": "28.5.2", "LiveRestoreEnabled": True, "Swarm": {"LocalNodeState": "active"}}
BODY = json.dumps({**INFO, "Labels": ["x" * 300_000]}).encode()


@pytest.fixture
def dockerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Callable[[bytes], None]]:
    """Answer one request on the unix socket with this."""
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(engine, "_SOCKETS", (str(tmp_path / "none"), path))
    threads: list[threading.Thread] = []

    def serve(answer: bytes) -> None:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        Path(path).unlink(missing_ok=True)
        listening.bind(path)
        listening.listen()

        def run() -> None:
            with listening, listening.accept()[0] as connection:
                connection.recv(1000)
                connection.sendall(answer)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()

    yield serve
    for thread in threads:
        thread.join(10)


def test_the_engine_tells_what_it_is(dockerd: t.Callable[[bytes], None]) -> None:
    dockerd(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + BODY)
    assert read_engine() == EngineState("28.5.2", live_restore=True, swarm=True)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="none"),
        pytest.param(b"HTTP/1.0 200 OK\r\n", id="headers_break_off"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + BODY[:-1], id="body_breaks_off"),
        pytest.param(b"HTTP/1.0 503 Service Unavailable\r\n\r\n" + BODY, id="another_status"),
    ],
)
def test_no_complete_answer_is_none(answer: bytes, dockerd: t.Callable[[bytes], None]) -> None:
    dockerd(answer)
    assert read_engine() is None


def test_an_engine_that_is_down_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SOCKETS", (str(tmp_path / "docker.sock"),))
    assert read_engine() is None


_PODMAN = {"Version": "5.4.2", "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}, {"Name": "Conmon"}]}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (_PODMAN, ("Podman Engine", "5.4.2")),
        ({"Version": "28.5.2", "Components": [{"Name": "Engine", "Version": "28.5.2"}]}, ("Engine", "28.5.2")),
        ({"Version": "1.13.0"}, ("Engine", "1.13.0")),
        ({"Components": ["x"]}, None),
        ([], None),
    ],
)
def test_an_engine_tells_its_name(
    answer: t.Any, found: tuple[str, str] | None, dockerd: t.Callable[[bytes], None], tmp_path: Path
) -> None:
    dockerd(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(answer).encode())
    assert read_version(str(tmp_path / "docker.sock")) == found


def test_a_socket_that_nobody_listens_on_has_no_engine(tmp_path: Path) -> None:
    assert read_version(str(tmp_path / "none.sock")) is None
