# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""More daemons on a host beside its own: real ones, with any flags, on ports of their own."""

from __future__ import annotations

import time
from pathlib import Path

from tests.lab.hosts import Host

_FILES = ("ca.pem", "cert.pem", "key.pem")


class Daemons:
    """Starts services on a host; C(stop) ends them all, and removes what they leave."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def dockerd(self, port: int, *flags: str, bundle: Path | None = None, wait: bool = True, **environment: str) -> str:
        """Start a dockerd, and return its URL. With a bundle it has TLS, which flags may weaken."""
        place = f"/run/probe/{port}"
        tls: tuple[str, ...] = ("--tls=false",)
        if bundle is not None:
            self.put(bundle, place)
            files = (f"--tlscacert={place}/ca.pem", f"--tlscert={place}/cert.pem", f"--tlskey={place}/key.pem")
            tls = (*(() if "--tlsverify=false" in flags else ("--tlsverify",)), *files)
        words = (
            f"dockerd --host=unix://{place}/docker.sock --host=tcp://0.0.0.0:{port} --data-root={place}/data",
            f"--exec-root={place}/exec --pidfile={place}/pid --containerd=/run/containerd/containerd.sock",
            f"--bridge=none --iptables=false --ip6tables=false --storage-driver=vfs --config-file={place}/daemon.json",
            *flags,
            *tls,
        )
        self.host.run(f"mkdir -p {place}; echo '{{}}' > {place}/daemon.json")
        self.service(f"dockerd-{port}", " ".join(words), **environment)
        if wait:
            self.host.run(
                f"for _ in $(seq 300); do docker -H unix://{place}/docker.sock version >/dev/null 2>&1 && exit; "
                "sleep 0.1; done; "
                f"journalctl --no-pager -n 20 -u probe-dockerd-{port} >&2; exit 1"
            )
        return f"tcp://{self.host.address}:{port}"

    def service(self, name: str, command: str, **environment: str) -> None:
        variables = " ".join(f"--setenv={key}={value}" for key, value in environment.items())
        self.host.run(f"systemd-run --quiet --collect --unit=probe-{name} {variables} {command}")

    def listen(self, port: int, name: str, command: str) -> str:
        """Start something that listens, and return the URL once it does."""
        self.service(name, command)
        deadline = time.monotonic() + 20
        while self.host.run(f"ss -Hltn 'sport = :{port}'").stdout == "":
            assert time.monotonic() < deadline, self.host.run(f"journalctl -u probe-{name} --no-pager").stdout
            time.sleep(0.1)
        return f"tcp://{self.host.address}:{port}"

    def put(self, bundle: Path, place: str) -> None:
        """Copy a bundle to the host."""
        files = {name: (bundle / name).read_text() for name in _FILES}
        written = "".join(f"cat > {place}/{name} <<'END'\n{text}END\n" for name, text in files.items())
        self.host.run(f"mkdir -p {place}; umask 077; {written}")

    def script(self, name: str, text: str) -> str:
        """Write a program for the host's Python, and return the command that runs it."""
        self.host.run(f"mkdir -p /run/probe; cat > /run/probe/{name}.py <<'END'\n{text}END\n")
        return f"/usr/bin/python3 /run/probe/{name}.py"

    def stop(self) -> None:
        self.host.run(
            "systemctl stop 'probe-*' 2>/dev/null; systemctl reset-failed 'probe-*' 2>/dev/null; "
            "nft delete table inet probe 2>/dev/null; umount -R /run/probe/*/exec/netns/* 2>/dev/null; "
            "rm -rf /run/probe /run/docker/plugins/probe.sock; true"
        )
