# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a thousand clients do to the handshake once one of them is revoked, and daemons list the others.

C(python -m tests.bench.handshake ADDRESS BUNDLE) measures connections to one daemon; prints its figures as JSON.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Engine, Host
from tests.lab.engine import clean_environment

from .controller import COLLECTIONS, EXPOSE, ROOT, WITHDRAW, Controller

_CONNECTIONS = 50
_CLIENTS = 1000

#: Makes the clients and revokes one, as the modules do.
_REVOKE = """
import sys
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_identities
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.signing import Subject
fleet = Fleet(sys.argv[1], "default")
with fleet.lock():
    ensure_identities(fleet, [Subject("client", f"client-{n:04}@example.com") for n in range(int(sys.argv[2]))])
    revoke(fleet, ["client-0000@example.com"])
"""


@dataclass(frozen=True)
class Handshake:
    """The median until the first answer on a new connection, in ms; what the client reads in a handshake, in bytes."""

    milliseconds: float
    size: int


def measure_handshakes(engine: Engine, controller: Controller, host: Host) -> dict[int, Handshake]:
    """Return the figures by how many clients the daemon lists; 0: it trusts the authority."""
    controller.run(EXPOSE, [host])
    found = {0: _measure(engine, controller, host)}
    path = os.pathsep.join(filter(None, [COLLECTIONS, os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-c", _REVOKE, str(controller.fleets_dir), str(_CLIENTS)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=True)
    controller.run(EXPOSE, [host], changes=True)
    found[_CLIENTS] = _measure(engine, controller, host)
    controller.run(WITHDRAW, [host], changes=True)
    return found


def _measure(engine: Engine, controller: Controller, host: Host) -> Handshake:
    bundle = controller.fleets_dir / "default" / "clients" / "admin"
    command = engine.inside([sys.executable, "-m", "tests.bench.handshake", host.address, str(bundle)])
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, t.Any] = json.loads(done.stdout)
    return Handshake(**figures)


def main(address: str, bundle: Path) -> None:
    seconds = [_connect(address, bundle) for _connection in range(_CONNECTIONS)]
    files = ["-CAfile", bundle / "ca.pem", "-cert", bundle / "cert.pem", "-key", bundle / "key.pem"]
    words = ["openssl", "s_client", "-connect", f"{address}:2376", "-verify_return_error", *map(str, files)]
    said = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    match = re.search(r"SSL handshake has read (\d+) bytes", said)
    print(json.dumps({"milliseconds": statistics.median(seconds) * 1000, "size": int(match[1]) if match else 0}))


def _connect(address: str, bundle: Path) -> float:
    """Return the seconds that a ping takes on a connection of its own."""
    context = ssl.create_default_context(cafile=str(bundle / "ca.pem"))
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    client = http.client.HTTPSConnection(address, 2376, timeout=10, context=context)
    begin = time.monotonic()
    try:
        client.request("GET", "/_ping")
        client.getresponse().read()
        return time.monotonic() - begin
    finally:
        client.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
