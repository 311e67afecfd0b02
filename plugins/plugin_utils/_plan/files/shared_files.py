# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that we share with others: daemon.json, the options file, the files of an adopted listener."""

from __future__ import annotations

__all__ = ("changes_of_shared_files", "daemon_json_texts", "new_originals", "read_originals")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import merge, parse, raw_values, restore
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import (
    block_of,
    with_block,
    without_block,
)

from ..desired import Desired
from ..host.observation import Attributes, File
from ..host.observed import Observed
from ..methods.method import Rendered
from .change import FileChange
from .originals import Original, Originals


def read_originals(observed: Observed) -> Originals:
    """Return the originals that the host keeps; none for a host that is not exposed."""
    content = observed.content(layout.ORIGINALS)
    if content is not None:
        return Originals.read(content)
    # Somebody removed the file. How the host is exposed shows.
    options = None if observed.options is None else observed.options.path
    current = observed.content(options) if options else None
    if options and current is not None and block_of(current):
        users = without_block(current), observed.attributes(options)
        return Originals(_method_by_daemon_json(observed) or "options_file", {options: Original.of(users, current)})
    if layout.GATEWAY_UNIT in observed.files:
        return Originals("gateway")
    if layout.SOCKET_UNIT in observed.files:
        return Originals("socket")
    if layout.LISTENER_FLAGS in observed.files:
        return Originals("override")
    return Originals(_method_by_daemon_json(observed) if layout.EXEC_DROP_IN in observed.files else "")


def _method_by_daemon_json(observed: Observed) -> str:
    """Tell by its hosts whether a host with something of ours is exposed by method daemon_json."""
    hosts = parse(observed.daemon_json()).get("hosts")
    return "daemon_json" if isinstance(hosts, list) and any(str(host).startswith("tcp:") for host in hosts) else ""


def daemon_json_texts(
    observed: Observed, originals: Originals, desired: Desired, rendered: Rendered, can_live_restore: bool
) -> tuple[bytes, bytes]:
    """Return daemon.json as it is to be in the end, and for a start, when live-restore has to be in it."""
    text = observed.daemon_json()
    settings = dict(rendered.settings)
    if can_live_restore and desired.live_restore:
        settings["live-restore"] = True
    before = originals.original_of(layout.DAEMON_JSON) if layout.DAEMON_JSON in originals.files else text.encode()
    # Of these keys, those that were there before us stay away as long as we are here.
    others: dict[str, str | None] = {key: None for key in layout.OUR_KEYS if key not in settings}
    if "live-restore" in others:
        others["live-restore"] = raw_values((before or b"").decode(), ["live-restore"])["live-restore"]
    has_others = any(key in parse(text) for key in others)
    final = merge(restore(text, others) if has_others else text, settings) if settings or has_others else text
    at_start = merge(final, {"live-restore": True}) if can_live_restore else final
    return final.encode(), at_start.encode()


def changes_of_shared_files(
    observed: Observed, originals: Originals, rendered: Rendered, adopted: t.Mapping[str, str | None]
) -> list[FileChange]:
    """Our block goes into the options file, and out of one that it is not to be in; an existing listener goes.

    The files that had that listener, as they were, stay beside.
    """
    changes: dict[str, FileChange] = {}
    for path in originals.files:
        current = observed.content(path)
        if path != layout.DAEMON_JSON and current is not None and block_of(current):
            undone = originals.undo(path, current)
            changes[path] = FileChange(path, undone, None if undone is None else originals.files[path].attributes)
    for path, text in adopted.items():
        attributes = observed.attributes(path)
        changes[f"{path}{layout.BACKUP_SUFFIX}"] = FileChange(
            f"{path}{layout.BACKUP_SUFFIX}", observed.content(path), attributes
        )
        if path != layout.DAEMON_JSON:
            content = None if text is None else text.encode("utf-8", "surrogateescape")
            changes[path] = FileChange(path, content, None if text is None else attributes)
    if rendered.block is not None and observed.options is not None:
        target = observed.options.path
        users = changes[target].content if target in adopted else observed.content(target)
        changes[target] = FileChange(target, with_block(users or b"", rendered.block), observed.attributes(target))
    return list(changes.values())


def new_originals(
    observed: Observed, originals: Originals, desired: Desired, changes: t.Sequence[FileChange]
) -> Originals:
    """Return what is to be remembered: others' files as they were; of those that are as they were again, nothing.

    C(changes): those of others' files only.
    """
    files = dict(originals.files)
    for change in changes:
        if change.path in originals.files:
            # The user's edits since then are part of what withdrawing has to leave behind.
            earlier = originals.undo(change.path, observed.content(change.path))
            attributes = originals.files[change.path].attributes
            before = None if earlier is None else (earlier, attributes)
        else:
            before = _as_pair(observed.files.get(change.path))
        files[change.path] = Original.of(before, change.content)
        if (before[0] if before else None) == change.content:
            del files[change.path]
    folders = originals.folders if originals.method else observed.missing_folders
    overridden = [source.path for source in observed.sources if source.kind == "unit" and observed.replaces_exec_start]
    adopted = tuple(dict.fromkeys([*originals.adopted, *desired.adopted, *overridden]))
    sockets = originals.sockets or desired.sockets_to_restart
    return Originals(
        desired.method.name, files, folders, adopted, is_tls=desired.server_files is not None, sockets=sockets
    )


def _as_pair(file: File | None) -> tuple[bytes, Attributes] | None:
    return None if file is None or file.content is None else (file.content, file.attributes)
