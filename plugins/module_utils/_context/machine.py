# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner: reads a context, and changes it. Call it inside of M(Account.rights)."""

from __future__ import annotations

__all__ = ("change_context", "observe_context", "read_file")

import contextlib
import dataclasses
import os
import shutil
import stat
import typing as t

from .._account.account import Account
from .._account.changes import Found, There, folders_above
from .._account.files import make_folder, observe, remove_file, replace_files
from .._account.pem import fingerprint_of
from .._shared.failure import Failure
from .archive import LARGEST
from .names import DEFAULT
from .plan import Plan, State, plan_change
from .store import Context, ContextFolder, parse_meta
from .task import ContextTask


def change_context(task: ContextTask, account: Account) -> dict[str, t.Any]:
    """Plan, and carry out unless in check mode; return the module's result. Failures: as M(plan_change)."""
    folder = ContextFolder(task.config)
    plan = plan_change(task, observe_context(task, account))
    actions = plan.actions()
    if actions and not task.check_mode:
        _carry_out(plan, folder, task.name, account)
    return {
        "changed": bool(actions),
        "actions": actions,
        "diff": list(plan.diff),
        "context": _facts(plan, folder, task.name),
    }


def observe_context(task: ContextTask, account: Account) -> State:
    """Return what is there. Failure: C(context_unreadable), unless it is to be removed by force."""
    folder, name = ContextFolder(task.config), task.name
    # A link is followed as the CLI does: it leads no further than the user could go.
    config_json = os.path.realpath(folder.config_json)
    files = [folder.meta(name), config_json, *([task.export_to] if task.export_to else [])]
    there = observe(files, [])
    if task.export_to in there:
        there[task.export_to] = _with_content(there[task.export_to], task.export_to)
    tops = [folder.meta_folder(name), folder.tls_folder(name)]
    above = folders_above([*files, f"{folder.tls(name)}/ca.pem"])
    there.update(observe([], [*above, *tops], tops))
    for top in tops:
        for entry in there[top].entries if top in there else ():
            path = f"{top}/{entry}"
            is_folder = os.path.isdir(path) and not os.path.islink(path)
            there.update(observe([], [path], [path]) if is_folder else observe([path], []))
            if is_folder:
                there.update(observe([f"{path}/{each}" for each in there[path].entries], []))
    context = None
    meta = there.get(folder.meta(name))
    if meta is not None and meta.kind == "file":
        try:
            context = _with_tls(parse_meta(meta.content or b"", folder.meta(name)), folder.tls_folder(name), there)
        except Failure:
            if not task.force:
                raise
    return State(there, config_json, context, (account.uid, account.gid))


def read_file(path: str, *, largest: int = LARGEST) -> bytes:
    """Return a file's content, of a regular file only. Failure: C(file_unreadable)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise OSError("it is no file")
            return stream.read(largest + 1)
    except OSError as exc:
        raise Failure(
            "file_unreadable",
            thing=path,
            reason=f"it can't be read ({exc.strerror or exc})",
            cure="Name a file that the user of the context can read, on the machine that the task runs on",
        ) from exc


def _with_tls(context: Context, top: str, there: There) -> Context:
    tls: dict[str, dict[str, t.Optional[bytes]]] = {}
    for endpoint in there[top].entries if top in there else ():
        found = there[f"{top}/{endpoint}"]
        if found.kind == "folder":
            paths = {each: f"{top}/{endpoint}/{each}" for each in found.entries}
            tls[endpoint] = {each: there[path].content for each, path in paths.items() if there[path].kind == "file"}
    return Context(context.metadata, context.endpoints, tls)


def _with_content(found: Found, path: str) -> Found:
    """Archives may be larger than other files of ours."""
    return dataclasses.replace(found, content=read_file(path) if found.kind == "file" else None)


def _carry_out(plan: Plan, folder: ContextFolder, name: str, account: Account) -> None:
    for path, mode in plan.close_folders:
        os.chmod(path, mode)
    for path in plan.make_folders:
        # Tasks for other hosts make theirs at the same time.
        with contextlib.suppress(FileExistsError):
            make_folder(path, account)
    pair = (f"{folder.tls(name)}/cert.pem", f"{folder.tls(name)}/key.pem")
    files = {} if plan.context is None else plan.context.files
    has_pair = "cert.pem" in files and "key.pem" in files and any(path in plan.write for path in pair)
    replace_files(plan.write, account.gid, pair if has_pair else None)
    for path in plan.remove:
        remove_file(path)
    for path in plan.remove_folders:
        # A link in its place goes, and not what it leads to.
        with contextlib.suppress(FileNotFoundError):
            remove_file(path) if os.path.islink(path) else shutil.rmtree(path)


def _facts(plan: Plan, folder: ContextFolder, name: str) -> dict[str, t.Any]:
    """Return the context as docker_context_info of community.docker does."""
    facts: dict[str, t.Any] = {"name": name, "current": plan.is_current}
    context = plan.context
    if context is None:
        return facts
    tls = folder.tls(name)
    config: dict[str, t.Any] = {"docker_host": context.host}
    options = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
    config.update({option: f"{tls}/{file}" for option, file in options.items() if file in context.files})
    config["tls"] = bool(context.files) or context.skips_verification
    config["validate_certs"] = config["tls"] and not context.skips_verification
    return {
        **facts,
        "description": context.description,
        "meta_path": folder.meta_folder(name),
        "tls_path": folder.tls_folder(name) if context.tls else None,
        "config": config if name != DEFAULT else {},
        "fingerprint": fingerprint_of(context.files.get("cert.pem")),
    }
