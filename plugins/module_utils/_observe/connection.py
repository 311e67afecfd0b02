# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where Ansible is connected, as the host sees it."""

from __future__ import annotations

__all__ = ("ansible_connection",)

import os
import socket

from .files import Files
from .interfaces import as_text, unmapped


def ansible_connection(files: Files, pid: int | None = None) -> dict[str, str] | None:
    """Return the addresses of the SSH connection that this process runs in; None: it is no SSH connection.

    sudo takes SSH_CONNECTION out of the environment, so the parent processes are asked for theirs, too.
    """
    pid = os.getpid() if pid is None else pid
    while pid > 1:
        for item in (files.read(f"/proc/{pid}/environ") or b"").split(b"\0"):
            name, _equals, value = item.partition(b"=")
            if name == b"SSH_CONNECTION":
                return _parse(value.decode(errors="replace"))
        pid = _parent(files, pid)
    return None


def _parse(value: str) -> dict[str, str] | None:
    """Read the value of SSH_CONNECTION, see ssh(1)."""
    fields = value.split()
    if len(fields) != 4:
        return None
    try:
        return {"client": _plain(fields[0]), "server": _plain(fields[2])}
    except OSError:
        return None


def _plain(text: str) -> str:
    """Without a zone (C(%eth0)), and IPv4 as such if it comes mapped into IPv6."""
    text = text.partition("%")[0]
    return as_text(unmapped(socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)))


def _parent(files: Files, pid: int) -> int:
    # The name in parentheses may hold anything, so count from behind it, see proc_pid_stat(5).
    fields = (files.read(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0
