# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on a machine, from its present and its desired state. Pure."""

from __future__ import annotations

__all__ = ("OPTION", "Plan", "plan_absent", "plan_present")

import os
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
    temporary_of,
)
from .._shared.failure import Failure
from .layout import Layout
from .manifest import Manifest
from .wanted import ClientOptions

#: What decides where the client's folders are.
OPTION = "docker_client_path in the role"


@dataclass(frozen=True)
class Plan(Changes):
    """The changes, and what the manifest says of them."""

    #: What is or was ours while the plan is carried out, and what is afterwards; None: no manifest is to be written.
    manifest_meanwhile: Manifest | None = None
    manifest: Manifest | None = None


def plan_present(
    layout: Layout,
    options: ClientOptions,
    there: There,
    wanted: t.Mapping[str, Wanted],
    known: Manifest | None,
    owner: tuple[int, int],
) -> Plan:
    """Return how to come to the wanted files; C(owner) is whom they belong to, as numbers of user and group.

    Failures: C(bundle_not_ours), C(bundle_taken), C(context_not_ours), C(not_a_folder).
    """
    _check_ours(layout, options, there, wanted, known)
    ours = known or Manifest(options.client, options.fleet)
    folders = folders_above([*wanted, layout.manifest])
    missing = missing_folders(folders, there, OPTION)
    surplus = [path for path in ours.files if path not in wanted]
    made = [*(folder for folder in ours.folders if folder not in missing), *missing]
    remove, remove_folders = _removals(there, surplus, [folder for folder in made if folder not in folders])
    # A folder that is of no use any more, but not empty, stays noted.
    kept = [folder for folder in made if folder in folders or (folder in there and folder not in remove_folders)]
    manifest = Manifest(options.client, options.fleet, tuple(wanted), tuple(kept))
    all_files = {**wanted, layout.manifest: Wanted(manifest.render(), PRIVATE)}
    write = {path: file for path, file in all_files.items() if differs(there.get(path), file, owner)}
    return Plan(
        make_folders=tuple(missing),
        close_folders=tuple(loose_folders(filter(layout.is_inside, folders), there, owner, OPTION)),
        write=write,
        remove=tuple(remove),
        remove_folders=tuple(remove_folders),
        manifest_meanwhile=Manifest(options.client, options.fleet, (*wanted, *surplus), tuple(made)),
        manifest=manifest,
        diff=tuple(diff_entries(there, {**write, **dict.fromkeys(remove)})),
    )


def plan_absent(layout: Layout, there: There, known: Manifest | None) -> Plan:
    """Return how to take away what the manifest lists."""
    if known is None:
        return Plan()
    # Keys that no certificate came for, too; they can only be found by looking.
    state = there.get(layout.state)
    beside = [] if state is None else [f"{layout.state}/{name}" for name in state.entries]
    left = [path for path in sorted(beside) if layout.is_pending(path)]
    remove, remove_folders = _removals(there, [*known.files, *left, layout.manifest], known.folders)
    # The manifest comes last: a run that is cut off leaves it for the next one.
    remove.sort(key=lambda path: path == layout.manifest)
    changes = dict.fromkeys(remove)
    return Plan(remove=tuple(remove), remove_folders=tuple(remove_folders), diff=tuple(diff_entries(there, changes)))


def _check_ours(
    layout: Layout, options: ClientOptions, there: There, wanted: t.Mapping[str, Wanted], known: Manifest | None
) -> None:
    if known is not None and (known.client, known.fleet) != (options.client, options.fleet):
        raise Failure(
            "bundle_taken",
            thing=layout.folder,
            reason=f"it holds the identity of client {known.client!r} of fleet {known.fleet!r}",
            cure="Choose another path for this one (docker_client_path in the role), or take that one away first: "
            "state: absent with its name",
        )
    ours = () if known is None else known.files
    foreign = next((path for path in wanted if path in there and path not in ours), None)
    if foreign is None:
        return
    if layout.is_context(foreign):
        names = {
            p: n for n in options.names_of_contexts.values() for p in (layout.context_meta(n), layout.context_tls(n))
        }
        name = names.get(foreign) or names.get(os.path.dirname(foreign), "?")
        raise Failure(
            "context_not_ours",
            thing=f"docker context {name!r} ({foreign})",
            reason="there is such a context already, and it was not made here for this client and path",
            cure=f"Remove it (docker context rm {name}), or set contexts: false (docker_client_contexts in the role)",
        )
    raise Failure(
        "bundle_not_ours",
        thing=foreign,
        reason="it is there already, and was not put there for this client",
        cure="Choose another path (docker_client_path in the role), or move the file away",
    )


def _removals(there: There, files: t.Sequence[str], folders: t.Iterable[str]) -> tuple[list[str], list[str]]:
    """Return which of these files are there, and which of these folders are empty once the files are gone."""
    # What a run that was cut off has left half written, too.
    candidates = [*files, *map(temporary_of, files)]
    remove = [path for path in candidates if path in there or _is_in_its_folder(there, path)]
    remove_folders: list[str] = []
    vanishing = set(remove)
    for folder in sorted(folders, key=len, reverse=True):
        if folder in there and all(f"{folder}/{name}" in vanishing for name in there[folder].entries):
            remove_folders.append(folder)
            vanishing.add(folder)
    return remove, remove_folders


def _is_in_its_folder(there: There, path: str) -> bool:
    folder, name = os.path.split(path)
    return folder in there and name in there[folder].entries
