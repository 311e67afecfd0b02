# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Killed at any write: the old or the new is there, never a mixture or a half file, and the next run goes on.

Each operation runs in a child that SIGKILLs itself before its n-th change on the disk, for every n until it is done.
"""

from __future__ import annotations

import dataclasses
import datetime
import gc
import os
import shutil
import signal
import stat
import sys
import traceback
import typing as t
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import serialization, x509
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import generate_key
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    read_records,
    write_record,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.grace import go_on
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk import bundle, disk
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.revocation import revoke
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.rotation import begin, drop, end
from ansible_collections.gangway.docker.plugins.plugin_utils._pki import clock
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.authority import read_authority
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.chain import leads_to, try_chain
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.keys import load_private_key
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.profile import signing_request
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.renewal import RenewBefore

#: Does its work in this folder, and tells whether there was any to do.
Operation = t.Callable[[Path], bool]

#: What changes something on the disk, by its name as an audit event. (See test_modes for modes.)
_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
#: Nobody reads through these.
_NOT_ABOUT_CONTENT = {".lock", ".gitignore"}


def _fleet(fleets_dir: Path, **settings: t.Any) -> Fleet:
    return Fleet(str(fleets_dir), "default", Settings(**settings))


def _create(fleets_dir: Path, **settings: t.Any) -> bool:
    servers = [{"name": "web1", "tls_sans": ["web1", "10.0.0.1"]}]
    return bool(ensure_bundles(_fleet(fleets_dir, **settings), ["ci"], servers)["changed"])


def _create_many(fleets_dir: Path) -> bool:
    servers = [{"name": f"web{number}", "tls_sans": []} for number in range(2)]
    return bool(ensure_bundles(_fleet(fleets_dir), ["ci"], servers)["changed"])


def _renew(fleets_dir: Path) -> bool:
    return _create(
        fleets_dir, validity=datetime.timedelta(days=700), renew_before=RenewBefore(datetime.timedelta(days=400))
    )


def _change_keys(fleets_dir: Path) -> bool:
    return _create(fleets_dir, key_type="ed25519")


def _revoke(fleets_dir: Path) -> bool:
    fleet = _fleet(fleets_dir)
    with fleet.lock():
        return bool(revoke(fleet, ["alice", "far"]))


def _begin(fleets_dir: Path) -> bool:
    fleet = _fleet(fleets_dir)
    with fleet.lock():
        before = fleet.required_authority().phase
        return any(identity.changed for identity in begin(fleet)) or before is None


def _drop(fleets_dir: Path) -> bool:
    fleet = _fleet(fleets_dir)
    with fleet.lock():
        before = fleet.required_authority().phase
        return any(identity.changed for identity in drop(fleet, [], ["far"])) or before == "overlap"


def _end(fleets_dir: Path) -> bool:
    fleet = _fleet(fleets_dir)
    with fleet.lock():
        return end(fleet, [], [])


_RECORD = EndpointRecord(
    name="web1",
    url="tcp://10.0.0.5:2376",
    fleet="default",
    client="ci",
    server_names=["web1"],
    not_after="2027-11-20T22:00:00Z",
    fingerprint="ab" * 32,
    certificate="-----BEGIN CERTIFICATE-----\n",
    issuer=None,
    trust=None,
    listen=[],
    allow=[],
    method="socket",
    key_origin="host",
    engine_version=None,
    verified=True,
    refused=[],
)


def _begin_with_grace(fleets_dir: Path) -> bool:
    fleet = _fleet(fleets_dir)
    with fleet.lock():
        before = fleet.required_authority().rotation
        changed = any(identity.changed for identity in begin(fleet, grace=datetime.timedelta(days=7)))
        return changed or before != fleet.required_authority().rotation


def _go_on(fleets_dir: Path) -> bool:
    """A renewal, after the grace."""
    with mock.patch.object(clock, "now", return_value=clock.now() + datetime.timedelta(days=8)):
        return bool(
            ensure_bundles(_fleet(fleets_dir), [], [], existing=True, go_on=lambda fleet: go_on(fleet, list))["changed"]
        )


def _record(fleets_dir: Path) -> bool:
    before = _image(fleets_dir)
    write_record(fleets_dir / "default" / "endpoints", dataclasses.replace(_RECORD, url="tcp://10.0.0.6:2376"))
    return _image(fleets_dir) != before


def _sign_far(fleets_dir: Path) -> None:
    """A client whose key is on another machine."""
    request = signing_request(generate_key("ecdsa_p256"), common_name="far")
    _fleet(fleets_dir).sign_client_csr(request.public_bytes(serialization.Encoding.PEM), "far")


def _nothing(fleets_dir: Path) -> None:
    pass


def _one_of_each(fleets_dir: Path) -> None:
    _create(fleets_dir)
    write_record(fleets_dir / "default" / "endpoints", _RECORD)


def _members(fleets_dir: Path) -> None:
    _create(fleets_dir)
    ensure_bundles(_fleet(fleets_dir), ["alice"], [])
    _sign_far(fleets_dir)


def _revoked(fleets_dir: Path) -> None:
    """The client ci is listed, and late comes from the new issuer."""
    _members(fleets_dir)
    _revoke(fleets_dir)
    ensure_bundles(_fleet(fleets_dir), ["late"], [])


def _overlap(fleets_dir: Path) -> None:
    _one_of_each(fleets_dir)
    _begin(fleets_dir)


def _in_grace(fleets_dir: Path) -> None:
    _create(fleets_dir)
    ensure_bundles(_fleet(fleets_dir), ["alice"], [])
    # Its key is on another machine, and it is revoked with alice.
    _sign_far(fleets_dir)
    _begin_with_grace(fleets_dir)


def _revoked_in_grace(fleets_dir: Path) -> None:
    _in_grace(fleets_dir)
    _revoke(fleets_dir)


def _dropping(fleets_dir: Path) -> None:
    _overlap(fleets_dir)
    _drop(fleets_dir)


@dataclasses.dataclass
class Killer:
    """Ends this process before its n-th change on the disk."""

    at: int
    fleets_dir: str
    seen: int = 0

    def arm(self) -> None:
        write = os.write

        def half(descriptor: int, content: bytes) -> int:
            self.tick()
            # A file that is killed in the middle is half there.
            return write(descriptor, content[: len(content) // 2] if len(content) > 200 else content)

        os.write = half  # type: ignore[assignment]
        os.fsync = lambda _descriptor: self.tick()  # type: ignore[assignment]
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[t.Any, ...]) -> None:
        if event == "open":
            path, _mode, flags = arguments
            if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(self.fleets_dir):
                self.tick()
        elif event in _EVENTS:
            path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
            # Python caches what it compiles; relative is what shutil.rmtree removes.
            if not path.startswith("/") or path.startswith(self.fleets_dir):
                self.tick()

    def tick(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def _is_killed(operation: Operation, fleets_dir: Path, at: int) -> bool:
    """Run it in a child; tell whether it was killed, or came to its end before."""
    child = os.fork()
    if child == 0:
        gc.disable()
        try:
            Killer(at, str(fleets_dir)).arm()
            operation(fleets_dir)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _image(fleets_dir: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(fleets_dir)): path.read_bytes() for path in sorted(fleets_dir.rglob("*")) if path.is_file()
    }


def _folders(image: t.Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """The bundles and the authority: what lies in each; what is hidden beside them, no one reads."""
    found: dict[str, dict[str, bytes]] = {}
    for name, content in image.items():
        folder, _slash, file = name.rpartition("/")
        if folder.endswith(("/issued", "/endpoints", "default")) or any(
            part.startswith(".") for part in name.split("/")
        ):
            continue
        found.setdefault(folder, {})[file] = content
    return found


def _issuers(fleets_dir: Path) -> list[x509.Certificate]:
    """Who signs clients instead of the authority."""
    authority = read_authority(fleets_dir / "default" / "authority")
    return [] if authority is None or authority.issuer is None else [authority.issuer]


def _check_sound(fleets_dir: Path, issuers: list[x509.Certificate]) -> None:
    """Each folder belongs together: key, certificate, and somebody in ca.pem who answers for it."""
    authority = read_authority(fleets_dir / "default" / "authority")
    folders, known = _folders(_image(fleets_dir)), [*issuers, *_issuers(fleets_dir)]
    for folder, files in folders.items():
        for name, content in files.items():
            if name.endswith("key.pem"):
                load_private_key(content, path=name)
                assert stat.S_IMODE((fleets_dir / folder / name).stat().st_mode) == 0o600
            elif name.endswith(".pem"):
                assert content.count(b"-----END") == len(try_chain(content)) > 0, (folder, name)
        if folder == "default/authority":
            pairs = [("ca-key.pem", "ca.pem"), ("issuer-key.pem", "issuer.pem")]
        else:
            assert files.keys() == {"ca.pem", "cert.pem", "key.pem"}, folder
            pairs = [("key.pem", "cert.pem")]
            chain = try_chain(files["cert.pem"])
            if "/revoked/" not in folder:
                roots = try_chain(files["ca.pem"])
                assert any(leads_to([*chain, *between], roots) for between in ([], *([i] for i in known))), folder
        assert stat.S_IMODE((fleets_dir / folder).stat().st_mode) == 0o700
        for key, certificate in pairs:
            if key in files or certificate in files:
                public = load_private_key(files[key], path=key).public_key()
                assert public == try_chain(files[certificate])[0].public_key(), folder
    if authority is None:
        # It comes before all that it is to sign.
        assert not folders
        return
    assert (authority.phase == "overlap") == bool(authority.former)
    assert (authority.issuer is None) or authority.listed
    for cross in (authority.cross, authority.client_cross):
        assert cross is None or cross.public_key() == authority.certificate.public_key()
    read_records(fleets_dir / "default" / "endpoints")


def _check_no_mixture(before: t.Mapping[str, bytes], now: t.Mapping[str, bytes], after: t.Mapping[str, bytes]) -> None:
    """What a run replaces together is replaced together. (The new bytes differ from run to run.)"""
    old, present, new = _folders(before), _folders(now), _folders(after)
    for folder in old.keys() | new.keys():
        names = old.get(folder, {}).keys() | new.get(folder, {}).keys()
        touched = {name for name in names if old.get(folder, {}).get(name) != new.get(folder, {}).get(name)}
        found = {name for name in names if old.get(folder, {}).get(name) != present.get(folder, {}).get(name)}
        assert found in (set(), touched), f"{folder}: of {touched}, {found} were replaced"


def _check_nothing_is_left(fleets_dir: Path) -> None:
    left = [path for path in fleets_dir.rglob(".*") if path.name not in _NOT_ABOUT_CONTENT]
    assert left == []
    for path in (fleets_dir / "default" / "issued").glob("*"):
        assert try_chain(path.read_bytes()), f"{path.name} is half a file"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL leaves the kernel's buffers alone, so that nothing need wait for the disk; few folders count as many."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(disk, "_SYNCFS", lambda _descriptor: 0)
    monkeypatch.setattr(bundle, "_MANY", 3)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("prepare", "operation"),
    [
        (_nothing, _create),
        (_nothing, _create_many),
        (_one_of_each, _renew),
        (_one_of_each, _change_keys),
        (_members, _revoke),
        (_revoked, _begin),
        (_one_of_each, _begin_with_grace),
        (_overlap, _begin_with_grace),
        (_in_grace, _revoke),
        (_revoked_in_grace, _go_on),
        (_overlap, _drop),
        (_dropping, _end),
        (_one_of_each, _record),
    ],
)
def test_a_kill_at_any_write_leaves_the_old_or_the_new_and_the_next_run_goes_on(
    tmp_path: Path, prepare: t.Callable[[Path], None], operation: Operation
) -> None:
    _kill_at_each_write(tmp_path, prepare, operation, in_one_step=True)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("prepare", "operation"), [(_one_of_each, _change_keys), (_overlap, _drop)])
def test_where_folders_are_renamed_by_turns_the_next_run_goes_on_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: t.Callable[[Path], None], operation: Operation
) -> None:
    """For a moment, the folder is not there under its name; nothing is lost."""
    monkeypatch.setattr(disk, "_RENAMEAT2", None)
    _kill_at_each_write(tmp_path, prepare, operation, in_one_step=False)


def _kill_at_each_write(
    tmp_path: Path, prepare: t.Callable[[Path], None], operation: Operation, *, in_one_step: bool
) -> None:
    start, whole, fleets_dir = (tmp_path / name for name in ("start", "whole", "fleets_dir"))
    start.mkdir()
    prepare(start)
    before, issuers = _image(start), _issuers(start)
    shutil.copytree(start, whole)
    assert operation(whole)
    after = _image(whole)
    at, killed = 0, True
    while killed:
        at += 1
        # Links are quick, and show at the end that nothing was written in place.
        shutil.copytree(start, fleets_dir, copy_function=os.link)
        killed = _is_killed(operation, fleets_dir, at)
        told = f"killed at {at}"
        if in_one_step:
            _check_sound(fleets_dir, issuers)
            _check_no_mixture(before, _image(fleets_dir), after)
        operation(fleets_dir)
        _check_sound(fleets_dir, issuers)
        _check_nothing_is_left(fleets_dir)
        done = _image(fleets_dir)
        assert _folders(done).keys() == _folders(after).keys(), told
        assert operation(fleets_dir) is False, told
        assert _image(fleets_dir) == done, told
        shutil.rmtree(fleets_dir)
    assert at > 3
    assert _image(start) == before
