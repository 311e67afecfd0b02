# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with systemd and a dockerd, below a folder of the test's: the run's own code works on it."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._host import engine
from ansible_collections.gangway.docker.plugins.module_utils._host.runner import Host
from ansible_collections.gangway.docker.plugins.module_utils._run import run as run_module
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.plan_data import as_data
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Step
from ansible_collections.gangway.docker.plugins.module_utils._shared.way_back import WayBack

Image = t.Dict[str, t.Tuple[int, t.Optional[bytes]]]
#: What comes and goes with each run, or is left for the next one.
_TRACES = ("docker-gangway", "gangway-docker.lock", "gangway-docker-recover")


class World:
    """What a run sees of the host, and what it did."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.host = Host(self.run)
        self.pid = 100
        self.live_restore = False
        self.swarm = False
        self.active = {layout.DOCKER_SOCKET}
        self.guard = ""
        #: Containers that run now.
        self.containers = {"c1": ("witness", "then")}
        self.calls: list[str] = []
        #: daemon.json at each start of dockerd.
        self.started_with: list[dict[str, t.Any]] = []
        #: Commands that end with 1.
        self.fails: set[str] = set()
        #: Called with each command before it is run.
        self.watch: t.Callable[[str], None] = lambda _command: None

    def path(self, name: str) -> str:
        return str(self.root / name)

    def image(self) -> Image:
        """Everything that is there: modes, and what files hold."""
        return {
            str(p.relative_to(self.root)): (p.lstat().st_mode, p.read_bytes() if p.is_file() else None)
            for p in self.root.rglob("*")
            if not p.name.startswith(_TRACES)
        }

    def state(self) -> object:
        """How the host is, for comparing before with after."""
        return self.image(), self.pid != 0, self.live_restore, self.active, self.containers

    def daemon_json(self) -> dict[str, t.Any]:
        path = Path(layout.DAEMON_JSON)
        settings: dict[str, t.Any] = json.loads(path.read_text() or "{}") if path.exists() else {}
        return settings

    def changes(self) -> list[str]:
        """The commands that change something, without those of the recovery."""
        return [c for c in self.calls if " show " not in c and layout.RECOVERY_SERVICE not in c]

    def run(self, words: t.Sequence[str], **_options: t.Any) -> tuple[int, str, str]:
        command = " ".join(words)
        self.watch(command)
        self.calls.append(command)
        if command in self.fails:
            return 1, "", "a fault"
        if words[0] == "systemctl":
            return self._systemctl(words[1], words[2:])
        return 0, "", ""

    def carry_out(self, plan: t.Sequence[Step], way_back: WayBack | None = None, **order: t.Any) -> dict[str, t.Any]:
        data = {"steps": list(map(as_data, plan)), "way_back": as_data(way_back or WayBack()), **order}
        return run_module.carry_out(self.host, json.dumps(data))

    def failure(self, plan: t.Sequence[Step], way_back: WayBack | None = None, **order: t.Any) -> Failure:
        with pytest.raises(Failure) as caught:
            self.carry_out(plan, way_back, **order)
        return caught.value

    def reload(self) -> None:
        self.live_restore = self.daemon_json().get("live-restore", False)

    def start(self) -> None:
        if self.pid == 0:
            self.pid = 200 + len(self.started_with)
            self.reload()
            self.started_with.append(self.daemon_json())
            if not self.live_restore:
                self.containers = {}

    def stop(self) -> None:
        if self.pid and not self.live_restore:
            self.containers = {}
        self.pid = 0

    def ask(self, path: str) -> t.Any:
        """Answer for dockerd on its unix socket; by activation, the question starts it."""
        self.start()
        if path == "/info":
            swarm = {"LocalNodeState": "active" if self.swarm else "inactive"}
            return {"ServerVersion": "28.5.2", "LiveRestoreEnabled": self.live_restore, "Swarm": swarm}
        if path == "/containers/json":
            return [{"Id": key} for key in self.containers]
        name, started = self.containers[path.split("/")[2]]
        return {"Name": f"/{name}", "State": {"StartedAt": started}}

    def _systemctl(self, verb: str, words: t.Sequence[str]) -> tuple[int, str, str]:
        unit = words[-1] if words else ""
        if verb == "show":
            values = {
                "MainPID": str(self.pid),
                "ActiveState": "active" if words[0] in self.active else "inactive",
                "ExecStartPre": self.guard,
            }
            name = words[1].partition("=")[2]
            return 0, f"{name}={values[name]}\n", ""
        if unit == layout.DOCKER_SERVICE and verb in ("stop", "restart"):
            self.stop()
        if unit == layout.DOCKER_SERVICE and verb in ("start", "restart"):
            self.start()
        elif verb == "start":
            self.active = self.active | {unit}
        elif verb == "stop":
            self.active = self.active - {unit}
        return 0, "", ""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    root = tmp_path / "host"
    for name in layout.__all__:
        path = getattr(layout, name)
        if isinstance(path, str) and path.startswith("/"):
            monkeypatch.setattr(layout, name, str(root) + path)
    monkeypatch.setattr(layout, "FOLDERS", {layout.STATE: 0o700, layout.GUARD: 0o700, layout.BUNDLE: 0o700})
    for folder in ("etc/docker", "etc/systemd/system", "var/lib", "run"):
        (root / folder).mkdir(parents=True)
        (root / folder / "theirs").touch()
    Path(layout.DAEMON_JSON).write_bytes(b'{"mtu": 1400}\n')
    Path(layout.DAEMON_JSON).chmod(0o640)
    # Only root gives files away, and these tests run as anyone.
    monkeypatch.setattr(os, "fchown", lambda _descriptor, _uid, _gid: None)
    monkeypatch.setattr(os, "chown", lambda _path, _uid, _gid: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    is_folder = os.path.isdir
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/systemd/system" or is_folder(path))
    world = World(root)
    monkeypatch.setattr(engine, "_get", world.ask)
    monkeypatch.setattr(Host, "hang_up", staticmethod(lambda _pid: world.reload()))
    return world
