# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of what we installed on a machine, so that exactly that can be removed. Pure."""

from __future__ import annotations

__all__ = ("Manifest", "parse_manifest")

import json
from dataclasses import asdict, dataclass

from .._shared.failure import Failure


@dataclass(frozen=True)
class Manifest:
    """Whose identity it is, our files, and the folders that were not there before; all by absolute path."""

    client: str
    fleet: str
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    def render(self) -> bytes:
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


def parse_manifest(content: bytes | None, path: str) -> Manifest | None:
    """Return it, or None where there is none. Failure: C(manifest_unreadable)."""
    if content is None:
        return None
    try:
        read = json.loads(content)
        files, folders = (tuple(map(_path, read[name])) for name in ("files", "folders"))
        return Manifest(str(read["client"]), str(read["fleet"]), files, folders)
    except (ValueError, KeyError, TypeError) as exc:
        raise Failure(
            "manifest_unreadable",
            thing=path,
            reason=f"it is not a list of installed files ({exc!r})",
            cure="Restore the file, or remove it together with ca.pem, cert.pem and key.pem and the docker contexts "
            "of this client, and run again",
        ) from exc


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise ValueError(f"{value!r} is no absolute path")
    return value
