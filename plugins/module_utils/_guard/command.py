# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a command where there is no AnsibleModule, before each start of dockerd: what this costs, the start costs.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("run_command",)

import os
import signal
import typing as t

#: By C(timeout), which then ends in the same way or says so.
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


def run_command(words: t.Sequence[str], stdin: str = "", seconds: int = 20) -> t.Tuple[int, str, str]:
    """Return the exit status, stdout and stderr. A command that can't be started or does not end has status 127."""
    # Files in memory and not pipes, which could fill up while nobody reads.
    streams = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
    try:
        os.write(streams[0], stdin.encode())
        os.lseek(streams[0], 0, os.SEEK_SET)
        handed = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)]
        timed = ["timeout", "-s", "KILL", str(seconds), *words]
        try:
            # There is no AnsibleModule here whose run_command could do it.
            # pylint: disable-next=ansible-bad-function
            process = os.posix_spawnp(timed[0], timed, os.environ, file_actions=handed)
        except OSError as exc:
            return 127, "", str(exc)
        _pid, status = os.waitpid(process, 0)
        code = os.waitstatus_to_exitcode(status)
        if code in _KILLED:
            return 127, "", f"{words[0]} does not end"
        stdout, stderr = (_text(stream) for stream in streams[1:])
        return code, stdout, stderr
    finally:
        for stream in streams:
            os.close(stream)


def _text(stream: int) -> str:
    return os.pread(stream, os.fstat(stream).st_size, 0).decode(errors="replace")
