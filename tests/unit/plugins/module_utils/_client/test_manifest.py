# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of what we have put on a machine."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._client.manifest import Manifest, parse_manifest
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


def test_what_is_written_is_what_is_read() -> None:
    manifest = Manifest("ci", "default", ("/home/ci/.docker/ca.pem",), ("/home/ci/.docker",))
    assert parse_manifest(manifest.render(), "m") == manifest
    assert parse_manifest(None, "m") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"client": "ci", "fleet": "default", "files": [1], "folders": []}',
        b'{"client": "ci", "fleet": "default", "files": ["relative"], "folders": []}',
        b'{"client": "ci", "fleet": "default", "files": null, "folders": []}',
        b"\xff",
    ],
)
def test_what_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(Failure) as error:
        parse_manifest(content, "m")
    assert error.value.key == "manifest_unreadable"
