# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket that a gateway is to pass connections on to, on a host that is a folder."""

from __future__ import annotations

import os
import socket
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe import engine_socket
from ansible_collections.gangway.docker.plugins.module_utils._observe.engine_socket import EngineSocket
from ansible_collections.gangway.docker.plugins.module_utils._observe.files import Files
from ansible_collections.gangway.docker.plugins.module_utils._observe.side_by_side import Questions
from ansible_collections.gangway.docker.plugins.module_utils._observe.systemd import Units
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

SERVICE = {layout.DOCKER_SERVICE: {"LoadState": "loaded", "ActiveState": "inactive"}}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with sockets of Podman and of docker.service."""
    monkeypatch.setattr(engine_socket, "read_version", lambda _path: ("Podman Engine", "5.4.2"))
    (tmp_path / "run/podman").mkdir(parents=True)
    (tmp_path / "run/podman").chmod(0o700)
    for name in ("run/podman/podman.sock", "run/docker.sock"):
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / name))
        (tmp_path / name).chmod(0o660)
    (tmp_path / "run/file").touch()
    (tmp_path / "run/link").symlink_to("podman/podman.sock")
    (tmp_path / "run/dockers").symlink_to("docker.sock")
    return tmp_path


def described(root: Path, path: str | None, units: t.Mapping[str, t.Mapping[str, str]] | None = None) -> t.Any:
    shown = SERVICE if units is None else units
    return EngineSocket(Files(str(root)), Units(shown), Questions(5), path).described()


@pytest.mark.parametrize("path", ["/run/podman/podman.sock", "/run/link"])
def test_a_socket_is_described_behind_its_links(root: Path, path: str) -> None:
    found = described(root, path)
    assert (found["target"], found["mode"], found["uid"]) == ("/run/podman/podman.sock", 0o660, os.getuid())
    assert 0o700 in [mode for mode, _uid, _gid in found["folders"]]
    assert (found["name"], found["version"]) == ("Podman Engine", "5.4.2")


@pytest.mark.parametrize("path", [None, "/run/none", "/run/file", "/run/podman"])
def test_there_is_none(root: Path, path: str | None) -> None:
    assert described(root, path) is None


@pytest.mark.parametrize("path", ["/run/docker.sock", "/run/dockers"])
def test_a_dockerd_that_asking_could_start_is_not_asked(root: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    asked: list[str] = []
    monkeypatch.setattr(engine_socket, "read_version", asked.append)
    assert described(root, path)["name"] is None
    elsewhere = {**SERVICE, layout.DOCKER_SOCKET: {"Listen": "/run/podman/podman.sock (Stream)"}}
    assert described(root, "/run/link", elsewhere)["name"] is None
    assert asked == []


def test_another_engine_may_have_dockerds_path(root: Path) -> None:
    assert described(root, "/run/docker.sock", {})["name"] == "Podman Engine"


def test_an_engine_that_does_not_answer_has_no_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_socket, "read_version", lambda _path: None)
    assert described(root, "/run/link")["name"] is None
