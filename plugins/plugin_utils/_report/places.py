# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files make dockerd listen, and which set its TLS, by line. Pure.

The only part of the report that knows the reader of dockerd's startup.
"""

from __future__ import annotations

__all__ = ("Place", "Places", "Setting", "find_places")

import re
from dataclasses import dataclass, field

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._plan.host.observation import Observation
from .._plan.startup.command_line import read_startup
from .._plan.startup.daemon_json_hosts import Entry, entries, is_tcp
from .._plan.startup.flags import Token
from .._plan.startup.socket_streams import streams
from .._plan.startup.sources import Source

DEFAULT_SOCKET = "unix:///var/run/docker.sock"
_SCRIPT_OPTIONS = ("/etc/default/docker", "/etc/conf.d/docker")
_OFF = ("0", "f", "false")
_CREDENTIALS = re.compile(r"//[^/\s\"']*@")


@dataclass(frozen=True)
class Place:
    """A listener as a file sets it up. C(kind): tcp, unix, fd or vsock; C(address): as -H or ListenStream= takes it."""

    kind: str
    address: str
    place: str
    written: str


@dataclass(frozen=True)
class Setting:
    """C(hosts) or a TLS setting. C(name): the key in daemon.json, or the flag without dashes."""

    name: str
    place: str
    written: str
    is_key: bool
    #: On, or has a value.
    is_set: bool


@dataclass(frozen=True)
class Places:
    """What the files say. C(problem): why daemon.json can't be read."""

    listeners: tuple[Place, ...]
    settings: tuple[Setting, ...]
    problem: str = ""

    def is_set(self, name: str) -> bool:
        return any(setting.name == name and setting.is_set for setting in self.settings)


@dataclass
class _Found:
    listeners: list[Place] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)


def find_places(observation: Observation) -> Places:
    """Return all listeners and TLS settings in files, those of this collection included."""
    sources, found, problem = _sources(observation), _Found(), ""
    for flag in read_startup(sources).flags:
        first, written = flag.tokens[0], _shown(" ".join(token.written for token in flag.tokens))
        if flag.kind == "host":
            found.listeners.append(_of_host(flag.value, _place_of(first), written))
        else:
            name = first.text.partition("=")[0].lstrip("-")
            found.settings.append(Setting(name, _place_of(first), written, False, flag.value.lower() not in _OFF))
    for stream in streams(sources):
        kind = "tcp" if stream.is_tcp else "vsock" if stream.value.startswith("vsock:") else "unix"
        # systemd ignores anything else: a host name, or a scheme.
        if kind != "unix" or stream.value.startswith(("/", "@")):
            place = stream.source.place(stream.assignment.start)
            found.listeners.append(Place(kind, _shown(stream.value), place, _shown(f"ListenStream={stream.value}")))
    if layout.DAEMON_JSON in observation.files:
        source = Source(layout.DAEMON_JSON, observation.text(layout.DAEMON_JSON), "daemon_json")
        try:
            for entry in entries(source):
                _note(found, source, entry)
        except Failure as exc:
            problem = str(exc)
    return Places(tuple(found.listeners), tuple(found.settings), problem)


def _note(found: _Found, source: Source, entry: Entry) -> None:
    place = source.place(entry.offset)
    value = entry.written if entry.host is not None else entry.written.partition(": ")[2]
    # Only text and booleans: a list or an object could hold anything.
    is_simple = value.startswith('"') or value in ("true", "false")
    written = _shown(entry.written) if is_simple else f'"{entry.key}": ...'
    found.settings.append(Setting(entry.key, place, written, True, value not in ("false", "null", '""')))
    if entry.host is not None:
        found.listeners.append(_of_host(entry.host, place, written))


def _of_host(value: str, place: str, written: str) -> Place:
    value = value.strip()
    scheme, _separator, _rest = value.partition("://")
    kind = "tcp" if is_tcp(value) else scheme if scheme in ("fd", "vsock") else "unix"
    return Place(kind, DEFAULT_SOCKET if value in ("", "unix://") else _shown(value), place, written)


def _shown(text: str) -> str:
    return _CREDENTIALS.sub("//***@", text)[:500]


def _place_of(token: Token) -> str:
    return token.source.place(token.word.start)


def _sources(observation: Observation) -> list[Source]:
    """Return every file that says how dockerd is started, in systemd's order; not daemon.json."""
    units, options = observation.unit_files, observation.environment_files
    if observation.init != "systemd":
        options = _SCRIPT_OPTIONS
    named: list[tuple[str, str]] = [
        *(("drop_in" if index else "unit", path) for index, path in enumerate(units.get(layout.DOCKER_SERVICE, ()))),
        *(("options", path) for path in options),
        *(("socket", path) for unit, paths in units.items() if unit.endswith(".socket") for path in paths),
    ]
    return [Source(path, observation.text(path), kind) for kind, path in named if path in observation.files]
