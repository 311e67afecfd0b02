# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host was comes back: to the byte where nobody edited it, and else around the user's edits."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import merge, parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import with_block
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.originals import Original, Originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observation import Attributes

OURS: dict[str, t.Any] = {
    "hosts": ["fd://", "tcp://10.20.0.5:2376"],
    "tls": True,
    "tlsverify": True,
    "tlscacert": "/etc/docker/gangway/ca.pem",
    "tlscert": "/etc/docker/gangway/cert.pem",
    "tlskey": "/etc/docker/gangway/key.pem",
    "live-restore": True,
}

ORIGINALS = [
    None,
    b"",
    b"\n",
    b"{}",
    b"{ }\n",
    b"{\n\n}\n",
    b'{"mtu": 1400}',
    b'{\r\n\t"mtu" : 1400,\r\n\t"live-restore":false\r\n}\r\n',
    '{\n  "labels": ["straße"], "live-restore": true\n}\n'.encode(),
]


def _exposed(original: bytes | None) -> tuple[Originals, bytes]:
    written = merge((original or b"").decode(), OURS).encode()
    return _remembering(layout.DAEMON_JSON, original, written), written


def _remembering(path: str, original: bytes | None, written: bytes | None) -> Originals:
    before = None if original is None else (original, Attributes(0o640, 7, 8))
    return Originals(
        "daemon_json", {path: Original.of(before, written)}, ("/etc/docker",), ("/etc/docker/x",), is_tls=False
    )


def _undo(originals: Originals, current: bytes | None) -> bytes | None:
    return originals.undo(layout.DAEMON_JSON, current)


@pytest.mark.parametrize("original", ORIGINALS)
def test_what_nobody_edited_comes_back_to_the_byte(original: bytes | None) -> None:
    originals, written = _exposed(original)
    assert _undo(originals, written) == original


@pytest.mark.parametrize("original", ORIGINALS)
def test_originals_survives_the_disk(original: bytes | None) -> None:
    originals, _written = _exposed(original)
    assert Originals.read(originals.as_bytes()) == originals
    assert originals.files[layout.DAEMON_JSON].original == original


@pytest.mark.parametrize("original", ORIGINALS)
def test_an_edit_stays_and_only_our_keys_go_back(original: bytes | None) -> None:
    originals, written = _exposed(original)
    edited = merge(written.decode(), {"debug": True, "mtu": 9000}).encode()
    undone = _undo(originals, edited)
    assert undone is not None
    before = parse((original or b"").decode())
    assert parse(undone.decode()) == {**before, "debug": True, "mtu": 9000}


@pytest.mark.parametrize("original", ORIGINALS)
def test_an_edit_of_spacing_alone_is_no_reason_to_leave_anything_behind(original: bytes | None) -> None:
    originals, written = _exposed(original)
    respaced = json.dumps(json.loads(written), indent=7).encode()
    assert _undo(originals, respaced) == original


def test_an_edit_keeps_the_users_spacing() -> None:
    originals, written = _exposed(b'{\n\t"mtu": 1400\n}\n')
    edited = written.replace(b'"mtu": 1400', b'"mtu": 1400,\n\n\t"dns":["1.1.1.1"]')
    assert _undo(originals, edited) == b'{\n\t"mtu": 1400,\n\n\t"dns":["1.1.1.1"]\n}\n'


def test_a_key_of_ours_that_the_user_had_before_goes_back_to_the_users_value_as_written() -> None:
    originals, written = _exposed(b'{"live-restore" :  false, "mtu": 1400}')
    assert _undo(originals, written.replace(b"1400", b"1401")) == b'{"live-restore" :  false, "mtu": 1401}'


@pytest.mark.parametrize("original", ORIGINALS)
def test_a_daemon_json_that_was_deleted_since_is_as_it_was(original: bytes | None) -> None:
    assert _undo(_exposed(original)[0], None) == original


def test_a_key_of_ours_that_the_user_took_out_stays_out() -> None:
    originals, written = _exposed(b'{"mtu": 1400}')
    settings = json.loads(written)
    del settings["live-restore"]
    settings["debug"] = True
    assert parse((_undo(originals, json.dumps(settings).encode()) or b"").decode()) == {"mtu": 1400, "debug": True}


def test_our_keys_are_all_that_an_exposure_writes() -> None:
    assert set(layout.OUR_KEYS) == set(OURS)


OPTIONS = "/etc/default/docker"


@pytest.mark.parametrize("original", [None, b"", b"# theirs\nDOCKER_OPTS=--debug\n", b"DOCKER_OPTS=--debug"])
def test_our_block_goes_out_of_an_options_file(original: bytes | None) -> None:
    written = with_block(original or b"", 'DOCKER_OPTS="--debug -H tcp://10.20.0.5:2376"\n')
    originals = _remembering(OPTIONS, original, written)
    assert originals.undo(OPTIONS, written) == original
    edited = b"# an edit\n" + written
    assert originals.undo(OPTIONS, edited) == b"# an edit\n" + (original or b"") + (
        b"" if not original or original.endswith(b"\n") else b"\n"
    )


def test_a_file_that_was_put_aside_comes_back_unless_there_is_another_by_now() -> None:
    originals = _remembering("/etc/systemd/system/docker-tcp.socket", b"[Socket]\nListenStream=2375\n", None)
    assert originals.undo("/etc/systemd/system/docker-tcp.socket", None) == b"[Socket]\nListenStream=2375\n"
    assert originals.undo("/etc/systemd/system/docker-tcp.socket", b"another\n") == b"another\n"


@pytest.mark.parametrize(
    ("current", "users"),
    [
        (None, None),
        (b'{"mtu": 1400}', b'{"mtu": 1400}'),
        (
            b'{"tlsverify": true, "tlscacert": "/etc/theirs/ca.pem"}',
            b'{"tlsverify": true, "tlscacert": "/etc/theirs/ca.pem"}',
        ),
        (b'{"tlsverify": true, "tlscacert": "/etc/docker/gangway/ca.pem", "mtu": 1400}', b'{"mtu": 1400}'),
    ],
)
def test_where_nothing_is_remembered_our_tls_keys_are_known_by_their_files(
    current: bytes | None, users: bytes | None
) -> None:
    assert Originals().users_daemon_json(current) == users


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"files": {}}', b'{"files": {"/etc/default/docker": {"no": 1}}}']
)
def test_a_damaged_memory_is_said_to_be(content: bytes) -> None:
    with pytest.raises(Failure, match="damaged") as caught:
        Originals.read(content)
    assert caught.value.key == "state_unreadable"
