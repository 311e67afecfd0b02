# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker engine that holds the lab's hosts: the machine's own, or a private one in a network namespace."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import docker.errors

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gangway-lab"
RUN = Path("/run/gangway-lab")
NAMESPACE = "gangway-lab"
NETWORK = "gangway-lab"
SUBNET = "172.30.77.0/24"
SUBNET_IPV6 = "fd77:6777::/64"
GATEWAY = "172.30.77.1"
LABEL = "gangway.lab"
#: An empty cgroup v2 tree beside cgroup v1, where the hosts' systemd can live on a machine that is not on v2.
HYBRID_CGROUP = Path("/sys/fs/cgroup/unified")

_PRIVATE_SOCKET = RUN / "docker.sock"
_PID_FILE = RUN / "docker.pid"


@dataclass(frozen=True)
class Engine:
    """A running engine, and how to get to where its hosts can be reached."""

    url: str
    #: Name of the network namespace in which the hosts' addresses are reachable; empty: the machine's own.
    namespace: str

    def client(self) -> docker.DockerClient:
        return docker.DockerClient(base_url=self.url, timeout=120)

    def inside(self, command: list[str]) -> list[str]:
        """Return C(command) so that it runs where the hosts can be reached.

        C(ip netns exec) would hide the cgroup mounts, so C(nsenter) it is.
        """
        if not self.namespace:
            return command
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *command]


def clean_environment(**extra: str) -> dict[str, str]:
    """Return the environment for clients of the lab's hosts.

    requests lets REQUESTS_CA_BUNDLE override the CA that docker-py was given, and a DOCKER_* variable of the
    person's own shell would send a client elsewhere.
    """
    dropped = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    kept = {k: v for k, v in os.environ.items() if k not in dropped and not k.startswith("DOCKER_")}
    return {**kept, **extra}


def find_or_start_engine(progress: t.Callable[[str], None] = print) -> Engine:
    """Return the machine's own engine where it can hold such hosts, else a private one (started when needed)."""
    with _engine_lock():
        engine = _find_engine()
        if engine is None:
            progress("starting a private Docker engine in the network namespace " + NAMESPACE)
            engine = _start_private_engine()
        _ensure_network(engine)
    return engine


def running_engine() -> Engine | None:
    """Return the engine that holds the lab's hosts, or None where none runs."""
    with _engine_lock():
        return _find_engine()


def stop_engine() -> None:
    """Take away the lab's network and, where it is ours, the engine with its namespace and cgroups."""
    with _engine_lock():
        engine = _find_engine()
        if engine is None:
            return
        client = engine.client()
        for network in client.networks.list(names=[f"^{NETWORK}$"]):
            network.remove()
        client.close()
        if not engine.namespace:
            return
        _stop_process(int(_PID_FILE.read_text()))
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)
        shutil.rmtree(RUN, ignore_errors=True)
        _remove_docker_cgroups()


def containers(engine: Engine) -> dict[str, str]:
    """Return the ID of each of the engine's containers, by name, those that have ended included."""
    client = engine.client()
    try:
        return {str(container.name): str(container.id) for container in client.containers.list(all=True)}
    finally:
        client.close()


def leftovers(hosts: t.Mapping[str, str]) -> list[str]:
    """Return what remains of the private engine and of its containers (ID by name), now that they should be gone."""
    found = [str(path) for path in (RUN, Path("/run/netns", NAMESPACE)) if path.exists()]
    found += [str(path) for path in cgroups_of(hosts)]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if belongs_to_engine(words):
                found.append(f"process {process.name}: {b' '.join(words[:2]).decode(errors='replace')}")
    return found


def cgroups_of(hosts: t.Mapping[str, str], root: Path = HYBRID_CGROUP.parent) -> list[Path]:
    """Return the cgroups of these containers (ID by name) below C(root), and of no others.

    A container's cgroups are docker/ID in the tree of cgroup v2, or in that of each controller of v1. In the tree
    beside v1, a host's own one has the host's name.
    """
    found = [root / HYBRID_CGROUP.name / name for name in hosts]
    for identifier in hosts.values():
        found += [root / "docker" / identifier, *sorted(root.glob(f"*/docker/{identifier}"))]
    return [folder for folder in found if folder.is_dir()]


def belongs_to_engine(words: t.Sequence[bytes]) -> bool:
    """Return whether this is the command line of the private dockerd, of its containerd or of a shim."""
    programs = (b"dockerd", b"containerd", b"containerd-shim-runc-v2")
    return words[0].endswith(programs) and str(RUN).encode() in b" ".join(words)


@contextmanager
def _engine_lock() -> Iterator[None]:
    """Several test workers may look for the engine at once: one of them starts it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "engine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _find_engine() -> Engine | None:
    for engine in (Engine(f"unix://{_PRIVATE_SOCKET}", NAMESPACE), Engine("unix:///var/run/docker.sock", "")):
        if Path(engine.url[len("unix://") :]).is_socket() and _answers(engine):
            return engine
    return None


def _answers(engine: Engine) -> bool:
    try:
        client = engine.client()
        try:
            return bool(client.ping())
        finally:
            client.close()
    except docker.errors.DockerException:
        return False


def _start_private_engine() -> Engine:
    # Left by an engine that was killed; nobody answered on its socket, or we would not be here.
    shutil.rmtree(RUN, ignore_errors=True)
    _kill_orphans()
    RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
    (CACHE / "engine").mkdir(parents=True, exist_ok=True)
    if not Path("/run/netns", NAMESPACE).exists():
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    engine = Engine(f"unix://{_PRIVATE_SOCKET}", NAMESPACE)
    subprocess.run(engine.inside(["ip", "link", "set", "lo", "up"]), check=True)
    command = [
        "dockerd",
        f"--host={engine.url}",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        f"--data-root={CACHE / 'engine'}",
        f"--exec-root={RUN / 'exec'}",
        f"--pidfile={_PID_FILE}",
    ]
    with (CACHE / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            engine.inside(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + 60
    while not (_PRIVATE_SOCKET.is_socket() and _answers(engine)):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = (CACHE / "engine.log").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the private Docker engine did not start; its log ends:\n{tail}")
        time.sleep(0.1)
    return engine


def _kill_orphans() -> None:
    """End what ran in the hosts of an engine that is gone: only the lab's hosts have cgroups beside v1."""
    for switch in HYBRID_CGROUP.glob("*/cgroup.kill"):
        if (switch.parent / "docker").is_dir():
            switch.write_text("1")


def _ensure_network(engine: Engine) -> None:
    client = engine.client()
    try:
        if client.networks.list(names=[f"^{NETWORK}$"]):
            return
        pools = [
            docker.types.IPAMPool(subnet=SUBNET, gateway=GATEWAY),
            docker.types.IPAMPool(subnet=SUBNET_IPV6),
        ]
        client.networks.create(
            NETWORK,
            driver="bridge",
            enable_ipv6=True,
            labels={LABEL: "1"},
            ipam=docker.types.IPAMConfig(pool_configs=pools),
            options={"com.docker.network.bridge.name": "gangway-lab0"},
        )
    finally:
        client.close()


def _stop_process(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            # Reaps the engine where this very process started it; elsewhere init does.
            _reap(pid)
            time.sleep(0.1)
    except ProcessLookupError:
        return
    raise RuntimeError(f"the private Docker engine (process {pid}) does not end")


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _remove_docker_cgroups() -> None:
    """dockerd with the cgroupfs driver leaves its empty C(docker) folders behind in every hierarchy."""
    for folder in Path("/sys/fs/cgroup").glob("*/docker"):
        try:
            folder.rmdir()
        except OSError:
            # Another engine of this machine uses it.
            continue
