# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account that gets the identity, and acting with its rights and no more."""

from __future__ import annotations

__all__ = ("Account", "as_root", "find_account")

import contextlib
import os
import pwd
import typing as t
from dataclasses import dataclass

from .._shared.failure import Failure


@dataclass(frozen=True)
class Account:
    """As the machine's user database has it; C(gid) is the primary group."""

    name: str
    uid: int
    gid: int
    home: str

    def expand(self, path: str) -> str:
        """Return the path with C(~) as this user's home. Failure: C(invalid_path)."""
        if path == "~" or path.startswith("~/"):
            if not os.path.isdir(self.home):
                raise Failure(
                    "home_missing",
                    thing=f"user {self.name!r}",
                    reason=f"the home folder {self.home} is not there",
                    cure="Make it, or set another path (docker_client_path in the role), and contexts to false",
                )
            path = self.home + path[1:]
        if not path.startswith("/") or not path.isprintable():
            raise Failure(
                "invalid_path",
                thing=f"path {path!r}",
                reason="it begins neither with / nor with ~/, or it holds control characters",
                cure="Write it in full",
            )
        return os.path.normpath(path)

    @contextlib.contextmanager
    def rights(self) -> t.Iterator[None]:
        """Do what follows as this user: with root's rights, each link that the user puts up would be a way out.

        The real user stays root, so that there is a way back; what counts for files are the effective ones.
        """
        if os.geteuid() == self.uid:
            yield
            return
        try:
            groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
            os.initgroups(self.name, self.gid)
            os.setegid(self.gid)
            os.seteuid(self.uid)
        except PermissionError as exc:
            raise Failure(
                "not_root",
                thing=f"user {self.name!r}",
                reason="only root can put files into another user's folder, and the module does not run as root",
                cure="Set become: true on the play or task, or leave user (docker_client_user in the role) out",
            ) from exc
        try:
            yield
        finally:
            os.seteuid(uid)
            os.setegid(gid)
            os.setgroups(groups)


@contextlib.contextmanager
def as_root() -> t.Iterator[None]:
    """Inside of M(Account.rights): be root again for a moment. PermissionError where we never were."""
    uid = os.geteuid()
    os.seteuid(0)
    try:
        yield
    finally:
        os.seteuid(uid)


def find_account(name: str | None) -> Account:
    """Return the account of that name, or the one that runs this. Failure: C(user_missing)."""
    try:
        entry = pwd.getpwnam(name) if name else pwd.getpwuid(os.geteuid())
    except KeyError as exc:
        raise Failure(
            "user_missing",
            thing=f"user {name or os.geteuid()!r}",
            reason="there is no such account on the machine",
            cure="Make the account first, or name another",
        ) from exc
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
