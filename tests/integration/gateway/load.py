# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that go on and on: each makes a connection for each request, and one keeps its connection."""

from __future__ import annotations

import http.client
import itertools
import ssl
import threading
import time
from pathlib import Path

from tests.integration.port import PORT

#: What they ask in turn. The answers are all 200.
_PATHS = ("/_ping", "/version", "/containers/json", "/containers/witness/json")
_TIMEOUT = 30


class Load:
    """Requests of these clients, by their bundles, until it is left."""

    def __init__(self, address: str, bundles: dict[str, Path]) -> None:
        self._address = address
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=item) for item in bundles.items()]
        self.done: dict[str, int] = dict.fromkeys(bundles, 0)
        #: Who, what, and why it failed.
        self.failures: list[str] = []
        self.slowest = 0.0

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def __str__(self) -> str:
        return f"{sum(self.done.values())} requests, {len(self.failures)} failed, the slowest took {self.slowest:.2f} s"

    def wait(self, count: int = 5) -> None:
        """Return once each client was answered so many times more, or one of them was not."""
        before = dict(self.done)
        deadline = time.monotonic() + _TIMEOUT
        while any(self.done[name] < before[name] + count for name in before) and not self.failures:
            assert time.monotonic() < deadline, str(self)
            time.sleep(0.05)

    def _ask(self, name: str, bundle: Path) -> None:
        for path in itertools.cycle(_PATHS):
            if self._stop.is_set():
                return
            started = time.monotonic()
            try:
                context = ssl.create_default_context(cafile=str(bundle / "ca.pem"))
                context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
                connection = http.client.HTTPSConnection(self._address, PORT, timeout=_TIMEOUT, context=context)
                connection.request("GET", path)
                status = connection.getresponse().status
                connection.close()
                if status != 200:
                    self.failures.append(f"{name}: {path} is answered with {status}")
            except (OSError, http.client.HTTPException) as exc:
                self.failures.append(f"{name}: {path} failed: {exc!r}")
            self.done[name] += 1
            self.slowest = max(self.slowest, time.monotonic() - started)
            time.sleep(0.05)
