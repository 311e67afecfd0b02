# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that never stop asking: each request is a connection of its own, and each failure is tried again at once."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import threading
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

#: What a request that is in flight when dockerd goes down may end with.
IN_FLIGHT = (
    ConnectionResetError,
    BrokenPipeError,
    http.client.RemoteDisconnected,
    ssl.SSLEOFError,
    # dockerd says so before it closes.
    ssl.SSLZeroReturnError,
)


@dataclass
class Count:
    """What became of one client's requests to one host."""

    name: str
    requests: int = 0
    #: Failures that a restart explains, and that went well when they were tried again.
    retried: int = 0
    #: All others.
    failures: list[str] = field(default_factory=list)


class Load:
    """Asks with each bundle at each address, over TLS in Python and with the docker command, until it is left."""

    def __init__(
        self, addresses: t.Mapping[str, str], bundles: t.Mapping[str, Path], environment: dict[str, str]
    ) -> None:
        self._stop = threading.Event()
        self._environment = environment
        self.counts: list[Count] = []
        self._threads = []
        for host, address in addresses.items():
            for client, bundle in bundles.items():
                for way, ask in (("python", self._ask), ("docker", self._docker)):
                    count = Count(f"{host} {client} {way}")
                    self.counts.append(count)
                    self._threads.append(threading.Thread(target=self._run, args=(count, ask, address, bundle)))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for count in self.counts:
            print(
                f"{count.name}: {count.requests} requests, {count.retried} retried, failed: {count.failures or 'none'}"
            )

    def _run(self, count: Count, ask: t.Callable[[str, Path], None], address: str, bundle: Path) -> None:
        while not self._stop.wait(0.02):
            count.requests += 1
            try:
                ask(address, bundle)
            except Exception as first:
                self._again(count, ask, address, bundle, first)

    @staticmethod
    def _again(count: Count, ask: t.Callable[[str, Path], None], address: str, bundle: Path, first: Exception) -> None:
        try:
            ask(address, bundle)
        except Exception as second:
            count.failures.append(f"{first!r}, then {second!r}")
            return
        if isinstance(first, IN_FLIGHT) or (isinstance(first, _DockerError) and first.is_in_flight):
            count.retried += 1
        else:
            count.failures.append(f"{first!r}, which no restart explains")

    @staticmethod
    def _ask(address: str, bundle: Path) -> None:
        context = ssl.create_default_context(cafile=str(bundle / "ca.pem"))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
        client = http.client.HTTPSConnection(address, 2376, timeout=60, context=context)
        try:
            client.request("GET", "/_ping")
            answer = client.getresponse().read()
        finally:
            client.close()
        if answer != b"OK":
            raise ValueError(answer)

    def _docker(self, address: str, bundle: Path) -> None:
        environment = {
            **self._environment,
            "DOCKER_HOST": f"tcp://{address}:2376",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(bundle),
        }
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise _DockerError(done.stderr.strip())


class _DockerError(Exception):
    @property
    def is_in_flight(self) -> bool:
        return any(words in str(self) for words in ("EOF", "connection reset", "broken pipe"))
