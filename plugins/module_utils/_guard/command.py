# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a command where there is no AnsibleModule.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("run_command",)

import typing as t


def run_command(words: t.Sequence[str], stdin: str = "", timeout: t.Optional[float] = None) -> t.Tuple[int, str, str]:
    """Return the exit status, stdout and stderr. A command that can't be started or does not end has status 127."""
    # Here, since most who import this file run nothing.
    import asyncio

    async def call() -> t.Tuple[int, str, str]:
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as exc:
            return 127, "", str(exc)
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(stdin.encode()), timeout)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
            return 127, "", f"{words[0]} does not end"
        code = 1 if process.returncode is None else process.returncode
        return code, stdout.decode(errors="replace"), stderr.decode(errors="replace")

    return asyncio.run(call())
