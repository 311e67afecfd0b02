# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's program on a host: a Python package with copies of the files in module_utils/_guard."""

from __future__ import annotations

__all__ = ("GUARD_FILES", "guard_files")

import functools
import pkgutil

from ansible_collections.gangway.docker.plugins.module_utils import _guard
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observation import Attributes
from .change import FileChange

_SOURCES = (
    "__init__.py",
    "__main__.py",
    "command.py",
    "config_file.py",
    "daemon_json.py",
    "dockerd_flags.py",
    "gate.py",
    "judgement.py",
    "listener.py",
    "nftables_gate.py",
    "port.py",
    "process.py",
    "proof.py",
    "record.py",
    "slices.py",
    "socket_filter.py",
)
#: Their paths on the host.
GUARD_FILES = tuple(f"{layout.GUARD}/{source}" for source in _SOURCES)


@functools.lru_cache(maxsize=1)
def guard_files() -> tuple[FileChange, ...]:
    """Return what has to be on the host."""
    changes = []
    for path, source in zip(GUARD_FILES, _SOURCES):
        changes.append(FileChange(path, pkgutil.get_data(_guard.__name__, source) or b"", Attributes(0o644)))
    return tuple(changes)
