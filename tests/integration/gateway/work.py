# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients at work: each goes through the same commands of docker, over and over."""

from __future__ import annotations

import itertools
import subprocess
import threading
import time
from pathlib import Path

from tests.integration.port import PORT

#: NAME: of the client's own container.
_COMMANDS = (
    "version",
    "ps --all --quiet",
    "exec witness sleep 0",
    "create --name NAME bb sleep 0",
    "start NAME",
    "rm --force NAME",
)
#: Seconds until a client has to have gone through all of them.
_TIMEOUT = 90.0


class Work:
    """Commands of these clients, by their bundles, until it is left. None of them may fail, not even once."""

    def __init__(self, address: str, bundles: dict[str, Path], environment: dict[str, str]) -> None:
        self._stop = threading.Event()
        self._environment = {**environment, "DOCKER_HOST": f"tcp://{address}:{PORT}", "DOCKER_TLS_VERIFY": "1"}
        self._threads = [threading.Thread(target=self._go_on, args=item) for item in bundles.items()]
        self.done: dict[str, int] = dict.fromkeys(bundles, 0)
        #: Who, what, and why it failed.
        self.failures: list[str] = []
        self.slowest = 0.0

    def __enter__(self) -> Work:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def __str__(self) -> str:
        commands = sum(self.done.values())
        failed, slowest = len(self.failures), f"the slowest took {self.slowest:.1f} s"
        return f"{commands} commands of {len(self.done)} clients, {failed} failed, {slowest}"

    def wait(self) -> None:
        """Return once each client has gone through all commands once more, or something failed."""
        before, deadline = dict(self.done), time.monotonic() + _TIMEOUT
        while any(self.done[name] < before[name] + len(_COMMANDS) for name in before) and not self.failures:
            assert time.monotonic() < deadline, str(self)
            time.sleep(0.1)

    def _go_on(self, name: str, bundle: Path) -> None:
        environment = {**self._environment, "DOCKER_CERT_PATH": str(bundle)}
        for command in itertools.cycle(_COMMANDS):
            # A container that was made is removed, too.
            if self._stop.is_set() and not command.endswith("NAME"):
                return
            words = command.replace("NAME", f"of-{name}").split()
            started = time.monotonic()
            done = subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                self.failures.append(f"{name}: docker {' '.join(words)}: {done.stderr.strip()}")
            self.done[name] += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
