# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(ansible-test sanity) on a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import typing as t
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .pythons import Python

_ROOT = Path(__file__).parents[2]
_GET_PIP = _ROOT / "tests" / "sanity" / "get_pip.py"


def run_sanity(python: Python, copy: Path, progress: t.Callable[[str], None]) -> bool:
    """Run all sanity tests of this Python's ansible-core; return whether they passed."""
    _provide_get_pip()
    version = f"{python.version[0]}.{python.version[1]}"
    done = subprocess.run(
        [
            python.path.with_name("ansible-test"),
            *("sanity", "--local", "--requirements", "--color=no", f"--python={version}"),
        ],
        cwd=copy,
        env={**os.environ, "PATH": f"{python.path.parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    progress(f"{done.stdout.count('Running sanity test')} sanity tests ran")
    # It also exits 0 if it finds no file to look at.
    passed = done.returncode == 0 and 'Running sanity test "validate-modules"' in done.stdout
    if not passed:
        print(done.stdout, flush=True)
    return passed


@contextmanager
def copy_of_tree() -> Iterator[Path]:
    """Copy what git tracks, or would, to a path that names the collection, as ansible-test requires.

    Not below this checkout: there, git ignores the copy, and ansible-test would look at no file at all.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="gangway-sanity-") as folder:
        target = Path(folder) / "ansible_collections" / "gangway" / "docker"
        for name in listed.stdout.splitlines():
            source = _ROOT / name
            if source.is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / name, follow_symlinks=False)
        yield target


def _provide_get_pip() -> None:
    """ansible-test downloads a script that installs pip; ours needs no network."""
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        if not (cache / f"get_pip_{version}.py").exists():
            shutil.copy(_GET_PIP, cache / f"get_pip_{version}.py")
