# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starting, rebooting and stopping the lab's hosts."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
import subprocess
import time
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker
import docker.errors
import docker.models.containers

from .engine import CACHE, HYBRID_CGROUP, LABEL, NETWORK, SUBNET, SUBNET_IPV6, Engine
from .images import FLAVOURS, ensure_image

SSH_KEY = CACHE / "ssh" / "id_ed25519"
_CAP_SYS_RESOURCE = 24
#: Succeeds once the init has nothing left to start, by the name of the init.
_BOOTED = {
    "systemd": "systemctl is-system-running --wait | tee /dev/stderr | grep -Ex 'running|degraded'",
    # The brackets keep the pattern from matching the shell that looks for it.
    "sysvinit": "runlevel | grep -x 'N 2' && ! pgrep -f '/etc/init.d/[r]c'",
    "openrc": "rc-status --runlevel | grep -x default && ! pgrep -f '/etc/init.d/[r]c|/sbin/[o]penrc'",
}
_SERVICES_RUN = {
    "systemd": "systemctl is-active docker.service ssh.service",
    "sysvinit": "service docker status && service ssh status",
    "openrc": "rc-service docker status && rc-service ssh status",
}
#: Ends what a command has printed.
_END = "end of output"


@dataclass
class Host:
    """One host of the lab, running."""

    name: str
    flavour: str
    address: str
    address_ipv6: str
    engine: Engine = field(repr=False)

    @property
    def init(self) -> str:
        """Return what starts the host's services: systemd, sysvinit or openrc."""
        return FLAVOURS[self.flavour].init

    @classmethod
    def start(
        cls,
        engine: Engine,
        name: str,
        flavour: str,
        *,
        filtering: bool = True,
        progress: t.Callable[[str], None] = print,
    ) -> Host:
        """Start a host, or find it running; it is not ready before M(Host.wait_until_ready) returned.

        With filtering=False, bpf(2) is refused, so that systemd can't filter packets by cgroup.
        """
        image = ensure_image(engine, flavour, progress)
        client = engine.client()
        try:
            container = _find(client, name)
            if container is None:
                container = _run(engine, client, name, image, flavour, filtering)
            elif container.status != "running":
                _empty_cgroup(name)
                container.start()
            return _host_of(engine, container)
        finally:
            client.close()

    @classmethod
    def running(cls, engine: Engine) -> list[Host]:
        client = engine.client()
        try:
            found = client.containers.list(all=True, filters={"label": LABEL})
            return [_host_of(engine, container) for container in found]
        finally:
            client.close()

    def wait_until_ready(self, timeout: float = 120) -> None:
        """Return once init has nothing left to start, dockerd and sshd answer, and the lab's key opens the host."""
        deadline = time.monotonic() + timeout
        while (state := self.run(_BOOTED[self.init], check=False)).returncode != 0:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{self.name}: {self.init} says {state.stdout + state.stderr!r} after {timeout:.0f} s"
                )
            time.sleep(0.1)
        if not FLAVOURS[self.flavour].has_dockerd:
            self.run("systemctl is-active ssh.service")
        else:
            self.run(_SERVICES_RUN[self.init])
        if self.init != "systemd":
            # Only systemd waits until dockerd says that it is ready.
            self.run("for _ in $(seq 300); do docker version > /dev/null 2>&1 && exit; sleep 0.1; done; docker version")
        self._authorize_key()

    def _authorize_key(self) -> None:
        public = shlex.quote(_ensure_ssh_key().with_suffix(".pub").read_text().strip())
        for user, home in (("root", "/root"), ("deploy", "/home/deploy")):
            self.run(
                f"install -d -m 0700 -o {user} {home}/.ssh && echo {public} > {home}/.ssh/authorized_keys"
                f" && chown {user} {home}/.ssh/authorized_keys"
            )

    def run(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command on the host, past SSH, as root."""
        # A busy engine may lose what a command prints. So it goes into files, and is asked for until it comes.
        files = f"/run/lab-{secrets.token_hex(6)}"
        sizes = f"stat -c %s {files}.out {files}.err"
        fetch = f"cat {files}.out; printf '\\n{_END}'; {{ cat {files}.code; {sizes}; cat {files}.err; }} >&2"
        words = f"( {command}\n) > {files}.out 2> {files}.err < /dev/null; echo $? > {files}.code; {fetch}"
        for _attempt in range(5):
            stdout, stderr = self._exec(words)
            code, *told = stderr.split("\n", 3)
            said = told[-1] if len(told) == 3 else ""
            whole = [
                str(len(text.encode(errors="surrogateescape"))) for text in (stdout.removesuffix(f"\n{_END}"), said)
            ]
            if stdout.endswith(f"\n{_END}") and told[:2] == whole:
                break
            words = fetch
            time.sleep(0.2)
        else:
            code, stdout, said = "125", "", stderr or "the host does not answer"
        done = subprocess.CompletedProcess(command, int(code), stdout.removesuffix(f"\n{_END}"), said)
        if check and done.returncode != 0:
            raise RuntimeError(f"{self.name}: {command!r} exited {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def _exec(self, command: str) -> tuple[str, str]:
        """Return what the engine passes on of stdout and stderr."""
        client = self.engine.client()
        try:
            container = client.containers.get(self.name)
            ran = container.exec_run(["/bin/sh", "-c", command], demux=True)
            stdout, stderr = t.cast("tuple[bytes | None, bytes | None]", ran.output)
        except (docker.errors.APIError, ValueError) as exc:
            # ValueError: what is left of the stream is no frame.
            stdout, stderr = b"", str(exc).encode()
        finally:
            client.close()
        return (stdout or b"").decode(errors="surrogateescape"), (stderr or b"").decode(errors="surrogateescape")

    def pid(self) -> int:
        """Return the host's init process, as the machine sees it."""
        client = self.engine.client()
        try:
            return int(client.containers.get(self.name).attrs["State"]["Pid"])
        finally:
            client.close()

    def reboot(self) -> None:
        """Restart the host's init with nothing kept but its disks, and wait until it is ready."""
        client = self.engine.client()
        try:
            container = client.containers.get(self.name)
            if self.init == "systemd":
                container.kill(signal="SIGRTMIN+3")
            else:
                container.exec_run(["/sbin/init", "6"])
            try:
                container.wait(timeout=30)
            except Exception:  # a requests timeout: init would not end in time; the power goes off
                container.kill()
                container.wait(timeout=10)
            _empty_cgroup(self.name)
            container.start()
        finally:
            client.close()
        self.wait_until_ready()

    def stop(self) -> None:
        """Take the host away, with its volumes and its cgroup."""
        client = self.engine.client()
        try:
            client.containers.get(self.name).remove(force=True, v=True)
        except docker.errors.NotFound:
            pass
        finally:
            client.close()
        _empty_cgroup(self.name)
        tree = HYBRID_CGROUP / self.name
        if tree.is_dir():
            tree.rmdir()


def _find(client: docker.DockerClient, name: str) -> docker.models.containers.Container | None:
    try:
        return client.containers.get(name)
    except docker.errors.NotFound:
        return None


def _host_of(engine: Engine, container: docker.models.containers.Container) -> Host:
    labels = container.labels
    return Host(
        name=container.name or "",
        flavour=labels[f"{LABEL}.flavour"],
        address=labels[f"{LABEL}.address"],
        address_ipv6=labels[f"{LABEL}.address-ipv6"],
        engine=engine,
    )


def _run(
    engine: Engine, client: docker.DockerClient, name: str, image: str, flavour: str, filtering: bool
) -> docker.models.containers.Container:
    with (CACHE / "addresses.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        address, address_ipv6 = _free_addresses(client)
        # The SDK's annotations are narrower than what it takes.
        api: t.Any = client.api
        host_config = api.create_host_config(
            cap_add=["ALL"],
            cap_drop=[] if _has_capability(_CAP_SYS_RESOURCE) else ["SYS_RESOURCE"],
            security_opt=[_seccomp(filtering), "apparmor=unconfined"],
            tmpfs={"/run": "", "/tmp": ""},
            network_mode=NETWORK,
            **_cgroup_options(name),
        )
        # The CLI's `systempaths=unconfined`, for which the SDK has no word.
        host_config.update(MaskedPaths=[], ReadonlyPaths=[])
        endpoint = api.create_endpoint_config(ipv4_address=address, ipv6_address=address_ipv6)
        config = api.create_container_config(
            image,
            command=None,
            hostname=name,
            environment={"container": "docker"},
            volumes=["/var/lib/docker"],
            host_config=host_config,
            networking_config=api.create_networking_config({NETWORK: endpoint}),
            labels={
                LABEL: "1",
                f"{LABEL}.flavour": flavour,
                f"{LABEL}.address": address,
                f"{LABEL}.address-ipv6": address_ipv6,
            },
        )
        container = client.containers.get(api.create_container_from_config(config, name)["Id"])
        container.start()
    return container


def _cgroup_options(name: str) -> dict[str, t.Any]:
    if not HYBRID_CGROUP.is_dir():
        return {"cgroupns": "private"}
    tree = HYBRID_CGROUP / name
    tree.mkdir(exist_ok=True)
    return {"cgroupns": "host", "binds": [f"{tree}:/sys/fs/cgroup:rw"]}


def _free_addresses(client: docker.DockerClient) -> tuple[str, str]:
    """Fixed addresses, so that a rebooted host keeps its own."""
    taken = {c.labels.get(f"{LABEL}.address") for c in client.containers.list(all=True, filters={"label": LABEL})}
    prefix, prefix_ipv6 = SUBNET.rsplit(".", 1)[0], SUBNET_IPV6.split("/", maxsplit=1)[0]
    for number in range(10, 250):
        if f"{prefix}.{number}" not in taken:
            return f"{prefix}.{number}", f"{prefix_ipv6}{number:x}"
    raise RuntimeError(f"all addresses of {SUBNET} are taken")


def _seccomp(filtering: bool) -> str:
    if filtering:
        return "seccomp=unconfined"
    rule = {"names": ["bpf"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    return "seccomp=" + json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]})


def _has_capability(number: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _empty_cgroup(name: str) -> None:
    """The kernel keeps the folders that the host's systemd made; they are empty once the host has ended."""
    tree = HYBRID_CGROUP / name
    for folder in sorted((p for p in tree.rglob("*") if p.is_dir()), key=lambda p: len(p.parts), reverse=True):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.1)
            folder.rmdir()


def _ensure_ssh_key() -> Path:
    SSH_KEY.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (SSH_KEY.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not SSH_KEY.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "gangway-lab", "-f", os.fspath(SSH_KEY)]
            subprocess.run(command, check=True)
    return SSH_KEY


def start_hosts(
    engine: Engine, wanted: Sequence[tuple[str, str]], progress: t.Callable[[str], None] = print
) -> list[Host]:
    """Start hosts (name, flavour) side by side and wait until all are ready."""
    hosts = [Host.start(engine, name, flavour, progress=progress) for name, flavour in wanted]
    progress(f"waiting for {', '.join(host.name for host in hosts)} to boot (5 to 15 s)")
    for host in hosts:
        host.wait_until_ready()
    return hosts
