# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host images, made with mmdebstrap from Debian's packages and kept by the content of their recipe."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shlex
import subprocess
import tempfile
import time
import typing as t
from dataclasses import asdict, dataclass
from pathlib import Path

import docker
import docker.errors

from .engine import CACHE, LABEL, Engine

_BASE_PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "procps",
    "python3",
    "docker.io",
    "iptables",
    "nftables",
    "iproute2",
    "ca-certificates",
    "openssh-server",
    "sudo",
    "openssl",
    "busybox-static",
)
#: What any machine has.
_MACHINE_PACKAGES = tuple(
    p for p in _BASE_PACKAGES if p not in ("docker.io", "iptables", "nftables", "openssl", "busybox-static")
)

#: A login without rights of its own, as most sites have it.
_LOGIN = (
    'chroot "$1" useradd --create-home --shell /bin/bash deploy',
    'echo "deploy ALL=(ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/deploy" && chmod 0440 "$1/etc/sudoers.d/deploy"',
)
#: An image for containers inside the host, where nothing can be pulled.
_BUSYBOX = (
    'mkdir -p "$1/opt/busybox/bin" && cp "$1/bin/busybox" "$1/opt/busybox/bin/"',
    'for applet in sh cat sleep env nc wget; do ln -s busybox "$1/opt/busybox/bin/$applet"; done',
)


def _repository(*packages: str) -> tuple[str, ...]:
    """Hooks that put packages into a repository on the machine's own disk, since hosts have no way to any other."""
    return (
        # What the image itself was made from.
        'rm -f "$1"/var/cache/apt/archives/*.deb',
        f'chroot "$1" apt-get --yes --no-install-recommends --download-only install {" ".join(packages)}',
        'mkdir "$1/opt/packages" && mv "$1"/var/cache/apt/archives/*.deb "$1/opt/packages"',
        'cd "$1/opt/packages" && for deb in *.deb; do dpkg-deb --field "$deb"; echo "Filename: ./$deb"; '
        'echo "Size: $(stat --format %s "$deb")"; echo "SHA256: $(sha256sum < "$deb" | cut -c 1-64)"; echo; '
        "done > Packages",
        'echo "deb [trusted=yes] file:/opt/packages ./" > "$1/etc/apt/sources.list" && '
        'rm -f "$1"/etc/apt/sources.list.d/*',
    )


_HOOKS = (
    *_LOGIN,
    # Not needed in a container, and each costs a second at boot.
    'chroot "$1" systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer',
    *_BUSYBOX,
)
#: HAProxy is there to be installed.
_ENGINE_HOOKS = (*_HOOKS, *_repository("haproxy"))

#: Init scripts for what a host in a container shares with the machine: clock, disks, swap, file systems, sysctls.
#: umountfs, for one, ends swap, and tries to make file systems read-only that it can't unmount; /etc/hosts is a bind
#: mount from the machine's.
_OF_THE_MACHINE = (
    "brightness hwclock.sh procps urandom mount-configfs mountkernfs.sh mountdevsubfs.sh checkroot.sh checkfs.sh "
    "mountall.sh mountnfs.sh umountnfs.sh umountfs umountroot halt"
)
_SYSV_PACKAGES = (*(p for p in _BASE_PACKAGES if p not in ("systemd", "systemd-sysv", "dbus")), "sysvinit-core")
_SYSV_HOOKS = (
    *_LOGIN,
    *_BUSYBOX,
    # Left of them is the header that orders the others.
    f'cd "$1/etc/init.d" && for script in {_OF_THE_MACHINE}; do sed -i "/^### END INIT INFO/q" "$script"; done',
    # On its own, it also puts disks to sleep. Either way the container ends.
    """echo 'exec /etc/init.d/reboot "$1"' >> "$1"/etc/init.d/halt""",
    # There are no terminals.
    'sed -i /getty/d "$1/etc/inittab"',
    # Without this line, docker's init script mounts the machine's cgroup v1 over the host's tree.
    'echo "cgroup2 /sys/fs/cgroup cgroup2 noauto 0 0" >> "$1/etc/fstab"',
    # It also ends where it may not raise its limits, and the machine may have none to give. This is read by the script,
    # which stays as it was packaged.
    """echo 'ulimit() { command ulimit "$@" 2> /dev/null || true; }' """
    '> "$1/lib/lsb/init-functions.d/10-limits-of-a-container"',
)
#: Only systemd by itself leaves the root of its cgroup tree, which can't hand on controllers with processes in it.
_SYSV_COMMAND = (
    "/bin/sh",
    "-c",
    "cd /sys/fs/cgroup && mkdir -p init && echo $$ > init/cgroup.procs && "
    "for c in $(cat cgroup.controllers); do echo +$c > cgroup.subtree_control; done; cd /; exec /sbin/init",
)

#: How Alpine starts dockerd: with an argument list from conf.d, watched over by supervise-daemon.
_OPENRC_SCRIPT = """\
#!/sbin/openrc-run
# As in Alpine's package: conf.d may name another dockerd, its log, its limits and how long it may take to stop.

supervisor=supervise-daemon
name="Docker"
description="Runs containers"
description_reload="Read the configuration again, and run on"
extra_started_commands="reload"

: "${DOCKER_LOGFILE:=/var/log/docker.log}"
command="${DOCKERD_BINARY:-/usr/bin/dockerd}"
command_args="${DOCKER_OPTS}"
output_log="${DOCKER_OUTFILE:-$DOCKER_LOGFILE}"
error_log="${DOCKER_ERRFILE:-$DOCKER_LOGFILE}"
retry="${DOCKER_RETRY:-TERM/60/KILL/10}"
rc_ulimit="${DOCKER_ULIMIT:--c unlimited}"

depend() {
    use net
    after firewall
}

start_pre() {
    checkpath --file --mode 0644 --owner root:docker "$output_log" "$error_log"
}

reload() {
    ebegin "Having $name read its configuration"
    supervise-daemon "$RC_SVCNAME" --signal HUP
    eend $?
}
"""
_OPENRC_SETTINGS = """\
# Settings of /etc/init.d/docker

# What dockerd prints goes here
#DOCKER_LOGFILE="/var/log/docker.log"

# How long dockerd may take to stop
#DOCKER_RETRY="TERM/60/KILL/10"

# Another dockerd
#DOCKERD_BINARY="/usr/local/bin/dockerd"

# Options for dockerd, such as
#DOCKER_OPTS="--log-level=warn"
DOCKER_OPTS=""
"""
_OPENRC_HOOKS = (
    *_SYSV_HOOKS,
    f'printf %s {shlex.quote(_OPENRC_SCRIPT)} > "$1/etc/init.d/docker"',
    f'mkdir -p "$1/etc/conf.d" && printf %s {shlex.quote(_OPENRC_SETTINGS)} > "$1/etc/conf.d/docker"',
    'rm "$1/etc/default/docker" && ln -s ../sbin/dockerd "$1/usr/bin/dockerd"',
)

#: Podman, HAProxy, and what dockerd needs to run as a user without rights (rootlesskit).
_OTHER_ENGINES = (
    "podman",
    "crun",
    "netavark",
    "aardvark-dns",
    "haproxy",
    "rootlesskit",
    "slirp4netns",
    "uidmap",
    "dbus-user-session",
)
#: A host in a container has an overlay file system, which takes no other on top,
_PODMAN_STORAGE = """\
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
"""
#: and its cgroup may have no controller for pids.
_PODMAN_CONTAINERS = """\
[containers]
pids_limit = 0
"""
_WITH_RUNC = shlex.quote('[engine]\nruntime = "runc"\n')
#: dockerd is there for a user's own, and none runs as root.
_WITHOUT_DOCKER_SERVICE = (
    'chroot "$1" systemctl disable docker.service docker.socket containerd.service podman.service podman.socket '
    "podman-restart.service podman-auto-update.timer haproxy.service",
    'rm -f "$1"/usr/lib/systemd/system/docker.s* "$1"/etc/init.d/docker "$1"/etc/default/docker',
    f'printf %s {shlex.quote(_PODMAN_STORAGE)} > "$1/etc/containers/storage.conf"',
    f'printf %s {shlex.quote(_PODMAN_CONTAINERS)} > "$1/etc/containers/containers.conf"',
)


@dataclass(frozen=True)
class Recipe:
    """All that makes a host image what it is; its digest is the image's tag."""

    suite: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = _HOOKS
    command: tuple[str, ...] = ("/lib/systemd/systemd",)
    init: str = "systemd"
    #: What tells it from other images of the suite, for the image's name.
    variant: str = ""
    #: A machine without one is a client.
    has_dockerd: bool = True

    @property
    def tag(self) -> str:
        content = asdict(self)
        # Told by the name, and not in the digests of images that were made before there was another.
        init, variant, _has_dockerd = content.pop("init"), content.pop("variant"), content.pop("has_dockerd")
        name = "-".join([self.suite, *([] if init == "systemd" else [init]), *([variant] if variant else [])])
        return f"gangway-lab/{name}:{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]}"


#: The kinds of hosts, by the name of their flavour.
FLAVOURS: dict[str, Recipe] = {
    "bookworm": Recipe("bookworm", (*_BASE_PACKAGES, "python3-apt"), _ENGINE_HOOKS),
    "trixie": Recipe("trixie", (*_BASE_PACKAGES, "python3-apt", "docker-cli"), _ENGINE_HOOKS),
    "sid": Recipe("sid", (*_BASE_PACKAGES, "python3-apt", "docker-cli"), _ENGINE_HOOKS),
    "bookworm-sysvinit": Recipe(
        "bookworm", (*_SYSV_PACKAGES, "sysv-rc"), _SYSV_HOOKS, command=_SYSV_COMMAND, init="sysvinit"
    ),
    "bookworm-openrc": Recipe(
        "bookworm", (*_SYSV_PACKAGES, "openrc"), _OPENRC_HOOKS, command=_SYSV_COMMAND, init="openrc"
    ),
    "bookworm-firewall": Recipe(
        "bookworm",
        (*_BASE_PACKAGES, "firewalld", "ufw"),
        (*_HOOKS, 'chroot "$1" systemctl disable firewalld.service ufw.service'),
        variant="firewall",
    ),
    "bookworm-engines": Recipe(
        "bookworm",
        (*_BASE_PACKAGES, *_OTHER_ENGINES),
        # This crun raises a limit, which a host in a container may not.
        (*_HOOKS, *_WITHOUT_DOCKER_SERVICE, f'printf %s {_WITH_RUNC} >> "$1/etc/containers/containers.conf"'),
        variant="engines",
        has_dockerd=False,
    ),
    "trixie-engines": Recipe(
        "trixie",
        (*_BASE_PACKAGES, "docker-cli", *_OTHER_ENGINES),
        (*_HOOKS, *_WITHOUT_DOCKER_SERVICE),
        variant="engines",
        has_dockerd=False,
    ),
    "client": Recipe(
        "trixie",
        (
            *_MACHINE_PACKAGES,
            "docker-cli",
            "docker-compose",
            "docker-buildx",
            "python3-docker",
            "python3-cryptography",
            "python3-apt",
            "curl",
            "tcpdump",
            "prometheus",
            "docker-registry",
        ),
        # A test that wants one of them starts it.
        (
            *_LOGIN,
            *_repository("docker.io"),
            'chroot "$1" systemctl disable prometheus.service docker-registry.service',
        ),
        variant="client",
        has_dockerd=False,
    ),
}
#: One for each engine: dockerd 20.10, 26.1 and 28.5, from the oldest to the newest.
ENGINES = ("bookworm", "trixie", "sid")
#: Another init than systemd starts their services.
OTHER_INITS = ("bookworm-sysvinit", "bookworm-openrc")
#: With firewalld and ufw.
FIREWALLS = "bookworm-firewall"
#: Podman 4.3 and 5.4, and rootless Docker, without docker.service.
OTHER_ENGINES = ("bookworm-engines", "trixie-engines")
#: A machine that people work at: the docker command and compose, and no dockerd.
CLIENT = "client"


def ensure_image(engine: Engine, flavour: str, progress: t.Callable[[str], None] = print) -> str:
    """Return the tag of the flavour's image, building the image where the engine has none of this recipe."""
    if flavour not in FLAVOURS:
        raise ValueError(f"no flavour {flavour!r}; there are {', '.join(FLAVOURS)}")
    recipe = FLAVOURS[flavour]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"image-{flavour}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = engine.client()
        try:
            client.images.get(recipe.tag)
        except docker.errors.ImageNotFound:
            progress(f"building the host image {recipe.tag} (about 40 s)")
            _build(client, recipe)
            _remove_older(client, recipe)
        finally:
            client.close()
    return recipe.tag


#: Seconds until the next try: a suite that changes every few hours may do so meanwhile.
_PAUSES = (10, 60)


def _build(client: docker.DockerClient, recipe: Recipe) -> None:
    with tempfile.TemporaryDirectory(prefix="gangway-lab-") as folder:
        archive = Path(folder) / "root.tar"
        command = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            '--aptopt=Acquire::Check-Valid-Until "false"',
            f"--include={','.join(recipe.packages)}",
            *(f"--customize-hook={hook}" for hook in recipe.hooks),
            recipe.suite,
            str(archive),
        ]
        for pause in (*_PAUSES, None):
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode == 0:
                break
            if pause is None:
                raise RuntimeError(f"mmdebstrap {recipe.suite} failed:\n{done.stdout[-3000:]}")
            time.sleep(pause)
        repository, tag = recipe.tag.split(":")
        changes = [f"CMD {json.dumps(recipe.command)}", f"LABEL {LABEL}=1"]
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag, changes=changes)


def _remove_older(client: docker.DockerClient, recipe: Recipe) -> None:
    repository = recipe.tag.split(":", maxsplit=1)[0]
    for image in client.images.list(name=repository):
        if recipe.tag not in image.tags:
            try:
                client.images.remove(str(image.id))
            except docker.errors.APIError:
                # A host of another run still stands on it.
                continue
