# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As whom HAProxy's workers connect to the engine's socket: with as few rights as its mode and owner allow."""

from __future__ import annotations

__all__ = ("FOR_DOCKERD", "Worker", "worker_of")

from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observation import Attributes, EngineSocket

_GROUP_MAY_WRITE, _GROUP_MAY_ENTER, _ANYONE_MAY_ENTER = 0o020, 0o010, 0o001


@dataclass(frozen=True)
class Worker:
    """User and group as HAProxy takes them: C(user NAME) or C(uid NUMBER), C(group NAME) or C(gid NUMBER)."""

    user: str
    group: str

    @property
    def is_root(self) -> bool:
        return self.user == "uid 0"


_UNPRIVILEGED = f"user {layout.GATEWAY_USER}"
#: For a socket that docker.socket is yet to make.
FOR_DOCKERD = Worker(_UNPRIVILEGED, f"group {layout.GATEWAY_GROUP}")


def worker_of(socket: EngineSocket | None) -> Worker:
    """Return who connects. C(socket) None: there is none yet.

    A socket that only root can open (Podman's is in a folder of mode 0700) gets a worker of root, which then has no
    capability at all. Another owner for socket and folder would be a change of Podman's units, whose restart ends the
    connections of its other clients; and whoever can use such a socket has root on the host in any case.
    """
    if socket is None:
        return FOR_DOCKERD
    owner = socket.attributes
    if owner.uid != 0:
        return Worker(f"uid {owner.uid}", f"gid {owner.gid}")
    is_for_group = owner.gid != 0 and bool(owner.mode & _GROUP_MAY_WRITE)
    if is_for_group and all(_may_enter(folder, owner.gid) for folder in socket.folders):
        return Worker(_UNPRIVILEGED, f"gid {owner.gid}")
    return Worker("uid 0", "gid 0")


def _may_enter(folder: Attributes, gid: int) -> bool:
    return bool(folder.mode & (_GROUP_MAY_ENTER if folder.gid == gid else _ANYONE_MAY_ENTER))
