# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HAProxy's unit, and what brings the port up at boot."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway import units
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.gateway.units import (
    render_boot_drop_in,
    render_gateway_unit,
)


def _values(key: str, unit: str) -> list[str]:
    return re.findall(f"^{key}=(.*)$", unit, re.M)


def test_the_unit_starts_haproxy_as_it_was_found_with_the_port_from_systemd() -> None:
    unit = render_gateway_unit("/usr/local/sbin/haproxy")
    assert _values("ExecStart", unit) == [
        f"/usr/local/sbin/haproxy -Ws -f {layout.GATEWAY_CONFIGURATION} -S {layout.GATEWAY_COMMANDS},mode,600"
    ]
    assert _values("Sockets", unit) == _values("Requires", unit) == [layout.GANGWAY_SOCKET]
    assert _values("RuntimeDirectory", unit) == [os.path.basename(layout.GATEWAY_RUN)]
    assert _values("RuntimeDirectoryMode", unit) == ["0700"]
    assert _values("UMask", unit) == ["0077"]


def test_the_port_comes_up_at_boot() -> None:
    assert f"[Unit]\nWants={layout.GANGWAY_SOCKET}\n" in render_boot_drop_in()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Certificate, key and a configuration, with their digests."""
    for name in ("CERTIFICATE", "KEY", "GATEWAY_CONFIGURATION", "GATEWAY_DIGESTS"):
        monkeypatch.setattr(layout, name, str(tmp_path / name))
        (tmp_path / name).write_text(f"{name}\n")
    monkeypatch.setattr(units, "SERVER_PEM", str(tmp_path / "server.pem"))
    _judge(tmp_path)
    return tmp_path


def _judge(folder: Path) -> None:
    paths = [folder / name for name in ("CERTIFICATE", "GATEWAY_CONFIGURATION")]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}\n" for path in paths]
    (folder / "GATEWAY_DIGESTS").write_text("".join(lines))


def _run(key: str) -> int:
    value = _values(key, render_gateway_unit("haproxy"))[0]
    # systemd.service(5): these are systemd's own.
    assert not re.search(r"[$%\\]", value)
    return subprocess.run(shlex.split(value), check=False, umask=0o077).returncode


@pytest.mark.parametrize("key", ["ExecStartPre", "ExecReload"])
def test_certificate_and_key_are_joined_for_a_start_and_for_a_reload(folder: Path, key: str) -> None:
    for certificate in ("one\n", "two\n"):
        (folder / "CERTIFICATE").write_text(certificate)
        _judge(folder)
        assert _run(key) == 0
        assert (folder / "server.pem").read_text() == f"{certificate}KEY\n"
        assert (folder / "server.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("key", ["ExecStartPre", "ExecReload"])
@pytest.mark.parametrize("path", ["CERTIFICATE", "GATEWAY_CONFIGURATION", "GATEWAY_DIGESTS"])
@pytest.mark.parametrize("content", ["of others\n", "", None])
def test_it_serves_nothing_with_a_file_that_is_not_as_the_run_left_it(
    folder: Path, key: str, path: str, content: str | None
) -> None:
    assert _run(key) == 0
    (folder / "server.pem").unlink()
    (folder / path).unlink()
    if content is not None:
        (folder / path).write_text(content)
    assert _run(key) != 0
    assert not (folder / "server.pem").exists()


def test_haproxy_is_told_to_read_again_only_if_its_files_are_good() -> None:
    judge, tell = _values("ExecReload", render_gateway_unit("haproxy"))
    assert "sha256sum" in judge
    assert tell == "/bin/sh -c 'kill -USR2 $MAINPID'"
