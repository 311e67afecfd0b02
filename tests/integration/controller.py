# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller for one test: its own fleets, inventory and ansible-playbook."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.lab.engine import clean_environment
from tests.lab.hosts import Host
from tests.lab.inventory import write_inventory

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a playbook did, read from the JSON that Ansible prints."""

    code: int
    plays: list[dict[str, t.Any]]
    stats: dict[str, dict[str, int]]
    stderr: str

    def results(self, host: str) -> list[dict[str, t.Any]]:
        """Return the host's task results in order, with the task's name in C(task)."""
        return [
            {**task["hosts"][host], "task": task["task"]["name"]}
            for play in self.plays
            for task in play["tasks"]
            if host in task["hosts"]
        ]

    def listener(self, host: str) -> dict[str, t.Any]:
        """Return the result of dockerd_listener."""
        return next(r for r in self.results(host) if r.get("action") == "gangway.docker.dockerd_listener")

    @property
    def failures(self) -> list[str]:
        """Return the failure keys of all failed tasks."""
        hosts = [result for play in self.plays for task in play["tasks"] for result in task["hosts"].values()]
        nested = [item for result in hosts for item in result.get("results", [])]
        return [r.get("failure", r.get("msg", "?")) for r in [*hosts, *nested] if r.get("failed")]

    def warnings(self, host: str) -> list[str]:
        """Return the warnings of all the host's tasks."""
        return [warning for result in self.results(host) for warning in result.get("warnings", [])]

    def named(self, key: str, value: t.Any) -> dict[str, t.Any]:
        """Return the one result that has this value under the key."""
        return next(
            r for play in self.plays for task in play["tasks"] for r in task["hosts"].values() if r.get(key) == value
        )

    def failed(self, host: str) -> bool:
        return self.stats[host]["failures"] > 0

    def changed(self, host: str) -> int:
        return self.stats[host]["changed"]


def same(predicted: Outcome, done: Outcome, host: Host) -> bool:
    """Whether check mode said what was then done, to the letter."""
    ours = [outcome.listener(host.name) for outcome in (predicted, done)]
    return all(ours[0][key] == ours[1][key] for key in ("changed", "actions", "diff", "restarted"))


class Controller:
    """Runs playbooks against hosts of the lab; nothing of it outlives the test's folder."""

    def __init__(self, folder: Path, hosts: t.Sequence[Host], **variables: t.Any) -> None:
        self.folder = folder
        self.fleets_dir = folder / "fleets"
        self.inventory = write_inventory(folder / "hosts.yml", hosts, **variables)

    def set_address(self, host: Host, address: str) -> None:
        """Have the host at another address from now on."""
        text = self.inventory.read_text()
        self.inventory.write_text(text.replace(host.address, address))

    @property
    def fleet(self) -> Path:
        return self.fleets_dir / "default"

    def client(self, name: str = "admin") -> Path:
        return self.fleet / "clients" / name

    def expose(self, *words: str, **variables: t.Any) -> Outcome:
        return self.playbook("expose_docker", *words, **variables)

    def withdraw(self, *words: str, **variables: t.Any) -> Outcome:
        return self.playbook("withdraw", *words, **variables)

    def playbook(self, name: str, *words: str, **variables: t.Any) -> Outcome:
        """Run one of the collection's playbooks."""
        return self.run(ROOT / "playbooks" / f"{name}.yml", *words, **variables)

    def play(
        self, plays: list[dict[str, t.Any]], *words: str, environment: t.Mapping[str, str] | None = None
    ) -> Outcome:
        """Run plays given as data."""
        playbook = self.folder / "site.yml"
        playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
        return self.run(playbook, *words, environment=environment)

    def run(self, playbook: Path | str, *words: str, **variables: t.Any) -> Outcome:
        done = self.raw(playbook, *words, callback="ansible.posix.json", **variables)
        try:
            printed = json.loads(done.stdout[done.stdout.index("{") :])
        except ValueError:
            raise AssertionError(f"no JSON came from ansible-playbook:\n{done.stdout}\n{done.stderr}") from None
        return Outcome(done.returncode, printed["plays"], printed["stats"], done.stderr)

    def start_playbook(self, name: str, **variables: t.Any) -> subprocess.Popen[bytes]:
        """Start one of the collection's playbooks, as the leader of a process group."""
        command = [*self._command(variables), str(ROOT / "playbooks" / f"{name}.yml")]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment(), start_new_session=True, **quiet)

    def kill_playbook(self, name: str, *, after: float, **variables: t.Any) -> None:
        """Start one of the collection's playbooks and kill it, with all its forks, after so many seconds."""
        started = self.start_playbook(name, **variables)
        time.sleep(after)
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()

    def _command(self, variables: t.Mapping[str, t.Any]) -> list[str]:
        # In a file: what stands on the command line, -vvvv prints.
        extra = self.folder / "extra.json"
        extra.write_text(json.dumps({"expose_fleets_dir": str(self.fleets_dir), **variables}))
        return ["ansible-playbook", f"--inventory={self.inventory}", f"--extra-vars=@{extra}"]

    def raw(
        self,
        playbook: Path | str,
        *words: str,
        callback: str = "default",
        environment: t.Mapping[str, str] | None = None,
        **variables: t.Any,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command(variables), *words, str(playbook)],
            cwd=self.folder,
            env=self.environment(ANSIBLE_STDOUT_CALLBACK=callback, **(environment or {})),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def environment(self, **extra: str) -> dict[str, str]:
        return clean_environment(
            ANSIBLE_COLLECTIONS_PATH=os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache" / "collections")),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_DEPRECATION_WARNINGS="0",
            **extra,
        )

    def docker(self, host: Host, *words: str, client: str = "admin") -> subprocess.CompletedProcess[str]:
        """Run the docker CLI against the host's endpoint."""
        environment = self.environment(
            DOCKER_HOST=f"tcp://{host.address}:2376",
            DOCKER_TLS_VERIFY="1",
            DOCKER_CERT_PATH=str(self.client(client)),
            DOCKER_CONFIG=str(self.folder / "docker-config"),
        )
        return subprocess.run(
            ["docker", *words], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
