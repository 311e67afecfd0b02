# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host: all that a plan is made from, in one go and without changing anything."""

from __future__ import annotations

__all__ = ("Observed", "observe", "text_of")

import os
import shlex
import typing as t
from dataclasses import dataclass

from .._failure import Failure
from . import layout
from .engine import EngineState, read_engine
from .host import Attributes, Host
from .unit import DaemonFlags, daemon_flags, environment_file_variables, exec_start_words, parse_show

#: The slices above our socket unit: what they allow, IPAddressDeny= below them can't forbid.
_SLICES = ("-.slice", "system.slice")
_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "MainPID",
    "ExecStartPre",
    "FragmentPath",
    "DropInPaths",
    "Environment",
    "EnvironmentFiles",
    "TriggeredBy",
    "Listen",
    "IPAddressAllow",
)


@dataclass(frozen=True)
class Observed:
    """A host as it is. C(files): content and attributes of daemon.json and of every file of ours that exists."""

    flags: DaemonFlags
    main_pid: int
    service_active: bool
    socket_active: bool
    #: The hosts that the running dockerd was started with.
    running_hosts: tuple[str, ...]
    exec_start_pre: str
    #: Networks that a slice above our socket unit lets in, past the access list.
    slices_allow: str
    #: TCP addresses of socket units that hand dockerd a port and are not ours.
    foreign_streams: tuple[str, ...]
    files: t.Mapping[str, tuple[bytes, Attributes]]
    #: Folders of the system that our files go into and that do not exist yet.
    missing_folders: tuple[str, ...]
    #: Folders of ours whose mode or owner is not what it should be.
    loose_folders: tuple[str, ...]
    engine: EngineState | None

    def content(self, path: str) -> bytes | None:
        return self.files[path][0] if path in self.files else None


def observe(host: Host, paths: t.Iterable[str]) -> Observed:
    """Read the host. Failures: C(systemd_missing), C(dockerd_missing)."""
    units = _show_units(host, layout.DOCKER_SERVICE, layout.DOCKER_SOCKET, layout.GANGWAY_SOCKET, *_SLICES)
    service = units[layout.DOCKER_SERVICE]
    if service.get("LoadState") == "masked":
        raise Failure(
            "dockerd_masked",
            thing=layout.DOCKER_SERVICE,
            reason="the unit is masked, so systemd does not start it",
            cure=f"Unmask it first: systemctl unmask {layout.DOCKER_SERVICE}",
        )
    if service.get("LoadState") != "loaded":
        raise Failure(
            "dockerd_missing",
            thing=layout.DOCKER_SERVICE,
            reason=f"systemd has no such unit (LoadState={service.get('LoadState')})",
            cure="Install Docker Engine on the host first (docker-ce, or the distribution's docker.io or moby-engine)",
        )
    flags = _flags(host, service)
    dockerd = flags.program
    if dockerd and not os.path.exists(dockerd):
        raise Failure(
            "dockerd_missing",
            thing=dockerd,
            reason=f"{layout.DOCKER_SERVICE} starts this program, and it does not exist",
            cure="Install Docker Engine on the host again",
        )
    files = {}
    for path in paths:
        content, attributes = host.read(path), host.attributes(path)
        if content is not None and attributes is not None:
            files[path] = (content, attributes)
    return Observed(
        flags=flags,
        main_pid=int(service.get("MainPID") or 0),
        service_active=service.get("ActiveState") == "active",
        socket_active=units[layout.GANGWAY_SOCKET].get("ActiveState") == "active",
        running_hosts=_running_hosts(host, service),
        exec_start_pre=service.get("ExecStartPre", ""),
        slices_allow=" ".join(units[name].get("IPAddressAllow", "") for name in _SLICES).strip(),
        foreign_streams=_foreign_streams(host, units),
        files=files,
        missing_folders=tuple(
            folder for folder in map(os.path.dirname, (layout.DAEMON_JSON, layout.DROP_IN)) if not os.path.isdir(folder)
        ),
        loose_folders=tuple(
            folder for folder, mode in layout.FOLDERS.items() if host.attributes(folder) not in (None, Attributes(mode))
        ),
        # Asking a dockerd that is down would start it, by its socket unit.
        engine=read_engine() if service.get("ActiveState") == "active" else None,
    )


def text_of(content: bytes | None, path: str) -> str:
    """Decode a file that has to be UTF-8. Failure: C(daemon_json_malformed)."""
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as exc:
        raise Failure(
            "daemon_json_malformed", thing=path, reason=f"it is not UTF-8 ({exc})", cure="Correct the file"
        ) from exc


def _show_units(host: Host, *units: str) -> dict[str, dict[str, str]]:
    try:
        code, stdout, stderr = host.run(["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *units])
    except OSError as exc:
        code, stdout, stderr = 127, "", str(exc)
    blocks = [parse_show(block) for block in stdout.split("\n\n") if block.strip()]
    if code != 0 or len(blocks) != len(units):
        raise Failure(
            "systemd_missing",
            thing="systemctl",
            reason=f"systemd does not answer on this host ({(stderr or stdout).strip() or code})",
            cure="This method needs a host that systemd runs; start dockerd through systemd there",
        )
    return dict(zip(units, blocks))


def _flags(host: Host, service: t.Mapping[str, str]) -> DaemonFlags:
    paths = [service.get("FragmentPath", ""), *service.get("DropInPaths", "").split()]
    text = "\n".join((host.read(path) or b"").decode(errors="replace") for path in paths if path)
    variables = environment_file_variables("\n".join(shlex.split(service.get("Environment", ""))))
    for word in service.get("EnvironmentFiles", "").split():
        if word.startswith("/"):
            variables.update(environment_file_variables((host.read(word) or b"").decode(errors="replace")))
    return daemon_flags(exec_start_words(text), variables)


def _running_hosts(host: Host, service: t.Mapping[str, str]) -> tuple[str, ...]:
    """The process shows what it was really given, whatever the unit's files say by now."""
    words = (host.read(f"/proc/{service.get('MainPID') or 0}/cmdline") or b"").decode(errors="replace").split("\0")
    return daemon_flags(words, {}).hosts


def _foreign_streams(host: Host, units: t.Mapping[str, t.Mapping[str, str]]) -> tuple[str, ...]:
    triggers = units[layout.DOCKER_SERVICE].get("TriggeredBy", "").split()
    listens = [units[layout.DOCKER_SOCKET].get("Listen", "")]
    for unit in triggers:
        if unit.endswith(".socket") and unit not in (layout.DOCKER_SOCKET, layout.GANGWAY_SOCKET):
            listens.append(host.show(unit, "Listen").get("Listen", ""))
    streams = [word for listen in listens for word in listen.split() if not word.startswith(("/", "(", "@"))]
    return tuple(streams)
