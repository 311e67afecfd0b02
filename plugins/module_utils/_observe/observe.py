# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host: all that a plan is made from, in one go and without changing anything.

The controller decides what it means. The keys are those that plugin_utils/_plan/observation.py reads.
"""

from __future__ import annotations

__all__ = ("observe",)

import importlib.util
import os
import re
import shutil
import sys
import time
import typing as t

from .._host.command import Run
from .._host.engine import read_engine, running_containers
from .._shared import layout
from .._shared.failure import Failure
from . import scripts, systemd
from .answers import answers, ask_ports
from .connection import ansible_connection
from .engine_socket import EngineSocket
from .files import Files
from .filtering import filtering
from .firewalls import read_firewalls
from .interfaces import addresses, interface_names, resolve
from .listening import Socket, listening
from .side_by_side import Questions

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TOOLS = ("nft", "openssl", "firewall-cmd", "ufw", "haproxy")
#: For all that dockerd is asked, together.
_TIMEOUT = 5.0
_DELETED = " (deleted)"
#: Read only by digest: they hold a key, or are programs that the controller knows.
_DIGEST_ONLY = (layout.KEY, layout.JOURNAL)
_OUR_FILES = (
    layout.SOCKET_UNIT,
    layout.GATE_UNIT,
    layout.DROP_IN,
    layout.EXEC_DROP_IN,
    layout.BOOT_DROP_IN,
    layout.CA,
    layout.CERTIFICATE,
    layout.KEY,
    layout.GOOD_COPY,
    layout.GATE,
    layout.GATE_RECORD,
    layout.CA_DIGEST,
    layout.ORIGINALS,
    layout.JOURNAL,
    layout.TRUST,
    layout.CRL,
    layout.GATEWAY_UNIT,
    layout.GATEWAY_BOOT,
    layout.GATEWAY_CONFIGURATION,
    layout.GATEWAY_CLIENTS,
    layout.GATEWAY_DIGESTS,
    layout.LISTENER_FLAGS,
    layout.LISTENER_FLAGS_IN_FORCE,
    layout.DOCKERD_WRAPPER,
    layout.FLAGS_WRAPPER,
    layout.FIREWALL_RULES,
    layout.FIREWALL_SCRIPT,
    *layout.FIREWALL_UNITS,
    layout.FIREWALLD_POLICY,
    layout.FILTERING_SEEN,
)


def observe(run: Run, params: t.Mapping[str, t.Any], *, check_mode: bool = False, root: str = "") -> dict[str, t.Any]:
    """Return the raw observation. C(params): the module's. C(root): set by tests only.

    Failures: C(not_root), and with C(key) those of M(make_request_for).
    """
    if os.geteuid() != 0:
        raise Failure(
            "not_root",
            thing="dockerd_info",
            reason=f"it reads files that only root can read, and runs as uid {os.geteuid()}",
            cure="Set become: true",
        )
    return _Observation(run, params, Files(root)).read(check_mode=check_mode)


class _Observation:
    def __init__(self, run: Run, params: t.Mapping[str, t.Any], files: Files) -> None:
        self._run = run
        self._params = params
        self._files = files
        self._init = "systemd" if files.is_folder("/run/systemd/system") else "sysvinit"
        if self._init == "sysvinit" and files.is_folder("/run/openrc"):
            self._init = "openrc"

    def read(self, *, check_mode: bool) -> dict[str, t.Any]:
        files, is_systemd = self._files, self._init == "systemd"
        units = systemd.show_units(self._run) if is_systemd else systemd.Units()
        unit_files = systemd.unit_files(files, units)
        service_files = unit_files.get(layout.DOCKER_SERVICE, [])
        environment_files = systemd.environment_files(files, units, service_files)
        pid = self._pid(units)
        runs = units.get(layout.DOCKER_SERVICE, "ActiveState") == "active" if is_systemd else pid != 0
        sockets = listening(files, pid, systemd=is_systemd, ports=self._params.get("ports") or ())
        gateway = int(units.get(layout.GATEWAY_SERVICE, "MainPID") or 0)
        places = self._places(
            sockets, pid if runs else 0, units.get(layout.GANGWAY_SOCKET, "Listen") if gateway else ""
        )
        names = interface_names()

        questions = Questions(_TIMEOUT)
        if runs:
            # Asking a dockerd that is down would start it, by its socket unit.
            questions.ask("engine", _engine)
        socket = EngineSocket(files, units, questions, self._params.get("socket"))
        ask_ports(questions, places)
        looked_up = [name for name in self._params.get("resolve") or () if name.lower() not in _lower(names)]
        for name in looked_up:
            questions.ask(("resolve", name), resolve, name)

        options = environment_files if is_systemd else [scripts.options_file(files, self._init)]
        read = [*(path for paths in unit_files.values() for path in paths), *options]
        observation = {
            "time": time.time(),
            "init": self._init,
            "python": _python(files),
            "units": {unit: dict(shown) for unit, shown in units.shown.items()},
            "systemd_error": units.error,
            "unit_files": unit_files,
            "environment_files": environment_files,
            "files": self._described([*read, *(() if is_systemd else (scripts.SCRIPT,))]),
            "folders": self._folders(options),
            "writable": self._writable(),
            "dockerd": self._dockerd(pid),
            "programs": systemd.programs(files, service_files),
            "listening": [entry.as_data() for entry in sockets],
            "interfaces": sorted(names.values()),
            "addresses": addresses(names),
            "connection": ansible_connection(files),
            "tools": self._tools(),
            **read_firewalls(
                files,
                self._run,
                nft=self._params.get("firewall") == "nftables",
                firewalld=self._params.get("firewall") == "firewalld",
                ufw=self._params.get("firewall") == "ufw",
            ),
            **filtering(files, self._run, self._init, try_it=bool(self._params.get("filtering"))),
            "interrupted": files.exists(layout.JOURNAL),
            "recovered": files.mapping(layout.RECOVERED),
            "installations": {
                "snap": files.is_folder("/snap/docker"),
                "rootless": files.find("/run/user/*/docker.sock"),
            },
        }
        engine = questions.answer("engine") if runs else None
        observation["engine"] = engine if isinstance(engine, dict) else None
        observation["socket"] = socket.described()
        observation["answers"] = answers(questions, places)
        observation["resolved"] = resolved = {}
        for name in looked_up:
            found = questions.answer(("resolve", name))
            resolved[name] = found if isinstance(found, dict) else {"error": str(found)}
        observation["request"] = None if check_mode else self._request(observation)
        return observation

    def _pid(self, units: systemd.Units) -> int:
        if units.get(layout.DOCKER_SERVICE, "LoadState") == "loaded":
            return int(units.get(layout.DOCKER_SERVICE, "MainPID") or 0)
        # With systemd: started by something else, a snap for one. Its socket may be systemd's: do not connect to it.
        return scripts.main_pid(self._files, connect=self._init != "systemd")

    def _places(self, sockets: t.Iterable[Socket], pid: int, gateway: str) -> list[tuple[str, int]]:
        """C(gateway): what HAProxy listens on, by systemd."""
        found = [(entry.address, entry.port) for entry in sockets if pid and entry.pid == pid]
        probe = (self._params.get("probe") or ()) if pid else ()
        for text in (*probe, *re.findall(r"(\S+:\d+) \(Stream\)", gateway)):
            address, _colon, port = text.rpartition(":")
            found.append((address.strip("[]"), int(port)))
        return list(dict.fromkeys(found))

    def _dockerd(self, pid: int) -> dict[str, t.Any]:
        words = self._files.text(f"/proc/{pid}/cmdline").encode(errors="surrogateescape") if pid else b""
        program = self._files.target(f"/proc/{pid}/exe") if pid else ""
        # An upgrade has replaced it.
        program = program[: -len(_DELETED)] if program.endswith(_DELETED) else program
        program = program or self._which("dockerd") or ""
        return {
            "pid": pid,
            "command_line": [word.decode(errors="replace") for word in words.split(b"\0")[:-1]],
            "program": program,
            "exists": bool(program) and self._files.exists(program),
        }

    def _described(self, paths: t.Iterable[str]) -> dict[str, t.Any]:
        files = self._files
        guard = files.find(f"{layout.GUARD}/*")
        originals = files.mapping(layout.ORIGINALS) or {}
        others = originals.get("files")
        kept = [path for path in others if isinstance(path, str)] if isinstance(others, dict) else []
        backups = [f"{path}{layout.BACKUP_SUFFIX}" for path in kept]
        every = dict.fromkeys([*paths, layout.DAEMON_JSON, *_OUR_FILES, *guard, *kept, *backups])
        described = {path: files.describe(path, digest_only=path in _DIGEST_ONLY or path in guard) for path in every}
        return {path: entry for path, entry in described.items() if entry is not None}

    def _folders(self, options: t.Iterable[str]) -> dict[str, list[int] | None]:
        paths = [*layout.FOLDERS]
        others = (layout.DAEMON_JSON, layout.DROP_IN, layout.BOOT_DROP_IN, layout.GATEWAY_BOOT, *options)
        paths += map(os.path.dirname, others)
        return {path: self._files.folder(path) for path in dict.fromkeys(paths)}

    def _writable(self) -> dict[str, bool]:
        paths = [layout.BUNDLE, layout.STATE, *([layout.UNITS] if self._init == "systemd" else [])]
        return {path: self._files.is_writable(path) for path in paths}

    def _tools(self) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {tool: self._which(tool) for tool in _TOOLS}
        # Found, not imported: that would take longer than all else.
        found["cryptography"] = importlib.util.find_spec("cryptography") is not None
        return found

    def _which(self, program: str) -> str | None:
        return shutil.which(program, path=":".join(map(self._files.real, _PATH.split(":"))))

    def _request(self, observation: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        key = self._params.get("key")
        if not key:
            return None
        in_place = self._files.exists(layout.KEY) and self._files.exists(layout.CERTIFICATE)
        if in_place and not key.get("new") and not key.get("csr"):
            return None
        # Here, since it imports python3-cryptography, which takes longer than all else.
        from .request import make_request_for

        openssl = observation["tools"]["openssl"]
        return make_request_for(self._run, openssl, key, list(key.get("names") or ()), in_place=in_place)


def _engine() -> dict[str, t.Any] | None:
    state = read_engine()
    if state is None:
        return None
    names = sorted(name for name, _started in running_containers().values()) if state.swarm else None
    return {"version": state.version, "live_restore": state.live_restore, "swarm": state.swarm, "containers": names}


def _lower(names: t.Mapping[int, str]) -> set[str]:
    """Names are read as host names are, without regard to case (some have capitals: enP2p1s0)."""
    return {name.lower() for name in names.values()}


def _python(files: Files) -> str:
    """The guard outlives this Python's minor version, so it goes by the name that upgrades keep, unless that is older.

    EL 8 and SUSE 15 have 3.6 by that name, and newer ones beside it.
    """
    name = "/usr/bin/python3"
    minor = re.fullmatch(r"python3\.(\d+)", os.path.basename(os.path.realpath(files.real(name))))
    is_fit = os.access(files.real(name), os.X_OK) and (minor is None or int(minor.group(1)) >= 9)
    return name if is_fit else sys.executable
