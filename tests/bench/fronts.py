# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client gets through each front of the same dockerd: its own TLS (method socket), HAProxy (gateway), ssh://.

C(python -m tests.bench.fronts) reads what to measure from standard input, as JSON, and prints its figures as JSON.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import shlex
import ssl
import statistics
import subprocess
import sys
import tarfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import Engine, Host
from tests.lab.engine import clean_environment
from tests.lab.hosts import SSH_KEY

from .controller import EXPOSE, ROOT, WITHDRAW, Controller

METHODS = ("socket", "gateway")
_NEW, _KEPT, _SSH = 300, 2000, 20
_IDLE = 500
_IMAGE = "bench-large"
_INSTALL = (
    "command -v haproxy >/dev/null || { apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install "
    "--yes --quiet=2 haproxy >/dev/null; systemctl disable --quiet --now haproxy.service; }"
)
#: The resident memory of HAProxy's processes, in kB, what they share counted once.
_MEMORY = "for p in $(pgrep --exact haproxy); do grep ^Pss: /proc/$p/smaps_rollup; done | awk '{s += $2} END {print s}'"
_REQUEST = "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


@dataclass
class Front:
    """Requests a second, ms until the first answer on a new connection, and seconds of C(docker load)."""

    new: float = 0.0
    kept: float = 0.0
    latency: float = 0.0
    load: float = 0.0
    #: MB of HAProxy: at rest, and with idle connections.
    memory: tuple[float, float] | None = None
    #: Seconds of a first exposure, and of a run that changes nothing.
    first: float = 0.0
    unchanged: float = 0.0


def measure_fronts(
    engine: Engine, controller: Controller, host: Host, folder: Path, *, megabytes: int, rounds: int
) -> dict[str, Front]:
    """Return the best of the rounds by front; the fronts take turns."""
    host.run(_INSTALL)
    image = folder / "large.tar"
    _make_image(image, megabytes)
    found: dict[str, list[Front]] = {}
    for _round in range(rounds):
        for method in METHODS:
            controller.set(expose_method=method)
            controller.run(WITHDRAW, [host])
            host.run("systemctl reset-failed docker.service docker.socket")
            first = controller.run(EXPOSE, [host], changes=True)
            unchanged = min(controller.run(EXPOSE, [host], changes=False) for _run in range(3))
            front = _measure(engine, controller, host, image, ssh=False)
            front.first, front.unchanged = first, unchanged
            found.setdefault(method, []).append(front)
        found.setdefault("ssh", []).append(_measure(engine, controller, host, image, ssh=True))
    controller.run(WITHDRAW, [host])
    controller.set()
    return {name: _best(fronts) for name, fronts in found.items()}


def _best(fronts: t.Sequence[Front]) -> Front:
    return Front(
        new=max(front.new for front in fronts),
        kept=max(front.kept for front in fronts),
        latency=min(front.latency for front in fronts),
        load=min(front.load for front in fronts),
        memory=next((front.memory for front in fronts if front.memory), None),
        first=min(front.first for front in fronts),
        unchanged=min(front.unchanged for front in fronts),
    )


def _measure(engine: Engine, controller: Controller, host: Host, image: Path, *, ssh: bool) -> Front:
    bundle = controller.fleets_dir / "default" / "clients" / "admin"
    wanted = {"address": host.address, "bundle": str(bundle), "image": str(image), "ssh": ssh}
    command = engine.inside([sys.executable, "-m", "tests.bench.fronts"])
    streams: dict[str, t.Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=clean_environment(), text=True, **streams) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        print(json.dumps(wanted), file=client.stdin, flush=True)
        front = Front(**json.loads(client.stdout.readline()))
        if client.stdout.readline() == "idle\n":
            # It holds its connections until standard input ends.
            busy = _memory(host)
            client.stdin.close()
            client.wait()
            time.sleep(1)
            front.memory = (_memory(host), busy) if busy else None
    host.run(f"docker rmi --force {_IMAGE} >/dev/null 2>&1; true")
    return front


def _memory(host: Host) -> float:
    return int(host.run(_MEMORY).stdout.strip() or 0) / 1000


def _make_image(path: Path, megabytes: int) -> None:
    """Write an image of one layer that can't be compressed, as C(docker save) does."""
    layer = path.with_suffix(".layer")
    with tarfile.open(layer, "w") as archive:
        entry = tarfile.TarInfo("random")
        entry.size = megabytes << 20
        with open("/dev/urandom", "rb") as source:
            archive.addfile(entry, source)
    with layer.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}
    manifest = [{"Config": "config.json", "RepoTags": [f"{_IMAGE}:latest"], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        for name, content in (("config.json", config), ("manifest.json", manifest)):
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        archive.add(layer, "layer.tar")
    layer.unlink()


def main() -> None:
    wanted = json.loads(sys.stdin.readline())
    address, bundle, image = wanted["address"], Path(wanted["bundle"]), Path(wanted["image"])
    if wanted["ssh"]:
        seconds = [_by_ssh(address) for _request in range(_SSH)]
        front = Front(new=_SSH / sum(seconds), latency=statistics.median(seconds) * 1000)
        front.load = _load(image, {"DOCKER_HOST": f"ssh://root@{address}", "PATH": _path_with_key(image.parent)})
        print(json.dumps(asdict(front)), flush=True)
        return
    seconds = [_ask(_connect(address, bundle)) for _request in range(_NEW)]
    front = Front(new=_NEW / sum(seconds), latency=statistics.median(seconds) * 1000)
    connection = _connect(address, bundle)
    _ask(connection, close=False)
    begin = time.monotonic()
    for _request in range(_KEPT):
        _ask(connection, close=False)
    front.kept = _KEPT / (time.monotonic() - begin)
    connection.close()
    variables = {"DOCKER_HOST": f"tcp://{address}:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(bundle)}
    front.load = _load(image, variables)
    print(json.dumps(asdict(front)), flush=True)
    with ThreadPoolExecutor(8) as pool:
        idle = list(pool.map(lambda _number: _connect(address, bundle), range(_IDLE)))
        list(pool.map(lambda connection: _ask(connection, close=False), idle))
    print("idle", flush=True)
    sys.stdin.read()


def _connect(address: str, bundle: Path) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(bundle / "ca.pem"))
    context.load_cert_chain(bundle / "cert.pem", bundle / "key.pem")
    return http.client.HTTPSConnection(address, 2376, timeout=30, context=context)


def _ask(connection: http.client.HTTPSConnection, *, close: bool = True) -> float:
    begin = time.monotonic()
    connection.request("GET", "/_ping")
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"/_ping is answered with {answer.status}")
    if close:
        connection.close()
    return time.monotonic() - begin


_SSH_COMMAND = f"ssh -i {SSH_KEY} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def _by_ssh(address: str) -> float:
    """As the docker command does it: a connection, and C(docker system dial-stdio) at its end."""
    begin = time.monotonic()
    words = [*_SSH_COMMAND.split(), f"root@{address}", "docker", "system", "dial-stdio"]
    request = _REQUEST.encode()
    done = subprocess.run(words, input=request, capture_output=True, timeout=60, check=False)
    if b" 200 " not in done.stdout:
        raise RuntimeError(f"{done.stdout!r} {done.stderr!r}")
    return time.monotonic() - begin


def _path_with_key(folder: Path) -> str:
    """Return a PATH on which ssh knows the lab's key."""
    program = folder / "bin" / "ssh"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nPATH=${{PATH#*:}} exec {_SSH_COMMAND} "$@"\n')
    program.chmod(0o755)
    return f"{shlex.quote(str(program.parent))}:{os.environ['PATH']}"


def _load(image: Path, variables: dict[str, str]) -> float:
    begin = time.monotonic()
    command = ["docker", "load", "--quiet", "--input", str(image)]
    subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - begin


if __name__ == "__main__":
    main()
