# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Host images, made with mmdebstrap from Debian's packages and kept by the content of their recipe."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import tempfile
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

_HOOKS = (
    # A login without rights of its own, as most sites have it.
    'chroot "$1" useradd --create-home --shell /bin/bash deploy',
    'echo "deploy ALL=(ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/deploy" && chmod 0440 "$1/etc/sudoers.d/deploy"',
    # Not needed in a container, and each costs a second at boot.
    'chroot "$1" systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer',
    # An image for containers inside the host, where nothing can be pulled.
    'mkdir -p "$1/opt/busybox/bin" && cp "$1/bin/busybox" "$1/opt/busybox/bin/"',
    'for applet in sh cat sleep env nc wget; do ln -s busybox "$1/opt/busybox/bin/$applet"; done',
)


@dataclass(frozen=True)
class Recipe:
    """All that makes a host image what it is; its digest is the image's tag."""

    suite: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = _HOOKS
    command: tuple[str, ...] = ("/lib/systemd/systemd",)

    @property
    def tag(self) -> str:
        content = json.dumps(asdict(self), sort_keys=True).encode()
        return f"gangway-lab/{self.suite}:{hashlib.sha256(content).hexdigest()[:16]}"


#: The hosts that can be had, by the name of their flavour.
FLAVOURS: dict[str, Recipe] = {
    "bookworm": Recipe("bookworm", _BASE_PACKAGES),
    "trixie": Recipe("trixie", (*_BASE_PACKAGES, "docker-cli")),
    "sid": Recipe("sid", (*_BASE_PACKAGES, "docker-cli")),
}


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
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"mmdebstrap {recipe.suite} failed:\n{done.stdout[-3000:]}")
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
