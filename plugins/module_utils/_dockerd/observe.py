# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host: all that a plan is made from, in one go and without changing anything."""

from __future__ import annotations

__all__ = (
    "Observed",
    "check_program",
    "foreign_hosts",
    "loose_folders",
    "missing_folders",
    "observe",
    "read_files",
    "text_of",
)

import glob
import os
import typing as t
from dataclasses import dataclass

from .._shared.failure import Failure
from . import layout
from .engine import EngineState, read_engine
from .host import Attributes, Host
from .options_block import OptionsFile, block_of, without_block
from .sources import Source
from .startup import startup_of
from .unit import DaemonFlags, daemon_flags, exec_start_line, parse_show, words_of

#: The slices above our socket unit: what they allow, IPAddressDeny= below them can't forbid.
_SLICES = ("-.slice", "system.slice")
#: In the order of their precedence, systemd.unit(5).
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
)
_OF_SOCKETS = ("FragmentPath", "DropInPaths", "Listen", "ActiveState")
_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "MainPID",
    "ExecStartPre",
    "FragmentPath",
    "DropInPaths",
    "EnvironmentFiles",
    "TriggeredBy",
    "Listen",
    "IPAddressAllow",
)


@dataclass(frozen=True)
class Observed:
    """A host as it is. C(files): content and attributes of daemon.json and of every file of ours that exists.

    C(flags) and C(exec_start) are dockerd's without what we have added.
    """

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
    #: What starts dockerd: systemd, sysvinit or openrc.
    init: str = "systemd"
    #: ExecStart as it is written.
    exec_start: str = ""
    #: The ExecStart that is in force, ours included.
    exec_start_in_force: str = ""
    #: The file that the package keeps for dockerd's options.
    options: OptionsFile | None = None
    #: The files of others that say how dockerd is started; not daemon.json.
    sources: tuple[Source, ...] = ()
    #: Socket units that hand dockerd something and are active; docker.socket is not among them.
    active_sockets: tuple[str, ...] = ()

    def content(self, path: str) -> bytes | None:
        return self.files[path][0] if path in self.files else None


def observe(host: Host, paths: t.Iterable[str]) -> Observed:
    """Read a host that systemd runs. Failures: C(systemd_missing), C(dockerd_missing), C(dockerd_masked)."""
    units = _show_units(host, layout.DOCKER_SERVICE, layout.DOCKER_SOCKET, layout.GANGWAY_SOCKET, *_SLICES)
    service = units[layout.DOCKER_SERVICE]
    _check_loaded(service)
    foreign = {unit: host.show(unit, *_OF_SOCKETS) for unit in _foreign_sockets(service)}
    sources = _sources(host, units, foreign)
    startup = startup_of(sources)
    options = startup.options
    check_program(startup.flags.program, layout.DOCKER_SERVICE)
    files = read_files(host, [*paths, *([options.path] if options else []), *(source.path for source in sources)])
    everything = [service.get("FragmentPath", ""), *service.get("DropInPaths", "").split()]
    active = service.get("ActiveState") == "active"
    return Observed(
        flags=startup.flags,
        main_pid=int(service.get("MainPID") or 0),
        service_active=active,
        socket_active=units[layout.GANGWAY_SOCKET].get("ActiveState") == "active",
        running_hosts=foreign_hosts(host, int(service.get("MainPID") or 0), options),
        exec_start_pre=service.get("ExecStartPre", ""),
        slices_allow=" ".join(units[name].get("IPAddressAllow", "") for name in _SLICES).strip(),
        foreign_streams=_streams([units[layout.DOCKER_SOCKET], *foreign.values()]),
        files=files,
        missing_folders=missing_folders(layout.DAEMON_JSON, layout.DROP_IN),
        loose_folders=loose_folders(host),
        # Asking a dockerd that is down would start it, by its socket unit.
        engine=read_engine() if active else None,
        exec_start=startup.exec_start,
        exec_start_in_force=exec_start_line("\n".join(_text(host, path) for path in everything if path)),
        options=options,
        sources=sources,
        active_sockets=tuple(unit for unit, shown in foreign.items() if shown.get("ActiveState") == "active"),
    )


def read_files(host: Host, paths: t.Iterable[str]) -> dict[str, tuple[bytes, Attributes]]:
    """Return content and attributes of those that exist."""
    files = {}
    for path in paths:
        content, attributes = host.read(path), host.attributes(path)
        if content is not None and attributes is not None:
            files[path] = (content, attributes)
    return files


def missing_folders(*paths: str) -> tuple[str, ...]:
    """Return the folders of these files that do not exist."""
    return tuple(folder for folder in map(os.path.dirname, paths) if not os.path.isdir(folder))


def loose_folders(host: Host) -> tuple[str, ...]:
    """Return our folders whose mode or owner is not what it should be."""
    return tuple(
        folder for folder, mode in layout.FOLDERS.items() if host.attributes(folder) not in (None, Attributes(mode))
    )


def foreign_hosts(host: Host, pid: int, options: OptionsFile | None) -> tuple[str, ...]:
    """Return the hosts that the running dockerd was really started with, whatever the files say by now; not ours."""
    words = (host.read(f"/proc/{pid}/cmdline") or b"").decode(errors="replace").split("\0")
    block = b"" if options is None else block_of(host.read(options.path) or b"")
    own = [_text(host, layout.LISTENER), _text(host, layout.LISTENER_IN_FORCE), block.decode(errors="replace")]
    ours = daemon_flags(words_of(" ".join(own).replace('"', " ")), {}).hosts
    return tuple(found for found in daemon_flags(words, {}).hosts if found not in ours)


def check_program(dockerd: str, starter: str) -> None:
    """Refuse where dockerd is gone. Failure: C(dockerd_missing)."""
    if dockerd and not os.path.exists(dockerd):
        raise Failure(
            "dockerd_missing",
            thing=dockerd,
            reason=f"{starter} starts this program, and it does not exist",
            cure="Install Docker Engine on the host again",
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


def _check_loaded(service: t.Mapping[str, str]) -> None:
    if service.get("LoadState") == "masked":
        raise Failure(
            "dockerd_masked",
            thing=layout.DOCKER_SERVICE,
            reason="the unit is masked, so systemd does not start it",
            cure=f"Unmask it first: systemctl unmask {layout.DOCKER_SERVICE}",
        )
    if service.get("LoadState") != "loaded":
        _check_other_installations()
        raise Failure(
            "dockerd_missing",
            thing=layout.DOCKER_SERVICE,
            reason=f"systemd has no such unit (LoadState={service.get('LoadState')})",
            cure="Install Docker Engine on the host first (docker-ce, or the distribution's docker.io or moby-engine)",
        )


def _check_other_installations() -> None:
    """Tell of a Docker that is there, but not as docker.service. Failures: C(docker_snap), C(docker_rootless)."""
    if os.path.isdir("/snap/docker"):
        raise Failure(
            "docker_snap",
            thing="Docker from the snap store",
            reason="the snap starts dockerd by its own wrapper, which takes no drop-in, and can't read /etc/docker",
            cure="Install the distribution's docker.io or moby-engine, or docker-ce, in its place",
        )
    rootless = sorted(glob.glob("/run/user/*/docker.sock"))
    if rootless:
        raise Failure(
            "docker_rootless",
            thing=f"rootless Docker ({', '.join(rootless)})",
            reason="it runs as a user's own service in a network namespace of its own, and this host has no "
            "docker.service",
            cure="Expose a dockerd that runs as root, or reach the rootless one by DOCKER_HOST=ssh://USER@HOST",
        )


def _sources(
    host: Host, units: t.Mapping[str, t.Mapping[str, str]], foreign: t.Mapping[str, t.Mapping[str, str]]
) -> tuple[Source, ...]:
    """Everything of others that says how dockerd is started, in the order in which systemd reads it.

    C(foreign): the socket units of others.
    """
    service = units[layout.DOCKER_SERVICE]
    sources = []
    for kind, path in (
        ("unit", service.get("FragmentPath", "")),
        *(("drop_in", path) for path in _drop_ins(layout.DOCKER_SERVICE, service)),
        *(("options", path) for path in service.get("EnvironmentFiles", "").split()),
        ("socket", units[layout.DOCKER_SOCKET].get("FragmentPath", "")),
        *(("socket", path) for path in _drop_ins(layout.DOCKER_SOCKET, units[layout.DOCKER_SOCKET])),
        *(
            ("socket", path)
            for shown in foreign.values()
            for path in (shown.get("FragmentPath", ""), *shown.get("DropInPaths", "").split())
        ),
    ):
        if path.startswith("/") and path not in (layout.DROP_IN, layout.EXEC_DROP_IN, layout.LISTENER_IN_FORCE):
            content = host.read(path)
            if content is not None or kind == "options":
                text = without_block(content or b"").decode(errors="surrogateescape")
                sources.append(Source(path=path, text=text, kind=kind))
    return tuple(sources)


def _drop_ins(unit: str, shown: t.Mapping[str, str]) -> list[str]:
    """Return the unit's drop-ins in the order of systemd.unit(5), with those that its next daemon-reload will find."""
    paths = {os.path.basename(path): path for path in shown.get("DropInPaths", "").split()}
    for folder in _UNIT_FOLDERS:
        for path in glob.glob(f"{folder}/{unit}.d/*.conf"):
            paths.setdefault(os.path.basename(path), path)
    return [paths[name] for name in sorted(paths)]


def _text(host: Host, path: str) -> str:
    return (host.read(path) or b"").decode(errors="replace")


def _foreign_sockets(service: t.Mapping[str, str]) -> list[str]:
    units = service.get("TriggeredBy", "").split()
    ours = (layout.DOCKER_SOCKET, layout.GANGWAY_SOCKET)
    return [unit for unit in units if unit.endswith(".socket") and unit not in ours]


def _streams(sockets: t.Iterable[t.Mapping[str, str]]) -> tuple[str, ...]:
    """Return the TCP addresses of these socket units."""
    words = [word for shown in sockets for word in shown.get("Listen", "").split()]
    return tuple(word for word in words if not word.startswith(("/", "(", "@")))
