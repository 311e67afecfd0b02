# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller for the benchmark: runs playbooks where the hosts can be reached, all with the same settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path
from types import TracebackType

import yaml

from tests.lab import Engine, Host, write_inventory
from tests.lab.engine import clean_environment

ROOT = Path(__file__).parents[2]
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache" / "collections"))
EXPOSE = ROOT / "playbooks" / "expose_docker.yml"
WITHDRAW = ROOT / "playbooks" / "withdraw.yml"


class BenchFailure(Exception):
    """A run did something else than what was to be measured."""


class Controller:
    """Has its own fleets and SSH connections that nobody else uses."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._extra = folder / "extra.json"

    @property
    def fleets_dir(self) -> Path:
        return self._folder / "fleets"

    def __enter__(self) -> Controller:
        self._folder.mkdir(parents=True)
        self.set()
        # A control socket's path may not be longer than 107 bytes.
        self._connections = tempfile.mkdtemp(prefix="gangway-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for control_path in Path(self._connections).iterdir():
            subprocess.run(
                ["ssh", "-o", f"ControlPath={control_path}", "-O", "exit", "host"], capture_output=True, check=False
            )
        shutil.rmtree(self._connections, ignore_errors=True)

    def set(self, **variables: t.Any) -> None:
        """Have the next runs use these variables, and no others of before."""
        self._extra.write_text(json.dumps({"expose_fleets_dir": str(self.fleets_dir), **variables}))

    def write_playbook(self, name: str, **tasks: t.Mapping[str, t.Any]) -> Path:
        """Write a playbook of one play; tasks by name, each as module: arguments."""
        entries = [{"name": task.capitalize(), **content} for task, content in tasks.items()]
        play = {"name": name, "hosts": "all", "gather_facts": False, "become": True, "tasks": entries}
        path = self._folder / f"{name}.yml"
        path.write_text(yaml.safe_dump([play], sort_keys=False))
        return path

    def run(self, playbook: Path, hosts: t.Sequence[Host], *, changes: bool | None = None) -> float:
        """Run the playbook on these hosts; return the seconds it took.

        Raises M(BenchFailure) where it fails, and where it changes some hosts against what C(changes) says.
        """
        inventory = write_inventory(self._folder / "hosts.yml", hosts)
        command = ["ansible-playbook", f"--inventory={inventory}", f"--forks={len(hosts)}"]
        begin = time.monotonic()
        done = subprocess.run(
            self._engine.inside([*command, f"--extra-vars=@{self._extra}", str(playbook)]),
            env=clean_environment(
                ANSIBLE_COLLECTIONS_PATH=COLLECTIONS,
                ANSIBLE_NOCOLOR="1",
                ANSIBLE_SSH_CONTROL_PATH_DIR=self._connections,
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begin
        if done.returncode != 0:
            raise BenchFailure(f"{playbook.name} failed:\n{done.stdout}{done.stderr}")
        changed = {int(count) != 0 for count in re.findall(r"^\S+ +: ok=.*\bchanged=(\d+)", done.stdout, re.MULTILINE)}
        if changes is not None and changed != {changes}:
            raise BenchFailure(f"{playbook.name} was to change {'all' if changes else 'no'} hosts:\n{done.stdout}")
        return seconds
