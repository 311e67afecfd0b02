# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A systemd host's dockerd, started as packages other than Debian's start it; the dockerd stays the host's own."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .hosts import Host

_UNIT = "/usr/lib/systemd/system/docker.service"
_SOCKET = "/usr/lib/systemd/system/docker.socket"
#: What Debian's package has and others lack or have otherwise is here while a host is dressed, and C(linked) where
#: /usr/bin/dockerd is ours.
_ASIDE = "/opt/debians-own"


@dataclass(frozen=True)
class Package:
    """What a package has that decides how dockerd is started: unit, options files, and whether it has docker.socket."""

    unit: str
    files: dict[str, str] = field(default_factory=dict)
    socket: bool = True


_DOCKER_CE = Package(
    """\
[Unit]
Description=Docker Application Container Engine
After=network-online.target docker.socket firewalld.service containerd.service
Wants=network-online.target containerd.service
Requires=docker.socket

[Service]
Type=notify
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
ExecReload=/bin/kill -s HUP $MAINPID
TimeoutStartSec=0
RestartSec=2
Restart=always
StartLimitBurst=3
StartLimitInterval=60s
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
Delegate=yes
KillMode=process
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""
)

#: Fedora's and Amazon's unit names several variables of which most are set nowhere.
_FEDORA_UNIT = """\
[Unit]
Description=Docker Application Container Engine
After=network-online.target docker.socket firewalld.service containerd.service
Wants=network-online.target containerd.service
Requires=docker.socket

[Service]
Type=notify
EnvironmentFile=-/etc/sysconfig/docker
EnvironmentFile=-/etc/sysconfig/docker-storage
EnvironmentFile=-/etc/sysconfig/docker-network
ExecStart=/usr/bin/dockerd \\
          --host=fd:// \\
          --exec-opt native.cgroupdriver=systemd \\
          $OPTIONS \\
          $DOCKER_STORAGE_OPTIONS \\
          $DOCKER_NETWORK_OPTIONS \\
          $INSECURE_REGISTRY
ExecReload=/bin/kill -s HUP $MAINPID
TimeoutStartSec=0
Restart=on-failure
StartLimitBurst=3
StartLimitInterval=60s
TasksMax=infinity
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
"""

_OPENSUSE = Package(
    """\
[Unit]
Description=Docker Application Container Engine
After=network.target firewalld.service containerd.service
Wants=containerd.service

[Service]
Type=notify
EnvironmentFile=/etc/sysconfig/docker
ExecStart=/usr/bin/dockerd --containerd /run/containerd/containerd.sock --add-runtime oci=/usr/sbin/runc \
$DOCKER_NETWORK_OPTIONS $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID
TimeoutStartSec=0
Restart=on-failure
StartLimitBurst=3
StartLimitInterval=60s
TasksMax=infinity
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
""",
    {
        "/etc/sysconfig/docker": """\
## Path           : System/Management
## Description    : Options for dockerd
## Type           : string
## Default        : ""
## ServiceRestart : docker
#
DOCKER_OPTS=""

## Type           : string
## Default        : ""
#
DOCKER_NETWORK_OPTIONS=""
"""
    },
    socket=False,
)


def _fedora(*options: str) -> Package:
    """As Fedora has it, the variable goes over several lines, the last of which is empty."""
    lines = "".join(f"{option} \\\n  " for option in options).rstrip(" ")
    content = f"""\
# Options for dockerd, for example
#OPTIONS="--host=tcp://0.0.0.0:2375"
OPTIONS="{lines}"

# Another place for data
#DOCKER_STORAGE_OPTIONS="--data-root /srv/docker"
"""
    return Package(_FEDORA_UNIT, {"/etc/sysconfig/docker": content})


PACKAGES: dict[str, Package] = {
    "docker_ce": _DOCKER_CE,
    "fedora": _fedora("--log-level=warn", "--default-ulimit nofile=1024:4096"),
    # As it comes from Fedora, where the flag leaves no room for the same key in daemon.json.
    "fedora_live_restore": _fedora("--log-driver=journald", "--live-restore", "--default-ulimit nofile=1024:1024"),
    "opensuse": _OPENSUSE,
}

#: Puts back what Debian's package has, on a host that is dressed, and leaves dockerd stopped.
UNDRESS = f"""
if test -d {_ASIDE}; then
    # One by one: where there is no docker.socket, newer systemctl would stop nothing.
    for unit in docker.socket docker.service; do systemctl stop $unit 2>/dev/null; done
    rm -f /etc/sysconfig/docker
    rmdir --ignore-fail-on-non-empty /etc/sysconfig 2>/dev/null
    if test -e {_ASIDE}/linked; then rm -f /usr/bin/dockerd {_ASIDE}/linked; fi
    cp --archive {_ASIDE}/. /
    rm -rf {_ASIDE}
    systemctl daemon-reload
    systemctl reset-failed docker.service docker.socket 2>/dev/null
fi
"""


@contextmanager
def started_as(host: Host, package: str) -> Iterator[None]:
    """Have the host's dockerd started as by the package of that name in M(PACKAGES), until the block ends."""
    dress(host, package)
    try:
        yield
    finally:
        undress(host)


def dress(host: Host, package: str) -> None:
    """Have the host's dockerd started as by the package; its unit is where a vendor's would be."""
    undress(host)
    wanted = PACKAGES[package]
    enabled = "/etc/systemd/system/sockets.target.wants/docker.socket"
    commands = [
        # What fails halfway is still put back by UNDRESS.
        "set -e",
        # Debian's options file has a name that other packages' units do not read.
        f"mkdir -p {_ASIDE} && cp --archive --parents {_UNIT} {_SOCKET} {enabled} /etc/default/docker {_ASIDE}",
        "systemctl stop docker.socket docker.service",
        "rm /etc/default/docker",
        f"test -e /usr/bin/dockerd || {{ ln -s ../sbin/dockerd /usr/bin/dockerd; touch {_ASIDE}/linked; }}",
        *(_write(path, content) for path, content in {_UNIT: wanted.unit, **wanted.files}.items()),
        "true" if wanted.socket else f"rm {_SOCKET} {enabled}",
        "systemctl daemon-reload",
        "systemctl reset-failed docker.service",
        "systemctl start docker.service",
    ]
    host.run("\n".join(commands))


def undress(host: Host) -> None:
    """Have dockerd started as Debian's package does it; nothing is done where that is so."""
    host.run(f"test -d {_ASIDE} || exit 0{UNDRESS}systemctl start docker.socket docker.service")


def _write(path: str, content: str) -> str:
    return f"mkdir -p {path.rpartition('/')[0]} && printf %s {shlex.quote(content)} > {path}"
