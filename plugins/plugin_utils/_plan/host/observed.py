# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a host's dockerd is started and what it listens on: what a plan is made from, derived from the observation."""

from __future__ import annotations

__all__ = ("Observed", "decoded", "understand")

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.dockerd_flags import DaemonFlags, daemon_flags
from ansible_collections.gangway.docker.plugins.module_utils._guard.slices import slices_above
from ansible_collections.gangway.docker.plugins.module_utils._guard.socket_filter import networks_of
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import block_of, without_block

from ..startup.options_file import OptionsFile
from ..startup.script import script_startup
from ..startup.sources import Source
from ..startup.startup import Startup, exec_start_line, startup_of, words_of
from .observation import Attributes, EngineState, File, Observation

_OUR_DROP_INS = (layout.DROP_IN, layout.EXEC_DROP_IN, layout.BOOT_DROP_IN)
SCRIPT = "/etc/init.d/docker"
_OPTIONS_FILES = {"sysvinit": "/etc/default/docker", "openrc": "/etc/conf.d/docker"}


@dataclass(frozen=True)
class Observed:
    """C(flags), C(exec_start) and C(sources) are without what we added."""

    observation: Observation
    #: The files of others that say how dockerd is started, in the order in which they are read; not daemon.json.
    sources: tuple[Source, ...]
    flags: DaemonFlags
    #: ExecStart as it is written.
    exec_start: str
    #: The ExecStart in force, ours included.
    exec_start_in_force: str
    #: The file that the package keeps for dockerd's options.
    options: OptionsFile | None
    #: The hosts that the running dockerd was started with, without ours.
    running_hosts: tuple[str, ...]
    #: TCP addresses of socket units of others that hand dockerd a port.
    foreign_streams: tuple[str, ...]
    #: Our drop-in has to set ExecStart: a listener in a package's file is adopted, and that file stays.
    replaces_exec_start: bool = False

    @property
    def init(self) -> str:
        return self.observation.init

    @property
    def has_systemd(self) -> bool:
        return self.init == "systemd"

    @property
    def files(self) -> t.Mapping[str, File]:
        return self.observation.files

    @property
    def engine(self) -> EngineState | None:
        return self.observation.engine

    @property
    def is_running(self) -> bool:
        """Whether dockerd runs."""
        return self.observation.is_active(layout.DOCKER_SERVICE) if self.has_systemd else self.observation.pid != 0

    @property
    def pid(self) -> int:
        """The process of the dockerd that the init system starts; 0: it does not run. A snap's is another."""
        is_ours = not self.has_systemd or self.observation.unit(layout.DOCKER_SERVICE).get("LoadState") == "loaded"
        return self.observation.pid if is_ours else 0

    @property
    def is_socket_active(self) -> bool:
        """Whether our socket unit listens."""
        return self.observation.is_active(layout.GANGWAY_SOCKET)

    @property
    def exec_start_pre(self) -> str:
        return self.observation.unit(layout.DOCKER_SERVICE).get("ExecStartPre", "")

    @property
    def slices_allow(self) -> str:
        """Networks that a slice above our socket unit allows: IPAddressDeny= below it can't forbid them."""
        above = slices_above(self.observation.unit(layout.GANGWAY_SOCKET).get("Slice") or "system.slice")
        return " ".join(self.observation.unit(unit).get("IPAddressAllow", "") for unit in above).strip()

    @property
    def socket_allows(self) -> frozenset[t.Any]:
        """The networks that our socket unit lets through at the moment."""
        return networks_of(self.observation.unit(layout.GANGWAY_SOCKET).get("IPAddressAllow", ""))

    @property
    def active_sockets(self) -> tuple[str, ...]:
        """Socket units of others that hand dockerd something and are active; docker.socket is not among them."""
        return tuple(unit for unit in _foreign_sockets(self.observation) if self.observation.is_active(unit))

    @property
    def missing_folders(self) -> tuple[str, ...]:
        """Folders of the system that our files go into and that do not exist."""
        others = [layout.DROP_IN, layout.BOOT_DROP_IN, layout.GATEWAY_BOOT]
        if not self.has_systemd and self.options is not None:
            others = [self.options.path]
        folders = dict.fromkeys(map(os.path.dirname, (layout.DAEMON_JSON, *others)))
        return tuple(folder for folder in folders if self.observation.folders.get(folder) is None)

    @property
    def loose_folders(self) -> tuple[str, ...]:
        """Our folders whose mode or owner is not what it should be."""
        folders = self.observation.folders
        return tuple(f for f, mode in layout.FOLDERS.items() if folders.get(f) not in (None, Attributes(mode)))

    def content(self, path: str) -> bytes | None:
        return self.observation.content(path)

    def attributes(self, path: str) -> Attributes:
        """Return owner and mode of the file; of one that does not exist, what it gets."""
        return self.files[path].attributes if path in self.files else Attributes(0o644)

    def daemon_json(self) -> str:
        """Return the text of daemon.json. Failure: C(daemon_json_malformed)."""
        return decoded(self.content(layout.DAEMON_JSON), layout.DAEMON_JSON)


def understand(observation: Observation) -> Observed:
    """Derive how dockerd is started."""
    if observation.init != "systemd":
        options, flags, source = _script(observation)
        startup, in_force = Startup(flags, "", options), ""
        sources: tuple[Source, ...] = (source,)
    else:
        sources = _sources(observation)
        startup = startup_of(sources)
        files = observation.unit_files.get(layout.DOCKER_SERVICE, ())
        in_force = exec_start_line("\n".join(observation.text(path) for path in files))
    sockets = [layout.DOCKER_SOCKET, *_foreign_sockets(observation)]
    return Observed(
        observation=observation,
        sources=sources,
        flags=startup.flags,
        exec_start=startup.exec_start,
        exec_start_in_force=in_force,
        options=startup.options,
        running_hosts=_running_hosts(observation, startup.options),
        foreign_streams=_streams(observation.unit(unit) for unit in sockets),
    )


def decoded(content: bytes | None, path: str) -> str:
    """Decode a file that has to be UTF-8. Failure: C(daemon_json_malformed)."""
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as exc:
        raise Failure(
            "daemon_json_malformed", thing=path, reason=f"it is not UTF-8 ({exc})", cure="Correct the file"
        ) from exc


def _sources(observation: Observation) -> tuple[Source, ...]:
    files = observation.unit_files
    service = files.get(layout.DOCKER_SERVICE, ())
    named = [
        *(("unit" if index == 0 else "drop_in", path) for index, path in enumerate(service)),
        *(("options", path) for path in observation.environment_files),
        *(("socket", path) for path in files.get(layout.DOCKER_SOCKET, ())),
        *(("socket", path) for unit in _foreign_sockets(observation) for path in files.get(unit, ())),
    ]
    return tuple(
        _source(observation, path, kind)
        for kind, path in named
        if path not in (*_OUR_DROP_INS, layout.LISTENER_FLAGS_IN_FORCE)
        and (path in observation.files or kind == "options")
    )


def _source(observation: Observation, path: str, kind: str) -> Source:
    text = without_block(observation.content(path) or b"").decode("utf-8", "surrogateescape")
    return Source(path=path, text=text, kind=kind)


def _script(observation: Observation) -> tuple[OptionsFile | None, DaemonFlags, Source]:
    script = observation.text(SCRIPT)
    path = _OPTIONS_FILES[observation.init]
    # OpenRC runs scripts of sysvinit, too; these read the file that Debian has.
    if observation.init == "openrc" and "openrc-run" not in script.partition("\n")[0]:
        path = _OPTIONS_FILES["sysvinit"]
    source = _source(observation, path, "options")
    options, flags = script_startup(script, source, observation.program)
    return options, flags, source


def _running_hosts(observation: Observation, options: OptionsFile | None) -> tuple[str, ...]:
    """Return the hosts that dockerd was really started with, whatever the files say by now; not ours."""
    block = b"" if options is None else block_of(observation.content(options.path) or b"")
    kept = (layout.LISTENER_FLAGS, layout.LISTENER_FLAGS_IN_FORCE, layout.FLAGS_WRAPPER)
    own = [observation.text(path) for path in kept]
    # Ours have no quotes within; those around them, or in comments, would hide them.
    text = " ".join([*own, block.decode("utf-8", "surrogateescape")]).translate({ord('"'): " ", ord("'"): " "})
    ours = daemon_flags(words_of(text), {}).hosts
    return tuple(found for found in daemon_flags(observation.command_line, {}).hosts if found not in ours)


def _foreign_sockets(observation: Observation) -> list[str]:
    units = observation.unit(layout.DOCKER_SERVICE).get("TriggeredBy", "").split()
    ours = (layout.DOCKER_SOCKET, layout.GANGWAY_SOCKET)
    return [unit for unit in units if unit.endswith(".socket") and unit not in ours]


def _streams(sockets: t.Iterable[t.Mapping[str, str]]) -> tuple[str, ...]:
    """Return the TCP addresses of these socket units."""
    words = [word for shown in sockets for word in shown.get("Listen", "").split()]
    return tuple(word for word in words if not word.startswith(("/", "(", "@", "vsock:")))
