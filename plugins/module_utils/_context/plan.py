# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change in the context store and in config.json. Pure."""

from __future__ import annotations

__all__ = ("Plan", "State", "plan_change")

import typing as t
from dataclasses import dataclass

from .._account.changes import (
    PRIVATE,
    Changes,
    There,
    Wanted,
    diff_entries,
    differs,
    folders_above,
    loose_folders,
    missing_folders,
)
from .._shared.failure import Failure
from .archive import pack, unpack
from .config_json import current_context, with_current_context
from .names import DEFAULT
from .store import Context, ContextFolder, render_meta
from .task import ContextTask


@dataclass(frozen=True)
class State:
    """What is there. C(config_json): the file itself, where config.json is a link."""

    there: There
    config_json: str
    #: None: no such context, or one whose meta.json can't be read.
    context: t.Optional[Context]
    owner: tuple[int, int]

    def content(self, path: str) -> bytes | None:
        found = self.there.get(path)
        return None if found is None else found.content

    @property
    def current(self) -> str:
        return current_context(self.content(self.config_json)) or DEFAULT


@dataclass(frozen=True)
class Plan(Changes):
    """The changes, C(remove_folders) with all that is in them."""

    #: The context afterwards, and whether it is the current one.
    context: t.Optional[Context] = None
    is_current: bool = False


def plan_change(task: ContextTask, state: State) -> Plan:
    """Return how to come from what is there to what C(task.change) makes of it.

    Failures: C(context_in_use), C(context_missing), C(config_json_unreadable), C(export_taken), C(not_a_folder),
    C(folder_unsafe).
    """
    folder, context = ContextFolder(task.config), task.change(state.context)
    wanted = {} if context is None else _wanted_files(folder, task, context, state)
    remove_folders = _surplus_folders(folder, task.name, context, state.there)
    remove = [] if context is None else _surplus_files(folder, task.name, context, state.there)
    is_current = _is_current(task, state, is_there=context is not None or task.name == DEFAULT)
    config_json = _config_json(task, state, is_current=is_current)
    everything = {**wanted, **config_json}
    write = {path: file for path, file in everything.items() if differs(state.there.get(path), file, state.owner)}
    folders = folders_above(write)
    inside = [each for each in folders_above(wanted) if f"{each}/".startswith(f"{task.config}/")]
    gone = [path for top in remove_folders for path in state.there if path.startswith(f"{top}/")]
    files = [path for path in (*remove, *gone) if state.there[path].kind != "folder"]
    return Plan(
        make_folders=tuple(missing_folders(folders, state.there, task.option)),
        close_folders=tuple(loose_folders(inside, state.there, state.owner, task.option)),
        write=write,
        remove=tuple(remove),
        remove_folders=tuple(remove_folders),
        diff=tuple(_diff(task, state, write, files, is_current=is_current)),
        context=context,
        is_current=is_current,
    )


def _wanted_files(folder: ContextFolder, task: ContextTask, context: Context, state: State) -> dict[str, Wanted]:
    """Return the context's files. Its meta.json comes last: the CLI knows no context before that is there."""
    files = {
        f"{folder.tls(task.name, endpoint)}/{file}": Wanted(content, PRIVATE)
        for endpoint, contents in context.tls.items()
        for file, content in contents.items()
    }
    path = folder.meta(task.name)
    there, before = state.there.get(path), state.context
    if before is not None and there is not None and _same_meta(before, context):
        # However it is written.
        files[path] = Wanted(there.content, there.mode)
    else:
        files[path] = Wanted(render_meta(task.name, context))
    if task.export_to is not None:
        files[task.export_to] = Wanted(_archive(task.export_to, task.name, context, state), PRIVATE)
    return files


def _same_meta(before: Context, after: Context) -> bool:
    return (before.metadata, before.endpoints) == (after.metadata, after.endpoints)


def _archive(path: str, name: str, context: Context, state: State) -> bytes | None:
    """Return the exported context; one that the CLI wrote stays as it is."""
    found = state.there.get(path)
    if found is not None:
        try:
            there = unpack(found.content or b"", path)
        except Failure as exc:
            raise Failure(
                "export_taken",
                thing=path,
                reason="there is something else than an exported context, which would be overwritten",
                cure="Choose another path, or move it away",
            ) from exc
        if there == context:
            return found.content
    if any(content is None for files in context.tls.values() for content in files.values()):
        return None
    return pack(name, context)


def _surplus_folders(folder: ContextFolder, name: str, context: Context | None, there: There) -> list[str]:
    if name == DEFAULT:
        return []
    if context is None:
        # First what makes it a context to the CLI.
        return [path for path in (folder.meta_folder(name), folder.tls_folder(name)) if path in there]
    if not context.tls:
        return [path for path in (folder.tls_folder(name),) if path in there]
    kept = [folder.tls(name, endpoint) for endpoint in context.tls]
    found = there.get(folder.tls_folder(name))
    entries = () if found is None else sorted(found.entries)
    paths = [f"{folder.tls_folder(name)}/{entry}" for entry in entries]
    return [path for path in paths if path not in kept and there[path].kind == "folder"]


def _surplus_files(folder: ContextFolder, name: str, context: Context, there: There) -> list[str]:
    """Return files of endpoints that stay: the CLI would use them, too."""
    surplus = []
    for endpoint, files in context.tls.items():
        found = there.get(folder.tls(name, endpoint))
        for entry in () if found is None else sorted(found.entries - set(files)):
            surplus.append(f"{folder.tls(name, endpoint)}/{entry}")
    return [path for path in surplus if path in there and there[path].kind != "folder"]


def _is_current(task: ContextTask, state: State, *, is_there: bool) -> bool:
    """Return whether it is the current context afterwards. Failures: C(context_in_use), C(context_missing)."""
    was_current = state.current == task.name
    if is_there:
        return was_current if task.current is None else task.current
    if was_current and not task.force and state.context is not None:
        raise Failure(
            "context_in_use",
            thing=f"docker context {task.name!r}",
            reason="it is the current one, and the docker command would use the default instead",
            cure="Make another one the current context first, or set force: true",
        )
    return False


def _config_json(task: ContextTask, state: State, *, is_current: bool) -> dict[str, Wanted]:
    was_current = state.current == task.name
    if is_current == was_current:
        return {}
    name = task.name if is_current and task.name != DEFAULT else None
    found = state.there.get(state.config_json)
    content = with_current_context(state.content(state.config_json), name, state.config_json)
    return {state.config_json: Wanted(content, PRIVATE if found is None else found.mode)}


def _diff(
    task: ContextTask, state: State, write: t.Mapping[str, Wanted], remove: t.Sequence[str], *, is_current: bool
) -> t.Iterator[dict[str, str]]:
    """Yield what is not secret: config.json has logins of registries, so it shows as the current context alone."""
    for path, wanted in {**write, **dict.fromkeys(remove)}.items():
        if path == state.config_json:
            before, after = state.current, (task.name if is_current else DEFAULT)
            yield _entry(path, f"currentContext: {before}\n", f"currentContext: {after}\n")
        elif path == task.export_to:
            kind = f"the docker context {task.name}, exported\n"
            yield _entry(path, kind.replace("exported", "exported before") if path in state.there else "", kind)
        else:
            unknown = task.contents_unknown and wanted is not None and path.endswith(".pem")
            shown = Wanted(None, wanted.mode) if unknown and wanted is not None else wanted
            yield from diff_entries(state.there, {path: shown})


def _entry(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}
