# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether systemd can filter packets by cgroup. If it can't, it says so in the journal only, and opens the port."""

from __future__ import annotations

__all__ = ("filtering",)

import sys

from .._host.command import Run
from .._shared import layout
from .files import Files

_NOT_FILTERED = 9
#: Exits 0 if a packet to loopback is refused, as with IPAddressDeny=any it must be.
_PROBE = f"""import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9))
except PermissionError:
    raise SystemExit(0)
raise SystemExit({_NOT_FILTERED})"""


def filtering(files: Files, run: Run, init: str, *, try_it: bool) -> dict[str, bool | str | None]:
    """Return the keys C(filtering) and C(filtering_error). With C(try_it), a transient unit shows it."""
    if files.exists(layout.FILTERING_SEEN):
        return {"filtering": True, "filtering_error": None}
    if init != "systemd" or not try_it:
        return {"filtering": None, "filtering_error": None}
    command = ["systemd-run", "--quiet", "--wait", "--collect", "--property=IPAddressDeny=any"]
    try:
        code, stdout, stderr = run([*command, sys.executable, "-I", "-S", "-c", _PROBE])
    except OSError as exc:
        return {"filtering": None, "filtering_error": str(exc)}
    if code in (0, _NOT_FILTERED):
        return {"filtering": code == 0, "filtering_error": stderr.strip() or None}
    return {"filtering": None, "filtering_error": (stderr or stdout).strip() or f"exit status {code}"}
