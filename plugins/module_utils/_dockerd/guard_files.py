# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guard's program as it lies on a host: a Python package of copies of files of ours."""

from __future__ import annotations

__all__ = ("GUARD_FILES", "guard_files")

import pkgutil

from . import layout
from .change import FileChange
from .host import Attributes

#: Path on the host, and the file here that it is a copy of.
GUARD_FILES = {
    f"{layout.GUARD}/__init__.py": None,
    f"{layout.GUARD}/__main__.py": "guard.py",
    f"{layout.GUARD}/daemon_json.py": "daemon_json.py",
    f"{layout.GUARD}/unit.py": "unit.py",
}


def guard_files() -> list[FileChange]:
    """Return what has to be on the host."""
    changes = []
    for path, source in GUARD_FILES.items():
        content = pkgutil.get_data(__package__, source) if source else b""
        changes.append(FileChange(path, content or b"", Attributes(0o644)))
    return changes
