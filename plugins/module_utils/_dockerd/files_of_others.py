# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of the files of others: daemon.json, the options file, those of a listener that was there before."""

from __future__ import annotations

__all__ = ("attributes_of", "changes_of_others", "daemon_json_texts", "remembered", "what_was")

import typing as t

from . import layout
from .asked import Asked
from .change import FileChange
from .daemon_json import merge, parse, raw_values, restore
from .host import Attributes
from .methods.method import Rendered
from .observe import Observed, text_of
from .options_block import block_of, with_block, without_block
from .what_was import OUR_KEYS, Kept, WhatWas


def remembered(observed: Observed) -> WhatWas:
    """Return what the host was before its first exposure; of a host that is not exposed, nothing."""
    content = observed.content(layout.WHAT_WAS)
    if content is not None:
        return WhatWas.read(content)
    # Somebody has removed it; how the host is exposed can be seen.
    options = None if observed.options is None else observed.options.path
    current = observed.content(options) if options else None
    if options and current is not None and block_of(current):
        users = without_block(current), attributes_of(observed, options)
        return WhatWas(_method_by_daemon_json(observed) or "options_file", {options: Kept.of(users, current)})
    if layout.SOCKET_UNIT in observed.files:
        return WhatWas("socket")
    if layout.LISTENER in observed.files:
        return WhatWas("override")
    return WhatWas(_method_by_daemon_json(observed) if layout.EXEC_DROP_IN in observed.files else "")


def _method_by_daemon_json(observed: Observed) -> str:
    """Tell by its hosts whether a host with something of ours is exposed by method daemon_json."""
    hosts = parse(text_of(observed.content(layout.DAEMON_JSON), layout.DAEMON_JSON)).get("hosts")
    return "daemon_json" if isinstance(hosts, list) and any(str(host).startswith("tcp:") for host in hosts) else ""


def daemon_json_texts(
    observed: Observed, memory: WhatWas, asked: Asked, rendered: Rendered, can_live_restore: bool
) -> tuple[bytes, bytes]:
    """Return daemon.json as it is to be in the end, and for a start, when live-restore has to be in it."""
    text = text_of(observed.content(layout.DAEMON_JSON), layout.DAEMON_JSON)
    settings = dict(rendered.settings)
    if can_live_restore and asked.live_restore:
        settings["live-restore"] = True
    before = memory.files[layout.DAEMON_JSON].original if layout.DAEMON_JSON in memory.files else text.encode()
    # Of these keys, those that were there before us stay away as long as we are here.
    others: dict[str, str | None] = {key: None for key in OUR_KEYS if key not in settings}
    if "live-restore" in others:
        others["live-restore"] = raw_values((before or b"").decode(), ["live-restore"])["live-restore"]
    has_others = any(key in parse(text) for key in others)
    final = merge(restore(text, others) if has_others else text, settings) if settings or has_others else text
    at_start = merge(final, {"live-restore": True}) if can_live_restore else final
    return final.encode(), at_start.encode()


def changes_of_others(
    observed: Observed, memory: WhatWas, rendered: Rendered, adopted: t.Mapping[str, str | None]
) -> list[FileChange]:
    """Our block goes into the options file, and out of one that it is not to be in; an existing listener goes.

    The files that had that listener, as they were, stay beside.
    """
    changes: dict[str, FileChange] = {}
    for path in memory.files:
        current = observed.content(path)
        if path != layout.DAEMON_JSON and current is not None and block_of(current):
            undone = memory.undo(path, current)
            changes[path] = FileChange(path, undone, None if undone is None else memory.files[path].attributes)
    for path, text in adopted.items():
        attributes = attributes_of(observed, path)
        changes[f"{path}{layout.BESIDE}"] = FileChange(f"{path}{layout.BESIDE}", observed.content(path), attributes)
        if path != layout.DAEMON_JSON:
            content = None if text is None else text.encode("utf-8", "surrogateescape")
            changes[path] = FileChange(path, content, None if text is None else attributes)
    if rendered.block is not None and observed.options is not None:
        target = observed.options.path
        users = changes[target].content if target in adopted else observed.content(target)
        changes[target] = FileChange(target, with_block(users or b"", rendered.block), attributes_of(observed, target))
    return list(changes.values())


def what_was(observed: Observed, memory: WhatWas, asked: Asked, changes: t.Sequence[FileChange]) -> WhatWas:
    """Return what is to be remembered: others' files as they were; of those that are as they were again, nothing.

    C(changes): those of others' files only.
    """
    files = dict(memory.files)
    for change in changes:
        if change.path in memory.files:
            # The user's edits since then are part of what withdrawing has to leave behind.
            earlier = memory.undo(change.path, observed.content(change.path))
            attributes = memory.files[change.path].attributes
            before = None if earlier is None else (earlier, attributes)
        else:
            before = observed.files.get(change.path)
        files[change.path] = Kept.of(before, change.content)
        if (before[0] if before else None) == change.content:
            del files[change.path]
    folders = memory.folders if memory.method else observed.missing_folders
    adopted = (*memory.adopted, *(path for path in asked.adopted or {} if path not in memory.adopted))
    sockets = memory.sockets or asked.sockets_to_restart
    return WhatWas(asked.method.name, files, folders, adopted, is_tls=asked.tls is not None, sockets=sockets)


def attributes_of(observed: Observed, path: str) -> Attributes:
    """Return what the file has now; of one that is yet to be made, what it is to have."""
    return observed.files[path][1] if path in observed.files else Attributes(0o644)
