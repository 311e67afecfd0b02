# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host without systemd, where a script of sysvinit or OpenRC starts dockerd."""

from __future__ import annotations

__all__ = ("observe_scripts", "value_in_shell")

import os
import re
import shutil
import typing as t

from .._shared.failure import Failure
from . import layout
from .assignments import Assignment, of_options_file
from .engine import read_engine
from .host import Host
from .init import Init
from .observe import Observed, check_program, foreign_hosts, loose_folders, missing_folders, read_files
from .options_block import OptionsFile, without_block
from .sources import Source
from .unit import daemon_flags, words_of

_SCRIPT = "/etc/init.d/docker"
_OPTIONS_FILES = {"sysvinit": "/etc/default/docker", "openrc": "/etc/conf.d/docker"}
_VARIABLE = "DOCKER_OPTS"
#: supervise-daemon(8), and what scripts of OpenRC start in dockerd's place (Alpine, Gentoo).
_SUPERVISOR = b"supervise-daemon"
_PROGRAM_VARIABLE = "DOCKERD_BINARY"
_REFERENCE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def observe_scripts(host: Host, paths: t.Iterable[str], init: Init) -> Observed:
    """Read the host. Failures: C(dockerd_missing)."""
    script = host.read(_SCRIPT)
    if script is None:
        raise Failure(
            "dockerd_missing",
            thing=_SCRIPT,
            reason=f"{init.name} has no script that starts dockerd",
            cure="Install Docker Engine on the host first",
        )
    path = _OPTIONS_FILES[init.name]
    # OpenRC runs scripts of sysvinit, too; these read the file that Debian has.
    if init.name == "openrc" and b"openrc-run" not in script.partition(b"\n")[0]:
        path = _OPTIONS_FILES["sysvinit"]
    text = without_block(host.read(path) or b"").decode(errors="surrogateescape")
    value = value_in_shell(text, _VARIABLE)
    options = None
    if _VARIABLE.encode() in script:
        options = OptionsFile(
            path,
            _VARIABLE,
            value,
            is_shell=True,
            is_supervised=_SUPERVISOR in script,
            program_variable=_PROGRAM_VARIABLE if _PROGRAM_VARIABLE.encode() in script else "",
        )
    pid = init.main_pid()
    program = _program(pid)
    check_program(program, _SCRIPT)
    flags = daemon_flags(words_of(f"{program} {value}"), {})
    return Observed(
        flags=flags,
        main_pid=pid,
        service_active=pid != 0,
        socket_active=False,
        running_hosts=foreign_hosts(host, pid, options),
        exec_start_pre="",
        slices_allow="",
        foreign_streams=(),
        files=read_files(host, [*paths, path]),
        missing_folders=missing_folders(layout.DAEMON_JSON, path),
        loose_folders=loose_folders(host),
        engine=read_engine() if pid else None,
        init=init.name,
        options=options,
        sources=(Source(path=path, text=text, kind="options"),),
    )


def value_in_shell(text: str, variable: str) -> str:
    """Return the words in the variable after a shell has read these assignments; what only it can tell stays."""
    values: dict[str, str] = {}
    for entry in of_options_file(text):
        if isinstance(entry, Assignment):
            replaced = _REFERENCE.sub(lambda match: values.get(match.group(1) or match.group(2), ""), entry.value.text)
            # C(adds) is said of a value that refers to a variable as well.
            before = values.get(entry.name, "") if entry.adds and "$" not in entry.value.text else ""
            values[entry.name] = f"{before} {replaced}".strip()
    return values.get(variable, "")


def _program(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        found = shutil.which("dockerd", path=_PATH)
        if found is None:
            raise Failure(
                "dockerd_missing",
                thing="dockerd",
                reason="no such program is on this host",
                cure="Install Docker Engine on the host first",
            ) from None
        return found
