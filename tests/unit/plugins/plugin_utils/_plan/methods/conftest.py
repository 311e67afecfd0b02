# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drop-in runs before dockerd, run by a shell here, with programs that end as a test sets."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.choice import firewall_of
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import Access, FirewallFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.method import Rendered

from ..hosts import HOSTS
from ..planning import observed_of, task_of

#: Firewalls, and the program that checks whether their rules are in force.
FIREWALLS = {"nftables": "nft", "firewalld": "firewall-cmd", "ufw": "iptables", "systemd": "", "none": ""}


class Site:
    """Our paths below a folder; C(called) are the command lines of the programs that ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = str(folder / "python")
        self.in_force = folder / "run"
        self.listener = folder / "state" / "listener"

    def says(self, program: str, status: int, said: str = "") -> None:
        """Set how the program exits. The guard also refuses the port if GANGWAY_UNGUARDED is set."""
        path = self.folder / program
        log = f"echo {program} $* ${{GANGWAY_UNGUARDED:+unguarded}} >> {self.folder}/log\n"
        refuse = 'case "$GANGWAY_UNGUARDED $*" in "1 -B -m guard flags"*) exit 1 ;; esac\n'
        path.write_text(f"#!/bin/sh\n{log}{refuse}echo '{said}'\nexit {status}\n")
        path.chmod(0o755)

    @property
    def called(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def start(self, rendered: Rendered) -> int:
        """Run what the drop-in has dockerd wait for; not 0: dockerd does not start."""
        (self.folder / "log").unlink(missing_ok=True)
        if layout.LISTENER_FLAGS in rendered.files:
            self.listener.write_text(rendered.files[layout.LISTENER_FLAGS])
        for value in of_service(rendered.files[layout.EXEC_DROP_IN], "ExecStartPre"):
            # systemd.service(5): these are systemd's own.
            assert not re.search(r"\$\{|\$\$|\\", value)
            assert "%" not in value.replace("%%", "")
            shell, option, command = shlex.split(value.replace("%%", "%"))
            assert (shell.lstrip("-"), option) == ("/bin/sh", "-c")
            path = f"{self.folder}:{os.defpath}"
            done = subprocess.run(["/bin/sh", "-c", command], env={"PATH": path}, capture_output=True, check=False)
            if done.returncode and not shell.startswith("-"):
                return done.returncode
        return 0


def _listener_of(*, tls: bool = True, firewall: str = "none", **options: t.Any) -> Listener:
    task, kind = task_of(**options), firewall_of(firewall, "socket")
    return Listener(
        task.listen,
        task.allow,
        "/usr/bin/python3",
        tls=tls,
        firewall=firewall,
        gate="nftables" if firewall == "nftables" else "socket",
        checks=kind.checks(FirewallFacts("systemd"), Access(task.listen, task.allow)),
        boot_units=kind.boot_units,
    )


@pytest.fixture(scope="session")
def host() -> t.Callable[[str], Observed]:
    """A host by the name of what it has: docker-ce, debian, fedora, opensuse, own socket, sysvinit, openrc."""
    return lambda name: observed_of(HOSTS[name])


@pytest.fixture(scope="session")
def make_listener() -> t.Callable[..., Listener]:
    """A listener, by C(tls), C(firewall), C(listen) and C(allow)."""
    return _listener_of


def of_service(text: str, key: str) -> list[str]:
    section = text.partition("[Service]\n")[2]
    return [line.partition("=")[2] for line in section.splitlines() if line.startswith(f"{key}=")]


@pytest.fixture(name="of_service", scope="session")
def _of_service() -> t.Callable[[str, str], list[str]]:
    """The values of a key in a drop-in's section [Service], in order."""
    return of_service


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path)
    site.listener.parent.mkdir()
    monkeypatch.setattr(layout, "STATE", str(tmp_path / "state"))
    monkeypatch.setattr(layout, "LISTENER_FLAGS", str(site.listener))
    monkeypatch.setattr(layout, "LISTENER_FLAGS_IN_FORCE", str(site.in_force))
    site.says("python", 0)
    site.says("systemctl", 0, "ExecStart={ argv[]=/usr/bin/dockerd -H fd:// ; ignore_errors=no }")
    for program in ("nft", "firewall-cmd", "iptables", "ip6tables"):
        site.says(program, 0)
    return site
