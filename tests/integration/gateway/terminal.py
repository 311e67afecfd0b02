# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The docker command at a terminal, and in scripts, on the host itself and on a client's machine.

This file also runs there, as a program: it starts a command in a terminal of its own and types.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import sys
import termios
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    from tests.lab.hosts import Host

#: Seconds until what a step waits for has to be there.
_PATIENCE = 40.0
#: Seconds that a script may take.
_LIMIT = 60
DETACH = "\x10\x11"
#: Typed, this resizes the terminal.
WIDEN = "widen"
_SMALL, _WIDE = (24, 81), (50, 133)


class Said(t.NamedTuple):
    """What came of a command; C(stdout) of a terminal has its stderr too."""

    code: int
    stdout: str
    stderr: str = ""


@dataclass(frozen=True)
class Side:
    """Somebody who uses the daemon. C(facts): shell lines that say where it is."""

    machine: Host
    user: str
    facts: str

    def type(self, script: str) -> Said:
        """Run a script in an empty folder."""
        lines = f"set -e\nfolder=$(mktemp -d)\ntrap 'rm -rf $folder' EXIT\ncd $folder\n{self.facts}{script}"
        done = self.machine.run(
            f"su - {self.user} -c {shlex.quote(f'timeout {_LIMIT} bash -c {shlex.quote(lines)}')}", check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def talk(self, command: str, *steps: tuple[str, str]) -> Said:
        """Run a command in a terminal. A step is what to wait for, a regular expression, and what to type then."""
        words = shlex.join(["python3", "-c", Path(__file__).read_text(encoding="utf-8"), command, json.dumps(steps)])
        code, stdout, stderr = self.type(words)
        if code != 0:
            raise AssertionError(f"{command}: {stdout}{stderr}")
        return Said(*json.loads(stdout))


def main() -> None:
    command, steps = sys.argv[1], json.loads(sys.argv[2])
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *_SMALL, 0, 0))
        os.execvp("/bin/sh", ["/bin/sh", "-c", f"exec {command}"])
    printed, start = "", 0
    for expected, typed in steps:
        limit = time.monotonic() + _PATIENCE
        while (found := re.search(expected, printed[start:])) is None:
            more = _read(terminal, limit - time.monotonic())
            if not more:
                os.kill(pid, signal.SIGKILL)
                sys.exit(f"{expected!r} did not come; there is {printed!r}")
            printed += more
        start += found.end()
        if typed == WIDEN:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *_WIDE, 0, 0))
        else:
            os.write(terminal, typed.encode())
    while more := _read(terminal, _PATIENCE):
        printed += more
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), printed]))


def _read(terminal: int, timeout: float) -> str:
    """Return what is printed next; nothing once the command has ended, or if nothing comes."""
    if not select.select([terminal], [], [], max(timeout, 0))[0]:
        return ""
    try:
        return os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    main()
