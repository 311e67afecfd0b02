# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option C(socket)."""

from __future__ import annotations

__all__ = ("parse_socket",)

import posixpath
import re

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

#: As long as unix(7) lets it be, HAProxy's C(unix@) included; nothing that HAProxy or systemd would expand.
_PATH = re.compile(r"/[\w.,:=@+/-]{1,95}", re.ASCII)
#: PrivateTmp= and PrivateDevices=, systemd.exec(5).
_HIDDEN = re.compile(r"/(tmp|var/tmp|dev)/")
_VAR_RUN = "/var/run/"


def parse_socket(text: str) -> str:
    """Return the path without C(/var/run), which is a symbolic link to C(/run). Failure: C(invalid_socket)."""
    path = posixpath.normpath(text)
    if path.startswith(_VAR_RUN):
        path = f"/run/{path[len(_VAR_RUN) :]}"
    reason = None
    if not _PATH.fullmatch(path):
        reason = "it is not an absolute path of at most 96 letters, digits and the signs . , : = @ + - _ /"
    elif _HIDDEN.match(path):
        reason = "HAProxy's unit has a /tmp and a /dev of its own"
    if reason is not None:
        raise Failure(
            "invalid_socket",
            thing=f"socket {text!r}",
            reason=reason,
            cure="Write the path of the engine's unix socket, such as /run/podman/podman.sock",
        )
    return path
