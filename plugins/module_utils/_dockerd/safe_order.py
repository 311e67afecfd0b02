# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which files change, so that dockerd can start at any moment in between: as before, or without the port.

dockerd does not start with C(hosts), or TLS, both in daemon.json and in its flags. So where a change carries them from
the one place to the other, daemon.json goes by way of a text that has neither.
"""

from __future__ import annotations

__all__ = ("in_safe_order",)

import typing as t

from . import layout
from .change import FileChange
from .daemon_json import parse, restore
from .host import Attributes
from .methods.method import Method

#: What lies there for others to use: first to come, last to go.
_USED = (layout.STATE, layout.BUNDLE, *layout.FIREWALL_UNITS)


def in_safe_order(
    changes: t.Sequence[FileChange],
    *,
    before: bytes,
    at_start: bytes,
    settle: FileChange | None,
    old: str,
    new: Method,
) -> tuple[FileChange, ...]:
    """Return the changes in order, daemon.json as it is to be for dockerd's start among them.

    C(before), C(at_start): daemon.json as it is, and for the start; C(settle): what it is to be in the end, where that
    is another text; C(old): the method that is in place.
    """
    used = [c for c in changes if c.path.startswith(_USED)]
    ours = [c for c in changes if c.path.startswith(layout.UNITS) and c not in used]
    config = next((c for c in changes if c.path == layout.DAEMON_JSON), None)
    adopted = [c for c in changes if c not in used and c.path != layout.DAEMON_JSON and not _is_own(c)]
    units = sorted((c for c in ours if c not in adopted), key=lambda c: not c.removes)
    options = [c for c in adopted if c.path.startswith(("/etc/default/", "/etc/sysconfig/", "/etc/conf.d/"))]
    adopted = [c for c in adopted if c not in options]

    attributes = config.attributes if config is not None and config.attributes else Attributes(0o644)
    start: list[FileChange] = []
    if config is not None and settle is None:
        start = [config]
    elif at_start != before:
        start = [FileChange(layout.DAEMON_JSON, at_start, attributes, is_interim=True)]
    without_hosts = _without_hosts(before, at_start, attributes) if (old, new.name) != ("daemon_json",) * 2 else []
    # What is started in dockerd's place loads the rules: they have to be there.
    first = sorted((c for c in used if not c.removes), key=lambda c: c.path == layout.STARTER)
    last = [c for c in used if c.removes]
    switching = bool(adopted or options) or old not in ("", new.name) or new.name == "daemon_json"
    if new.name == "options_file":
        middle = [*(without_hosts if adopted else []), *adopted, *start, *units, *options]
    elif new.sets_flags:
        middle = [*(without_hosts if adopted else []), *adopted, *start, *options, *units]
    elif switching:
        middle = [*without_hosts, *adopted, *options, *units, *start]
    else:
        middle = [*start, *units]
    return (*first, *middle, *last, *([config] if config is not None and settle is not None else []))


def _is_own(change: FileChange) -> bool:
    return change.path in (
        layout.SOCKET_UNIT,
        layout.ACTIVATION_UNIT,
        layout.DROP_IN,
        layout.EXEC_DROP_IN,
    )


def _without_hosts(before: bytes, like: bytes, attributes: Attributes) -> list[FileChange]:
    """daemon.json as it is, but for C(hosts), and with live-restore where the next start has it."""
    settings = parse(before.decode())
    if "hosts" not in settings:
        return []
    raw: dict[str, str | None] = {"hosts": None}
    if parse(like.decode()).get("live-restore") is True:
        raw["live-restore"] = "true"
    return [FileChange(layout.DAEMON_JSON, restore(before.decode(), raw).encode(), attributes, is_interim=True)]
