# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No private key is open to others for a moment, under whatever name it lies there, though the umask would let it."""

from __future__ import annotations

import os
import stat
import sys
import traceback
import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk import bundle, disk
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end

CLIENTS, SERVERS = ["ci", "alice"], [{"name": "web1", "tls_sans": []}]
#: Events of the interpreter between which files come and go.
EVENTS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.link"}


def _fleet(fleets_dir: Path, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings))


def _everything(fleets_dir: Path) -> None:
    """Make, make again with other keys, revoke, and rotate: every way by which a key gets onto the disk."""
    ensure_bundles(_fleet(fleets_dir), CLIENTS, SERVERS)
    ensure_bundles(_fleet(fleets_dir, key_type="ed25519"), CLIENTS, SERVERS)
    own = os.open(fleets_dir / "default" / "clients" / "ci" / "my-own-key.pem", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(own, b"what the user put there")
    os.close(own)
    ensure_bundles(_fleet(fleets_dir), CLIENTS, SERVERS)
    revoke(_fleet(fleets_dir), ["alice"])
    begin(_fleet(fleets_dir))
    drop(_fleet(fleets_dir), [], [])
    end(_fleet(fleets_dir), [], [])


def _bring_authority(fleets_dir: Path) -> None:
    """An authority of the user's, whose key is open to others where they keep it."""
    ensure_bundles(Fleet(str(fleets_dir.parent), "theirs"), [], [])
    theirs = fleets_dir.parent / "theirs" / "authority"
    (theirs / "ca-key.pem").chmod(0o644)
    brought = {"authority_certificate": str(theirs / "ca.pem"), "authority_key": str(theirs / "ca-key.pem")}
    ensure_bundles(_fleet(fleets_dir, **brought), CLIENTS, SERVERS)


def _watch(fleets_dir: Path, work: t.Callable[[Path], None]) -> set[str]:
    """Do the work with umask 0 in a child; return what was open to others when the child was about to do something."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as stream:
            seen = set(stream.read().splitlines())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        return seen
    looking = False

    def look(event: str, _arguments: tuple[t.Any, ...]) -> None:
        nonlocal looking
        if event not in EVENTS or looking:
            return
        looking = True
        for path in fleets_dir.rglob("*"):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if mode & 0o077 and (stat.S_ISDIR(mode) or "key" in path.name):
                os.write(writer, f"{path.relative_to(fleets_dir)} {mode & 0o777:04o} before {event}\n".encode())
            if "key" in path.name:
                os.write(writer, b"some key\n")
        looking = False

    real_write = os.write

    def looking_write(descriptor: int, content: bytes) -> int:
        if descriptor != writer:
            look("open", ())
        return real_write(descriptor, content)

    try:
        os.umask(0)
        os.write = looking_write  # type: ignore[assignment]
        sys.addaudithook(look)
        work(fleets_dir)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("work", [_everything, _bring_authority])
def test_no_key_is_open_to_others_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: t.Callable[[Path], None], many: bool
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(disk, "_SYNCFS", lambda _descriptor: 0)
    if many:
        monkeypatch.setattr(bundle, "_MANY", 2)
    assert _watch(tmp_path / "fleets", work) == {"some key"}


def test_folders_that_are_renamed_by_turns_open_no_key_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_RENAMEAT2", None)

    def no_links(*_arguments: t.Any, **_options: t.Any) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    assert _watch(tmp_path / "fleets", _everything) == {"some key"}
    own = tmp_path / "fleets" / "default" / "clients" / "ci" / "my-own-key.pem"
    assert own.read_bytes() == b"what the user put there"
