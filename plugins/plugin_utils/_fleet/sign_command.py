# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command that signs for an authority whose key is elsewhere: the fleet's, not a host's.

<fleets_dir>/<fleet>/sign_command   one line; the first run that names a command writes it
"""

from __future__ import annotations

__all__ = ("record_sign_command", "recorded_sign_command", "sign_command_of")

import contextlib
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .on_disk import bundle

if t.TYPE_CHECKING:
    from pathlib import Path

    from .fleet import Fleet

_FILE = "sign_command"


def sign_command_of(fleet: Fleet) -> str | None:
    """Return the command, or None: the authority's key is here. Failure: C(sign_command_differs)."""
    given, recorded = fleet.settings.sign_command, recorded_sign_command(fleet.folder)
    if recorded is None or not _is_external(fleet):
        return given
    if given not in (None, recorded):
        raise Failure(
            "sign_command_differs",
            thing=f"sign_command {given!r}",
            reason=f"fleet {fleet.name!r} signs with {recorded!r}, for all its hosts and clients",
            cure="Correct or remove the variable (expose_sign_command, docker_client_sign_command); if the command has "
            f"changed, remove {fleet.folder / _FILE} and run again",
        )
    return recorded


def record_sign_command(fleet: Fleet) -> None:
    """Record the command unless there is one; call it under the fleet's lock."""
    command = fleet.settings.sign_command
    if command is None or fleet.check_mode or recorded_sign_command(fleet.folder) is not None:
        return
    if _is_external(fleet):
        bundle.replace_file(fleet.folder / _FILE, f"{command}\n".encode(), bundle.PRIVATE)


def recorded_sign_command(folder: Path) -> str | None:
    """Return what the fleet's folder has."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return (folder / _FILE).read_text(encoding="utf-8").removesuffix("\n")
    return None


def _is_external(fleet: Fleet) -> bool:
    authority = fleet.authority()
    return authority is not None and authority.is_external
