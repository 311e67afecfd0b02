# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner: the only part that changes a machine. Call all of it inside of M(Account.rights).

What lies in a user's folders is read and written with that user's rights. So a link that the user puts there leads no
further than the user could go anyway, home folders on NFS that root can't enter work, and owners come out right.
"""

from __future__ import annotations

__all__ = ("belong_together", "make_folder", "observe", "remove_file", "remove_folder", "replace_files")

import contextlib
import errno
import os
import ssl
import stat
import typing as t

from .._shared.failure import Failure
from .account import Account, as_root
from .changes import PRIVATE, Found, Wanted, temporary_of

#: No file of ours comes near it; a larger one is not ours, and need not be read.
_LARGEST = 1 << 20


def observe(files: t.Iterable[str], folders: t.Iterable[str], listed: t.Container[str] = ()) -> dict[str, Found]:
    """Return what is there of these paths, and what is in those folders that are C(listed).

    Links to folders are followed, links to files are not files.
    """
    there: dict[str, Found] = {}
    for path in files:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            there[path] = _look_at_file(path)
    for path in folders:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            there[path] = _look_at_folder(path, listed=path in listed)
    return there


def replace_files(files: t.Mapping[str, Wanted], gid: int, pair: tuple[str, str] | None) -> None:
    """Write all files beside their places first, then put one after another in place, each in one step.

    Nothing is in its place before all is written, so that a full disk is no trouble. C(pair): the paths of
    certificate and key, which have to belong together if either is among the files.

    Where the key changes, its certificate follows by the very next step. A docker command that starts in between is
    refused by TLS ("private key does not match public key") and works when it is tried again. Where the machine stops
    right there, the next run finds that the two do not belong together, and makes both again.

    Failure: C(bundle_mismatch).
    """
    try:
        for path, wanted in files.items():
            _write_new(temporary_of(path), wanted.content or b"", wanted.mode, gid)
        if pair is not None:
            _check_pair(*(temporary_of(path) if path in files else path for path in pair))
        for path in files:
            os.replace(temporary_of(path), path)
    except BaseException:
        for path in files:
            remove_file(temporary_of(path))
        raise
    for folder in dict.fromkeys(map(os.path.dirname, files)):
        _sync_folder(folder)


def _write_new(path: str, content: bytes, mode: int, gid: int) -> None:
    """Write a file that was not there; its mode is right from the first byte on."""
    remove_file(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(descriptor, "wb") as stream:
        # A folder with the set-group-ID bit hands on its own group.
        os.fchown(stream.fileno(), -1, gid)
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def remove_file(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def make_folder(path: str, account: Account) -> None:
    """Make a folder that is closed to others."""
    try:
        os.mkdir(path, 0o700)
    except PermissionError:
        if not _may_be_root():
            raise
        with as_root(), _roots_own_folder(os.path.dirname(path)) as above:
            name = os.path.basename(path)
            os.mkdir(name, 0o700, dir_fd=above)
            os.chown(name, account.uid, account.gid, dir_fd=above, follow_symlinks=False)
        return
    os.chown(path, -1, account.gid, follow_symlinks=False)


def remove_folder(path: str, account: Account) -> None:
    """Remove a folder that is empty; one that is not stays."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return
    except PermissionError:
        if not _may_be_root():
            raise
        with as_root(), _roots_own_folder(os.path.dirname(path)) as above:
            name = os.path.basename(path)
            # The list of what to remove lies where the user can write: no folder but the user's own goes.
            if os.stat(name, dir_fd=above, follow_symlinks=False).st_uid == account.uid:
                os.rmdir(name, dir_fd=above)
    except OSError as exc:
        if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
            raise


def belong_together(certificate: str, key: str) -> bool:
    """Tell whether the files hold a certificate and its key, as TLS wants them."""
    try:
        _check_pair(certificate, key)
    except Failure:
        return False
    return True


def _check_pair(certificate: str, key: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_refuse_encrypted_key)
    except (OSError, ValueError) as exc:
        raise Failure(
            "bundle_mismatch",
            thing=f"{certificate} and {key}",
            reason=f"they can't be loaded together ({exc})",
            cure="Run again; another run may have been at work there at the same time",
        ) from exc


def _refuse_encrypted_key() -> str:
    raise ValueError("the key is encrypted")


def _look_at_file(path: str) -> Found:
    status = os.lstat(path)
    kind, content = "other", None
    if stat.S_ISREG(status.st_mode):
        kind = "file"
        # It may be something else by now, a pipe that would keep us waiting, say.
        with contextlib.suppress(PermissionError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                content = stream.read(_LARGEST)
    return Found(kind, status.st_mode & 0o7777, status.st_uid, status.st_gid, content)


def _look_at_folder(path: str, *, listed: bool) -> Found:
    status = os.stat(path)
    kind = "folder" if stat.S_ISDIR(status.st_mode) else "other"
    entries = frozenset(os.listdir(path)) if listed and kind == "folder" else frozenset()
    return Found(kind, status.st_mode & 0o7777, status.st_uid, status.st_gid, entries=entries)


def _may_be_root() -> bool:
    return os.getuid() == 0 and os.geteuid() != 0


@contextlib.contextmanager
def _roots_own_folder(path: str) -> t.Iterator[int]:
    """Open a folder that nobody but root can have put where it is; raise PermissionError for any other.

    Each step goes from an open folder to the next, and follows no link.
    """
    descriptor = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in path.strip("/").split("/"):
            if name:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            status = os.fstat(descriptor)
            if status.st_uid != 0 or status.st_mode & 0o022:
                raise PermissionError(errno.EACCES, "it belongs to neither the user nor root alone", path)
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
