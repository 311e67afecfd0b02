# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our marked block in the file that a package keeps for dockerd's options; everything around it is the user's.

/etc/default/docker and /etc/sysconfig/docker under systemd are lists of assignments (EnvironmentFile= in
systemd.exec(5)); under sysvinit and OpenRC, /etc/default/docker and /etc/conf.d/docker are read by a shell.
"""

from __future__ import annotations

__all__ = ("block_of", "with_block", "without_block")

_BEGIN = "# BEGIN gangway.docker (taken away again with expose_state: absent)\n"
_END = "# END gangway.docker\n"


def with_block(text: bytes, block: str) -> bytes:
    """Return the user's text followed by our block; an older block is replaced."""
    text = without_block(text)
    newline = b"" if not text or text.endswith(b"\n") else b"\n"
    return text + newline + f"{_BEGIN}{block}{_END}".encode()


def without_block(text: bytes) -> bytes:
    """Return the text without our block, byte for byte but for a newline at its end."""
    before, begin, rest = text.partition(_BEGIN.encode())
    if not begin:
        return text
    _block, _end, after = rest.partition(_END.encode())
    return before + after


def block_of(text: bytes) -> bytes:
    """Return what is in our block; empty if there is none."""
    _before, _begin, rest = text.partition(_BEGIN.encode())
    return rest.partition(_END.encode())[0]
