# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host was comes back: to the byte where nobody edited it, and else around the user's edits."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.daemon_json import merge, parse
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.what_was import OUR_KEYS, WhatWas

OURS: dict[str, t.Any] = {
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


def _exposed(original: bytes | None) -> tuple[WhatWas, bytes]:
    written = merge((original or b"").decode(), OURS).encode()
    return WhatWas.of(original, ["/etc/docker"], written), written


@pytest.mark.parametrize("original", ORIGINALS)
def test_what_nobody_edited_comes_back_to_the_byte(original: bytes | None) -> None:
    what_was, written = _exposed(original)
    assert what_was.undo(written) == original


@pytest.mark.parametrize("original", ORIGINALS)
def test_what_was_survives_the_disk(original: bytes | None) -> None:
    what_was, _written = _exposed(original)
    assert WhatWas.read(what_was.as_bytes()) == what_was
    assert what_was.original_daemon_json() == original


@pytest.mark.parametrize("original", ORIGINALS)
def test_an_edit_stays_and_only_our_keys_go_back(original: bytes | None) -> None:
    what_was, written = _exposed(original)
    edited = merge(written.decode(), {"debug": True, "mtu": 9000}).encode()
    undone = what_was.undo(edited)
    assert undone is not None
    before = parse((original or b"").decode())
    assert parse(undone.decode()) == {**before, "debug": True, "mtu": 9000}


@pytest.mark.parametrize("original", ORIGINALS)
def test_an_edit_of_spacing_alone_is_no_reason_to_leave_anything_behind(original: bytes | None) -> None:
    what_was, written = _exposed(original)
    respaced = json.dumps(json.loads(written), indent=7).encode()
    assert what_was.undo(respaced) == original


def test_an_edit_keeps_the_users_spacing() -> None:
    what_was, written = _exposed(b'{\n\t"mtu": 1400\n}\n')
    edited = written.replace(b'"mtu": 1400', b'"mtu": 1400,\n\n\t"dns":["1.1.1.1"]')
    assert what_was.undo(edited) == b'{\n\t"mtu": 1400,\n\n\t"dns":["1.1.1.1"]\n}\n'


def test_a_key_of_ours_that_the_user_had_before_goes_back_to_the_users_value_as_written() -> None:
    what_was, written = _exposed(b'{"live-restore" :  false, "mtu": 1400}')
    assert what_was.undo(written.replace(b"1400", b"1401")) == b'{"live-restore" :  false, "mtu": 1401}'


@pytest.mark.parametrize("original", ORIGINALS)
def test_a_daemon_json_that_was_deleted_since_is_as_it_was(original: bytes | None) -> None:
    assert _exposed(original)[0].undo(None) == original


def test_a_key_of_ours_that_the_user_took_out_stays_out() -> None:
    what_was, written = _exposed(b'{"mtu": 1400}')
    settings = json.loads(written)
    del settings["live-restore"]
    settings["debug"] = True
    assert parse((what_was.undo(json.dumps(settings).encode()) or b"").decode()) == {"mtu": 1400, "debug": True}


def test_our_keys_are_all_that_an_exposure_writes() -> None:
    assert set(OUR_KEYS) == set(OURS)
