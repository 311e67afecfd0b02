# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which files change, as seen by a dockerd that may start between any two of them.

dockerd does not start with C(hosts), or TLS, both in daemon.json and in its flags. So if a change carries them from the
one place to the other, daemon.json goes by way of a text that has neither:

- to flags (C(override), C(options_file)): first daemon.json without the keys, then the flags;
- from flags (to C(socket), C(daemon_json)): the flags go first, then daemon.json gets the keys;
- C(hosts) leaves daemon.json before units or flags change;
- what dockerd may need for a start (bundle, guard) comes first and goes last.

When the port closes, what opens it goes before the units that bring the guard: C(hosts) in daemon.json, then our flags
in the options file. A listener of others comes back after both.
"""

from __future__ import annotations

__all__ = ("NEEDED_FOR_A_START", "ConfigTexts", "files_in_order", "removals_in_order", "without_hosts_in")

import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import parse, restore
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .files.change import FileChange
from .host.observation import Attributes
from .methods.method import Method

#: First to come, last to go.
NEEDED_FOR_A_START = (layout.STATE, layout.BUNDLE)
_OPTIONS_FOLDERS = ("/etc/default/", "/etc/sysconfig/", "/etc/conf.d/")
_OUR_UNITS = (
    layout.SOCKET_UNIT,
    layout.GATE_UNIT,
    layout.GATEWAY_UNIT,
    layout.GATEWAY_BOOT,
    layout.DROP_IN,
    layout.EXEC_DROP_IN,
    layout.BOOT_DROP_IN,
)


@dataclass(frozen=True)
class ConfigTexts:
    """daemon.json as it is and as it is when dockerd starts; the method in place (empty: none), and the new one."""

    before: bytes
    at_start: bytes
    old: str
    new: Method


def files_in_order(
    changes: t.Sequence[FileChange], config: ConfigTexts, *, settle: FileChange | None
) -> tuple[FileChange, ...]:
    """Return the changes in order, with daemon.json's texts on the way among them.

    C(settle): daemon.json in the end, if that is another text than the one at the start; it is not returned.
    """
    needed = [c for c in changes if c.path.startswith(NEEDED_FOR_A_START)]
    units = sorted((c for c in changes if c.path in _OUR_UNITS), key=lambda c: not c.removes)
    final = next((c for c in changes if c.path == layout.DAEMON_JSON), None)
    others = [c for c in changes if c not in needed and c not in units and c is not final]
    options = [c for c in others if c.path.startswith(_OPTIONS_FOLDERS)]
    adopted = [c for c in others if c not in options]

    attributes = final.attributes if final is not None and final.attributes else Attributes(0o644)
    start: list[FileChange] = []
    if final is not None and settle is None:
        start = [final]
    elif config.at_start != config.before:
        start = [FileChange(layout.DAEMON_JSON, config.at_start, attributes, is_interim=True)]
    stays = (config.old, config.new.name) == ("daemon_json", "daemon_json")
    without_hosts = [] if stays else [*without_hosts_in(config.before, config.at_start, attributes)]
    first = [c for c in needed if not c.removes]
    last = [c for c in needed if c.removes]
    switching = bool(others) or config.old not in ("", config.new.name) or config.new.name == "daemon_json"
    if config.new.name == "options_file":
        middle = [*(without_hosts if adopted else []), *adopted, *start, *units, *options]
    elif config.new.sets_flags:
        middle = [*(without_hosts if adopted else []), *adopted, *start, *options, *units]
    elif config.new.name == "socket" and config.old in ("", "socket"):
        # The TLS settings of an adopted listener are replaced before a socket unit of ours has a port.
        middle = [*without_hosts, *adopted, *options, *start, *units]
    elif switching:
        middle = [*without_hosts, *adopted, *options, *units, *start]
    else:
        middle = [*start, *units]
    return (*first, *middle, *last)


def removals_in_order(
    changes: t.Iterable[FileChange], *, closing: t.Collection[FileChange], adopted: t.Collection[str]
) -> tuple[FileChange, ...]:
    """Return the changes that close the port, in order.

    C(closing): texts on the way, of files that get another one later. C(adopted): files of a listener of others that
    comes back.
    """

    def place(change: FileChange) -> int:
        if change.path.startswith(NEEDED_FOR_A_START):
            return 5
        if change.path in adopted and change not in closing:
            # Their hosts in daemon.json only fit their units.
            return 4 if change.path == layout.DAEMON_JSON else 3
        if change.path == layout.DAEMON_JSON:
            return 0
        return 2 if change.path in _OUR_UNITS else 1

    return tuple(sorted([*closing, *changes], key=place))


def without_hosts_in(before: bytes, at_start: bytes, attributes: Attributes) -> t.Iterator[FileChange]:
    """Yield daemon.json without C(hosts), if it has that, and with live-restore if dockerd starts with it."""
    text = before.decode()
    if "hosts" in parse(text):
        raw: dict[str, str | None] = {"hosts": None}
        if parse(at_start.decode()).get("live-restore") is True:
            raw["live-restore"] = "true"
        yield FileChange(layout.DAEMON_JSON, restore(text, raw).encode(), attributes, is_interim=True)
