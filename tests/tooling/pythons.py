# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Pythons that tests run on: the one of .venv, and a newer one with the newest ansible-core."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
#: What sanity and the unit tests need besides.
_PACKAGES = ("ansible-core", "cryptography", "docker~=7.1", "pytest~=9.2", "pytest-socket~=0.8", "pytest-xdist~=3.8")


@dataclass(frozen=True)
class Python:
    """A Python with an ansible-core of its own."""

    path: Path
    version: tuple[int, int]

    def __str__(self) -> str:
        code = "import ansible.release as r; print('ansible-core', r.__version__)"
        core = subprocess.run([self.path, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        return f"{core} on Python {self.version[0]}.{self.version[1]}"


def find_pythons(progress: t.Callable[[str], None]) -> list[Python]:
    """Return .venv's Python and, if the machine has a newer one, that one in a virtual environment."""
    own = Python(Path(sys.executable), sys.version_info[:2])
    newest = _newest_python()
    if newest is None or newest.version <= own.version:
        progress(f"no Python newer than {own.version[0]}.{own.version[1]} is here: nothing runs on a newer core")
        return [own]
    folder = _ROOT / f".venv-{newest.version[0]}.{newest.version[1]}"
    stamp = folder / "complete"
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != "\n".join(_PACKAGES):
        progress(f"making {folder.name} with the newest ansible-core")
        subprocess.run([newest.path, "-m", "venv", "--clear", folder], check=True)
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([python, *pip, *_PACKAGES], check=True)
        stamp.write_text("\n".join(_PACKAGES))
    return [own, Python(python, newest.version)]


def _newest_python() -> Python | None:
    """Look on the PATH, and where pyenv keeps its versions, for a Python that the newest ansible-core runs on."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders += pyenv.glob("versions/*/bin")
    for minor in (14, 13, 12):
        for folder in folders:
            path = folder / f"python3.{minor}"
            if path.is_file() and "shims" not in path.parts and _works(path):
                return Python(path, (3, minor))
    return None


def _works(path: Path) -> bool:
    return subprocess.run([path, "-c", "import ensurepip, ssl, venv"], capture_output=True, check=False).returncode == 0
