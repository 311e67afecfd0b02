# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a command of the user's on the controller, as C(run_command) does in a module."""

from __future__ import annotations

__all__ = ("run_command",)

import subprocess
import typing as t

#: Seconds; a CA that asks a person takes longer, and belongs into no playbook.
_TIMEOUT = 120


def run_command(words: t.Sequence[str], stdin: bytes, environment: t.Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Return exit status, stdout and stderr. Raises OSError, for one that takes too long (C(TimeoutError)) as well."""
    try:
        done = subprocess.run(
            list(words), input=stdin, env=dict(environment), capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise TimeoutError(f"it took longer than {_TIMEOUT} s") from exc
    return done.returncode, done.stdout, done.stderr
