# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is a folder, with a systemctl of our own."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host.engine import EngineState
from ansible_collections.gangway.docker.plugins.module_utils._observe import interfaces
from ansible_collections.gangway.docker.plugins.module_utils._observe import observe as observe_module
from ansible_collections.gangway.docker.plugins.module_utils._observe.observe import observe
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation

UNIT = "/lib/systemd/system/docker.service"
FIREWALLS = ("nftables", "firewalld", "ufw")
SERVICE = {
    "Id": "docker.service",
    "LoadState": "loaded",
    "ActiveState": "active",
    "MainPID": "42",
    "FragmentPath": UNIT,
    "EnvironmentFiles": "/etc/default/docker (ignore_errors=yes)",
    "TriggeredBy": "docker.socket",
}


class Site:
    """A host below a folder. C(ran): the commands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[list[str]] = []
        self.service = dict(SERVICE)
        self.units: dict[str, dict[str, str]] = {}
        self.commands: dict[str, tuple[int, str, str]] = {}

    def write(self, path: str, text: str = "", mode: int = 0o644) -> None:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def folder(self, path: str) -> None:
        (self.root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def run(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        self.ran.append(list(words))
        # A firewall's program is run with env, PATH and LC_ALL before it.
        program = words[3] if words[0] == "env" else words[0]
        if program in self.commands:
            return self.commands[program]
        assert words[:2] == ["systemctl", "show"]
        blocks = []
        for unit in words[words.index("--") + 1 :]:
            shown = self.service if unit == "docker.service" else self.units.get(unit, {"LoadState": "not-found"})
            blocks.append("".join(f"{name}={value}\n" for name, value in {"Id": unit, **shown}.items()))
        return 0, "\n".join(blocks), ""

    def observe(self, *, check_mode: bool = False, **params: t.Any) -> dict[str, t.Any]:
        observation = observe(self.run, params, check_mode=check_mode, root=str(self.root))
        # What the host sends is what the controller takes.
        parse_observation(json.loads(json.dumps(observation)))
        return observation


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Debian's docker.io with systemd; dockerd runs."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(observe_module, "read_engine", lambda: EngineState("28.5.2", True, False))
    monkeypatch.setattr(interfaces, "_ask_kernel", list)
    # Their files are those of the machine that the tests run on.
    monkeypatch.setattr(observe_module, "read_firewalls", lambda _files, _run, **_asked: dict.fromkeys(FIREWALLS))
    site = Site(tmp_path)
    site.folder("/run/systemd/system")
    site.write(UNIT, "[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/sbin/dockerd -H fd://\n")
    site.write("/etc/default/docker", "DOCKER_OPTS=\n")
    site.write("/usr/sbin/dockerd", mode=0o755)
    site.write("/proc/42/cmdline", "/usr/sbin/dockerd\0-H\0fd://\0")
    return site
