# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that start dockerd without systemd: a script of sysvinit or OpenRC, and the options that it reads."""

from __future__ import annotations

__all__ = ("SCRIPT", "main_pid", "options_file")

from .._host.engine import listening_pid
from .files import Files

SCRIPT = "/etc/init.d/docker"
_OPTIONS_FILES = {"sysvinit": "/etc/default/docker", "openrc": "/etc/conf.d/docker"}
_PID_FILES = ("/run/docker.pid", "/var/run/docker.pid")


def main_pid(files: Files, *, connect: bool) -> int:
    """Return the process id of a dockerd that no unit has started; 0: it does not run.

    With C(connect), the process that listens on the unix socket, if there is no file with its id.
    """
    for path in _PID_FILES:
        text = files.text(path).strip()
        if text.isdigit() and "dockerd" in files.text(f"/proc/{text}/cmdline").partition("\0")[0]:
            return int(text)
    return listening_pid() if connect else 0


def options_file(files: Files, init: str) -> str:
    """Return the path of the options file, which may not exist."""
    shebang = (files.read(SCRIPT) or b"").partition(b"\n")[0]
    # OpenRC runs scripts of sysvinit, too; these read the file that Debian has.
    if init == "openrc" and b"openrc-run" not in shebang and shebang:
        return _OPTIONS_FILES["sysvinit"]
    return _OPTIONS_FILES[init]
