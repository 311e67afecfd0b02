# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contexts of the docker CLI."""

from __future__ import annotations

import json

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._client.contexts import (
    context_names,
    current_context,
    render_meta,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("web1", "web1"),
        ("web1.example.com", "web1.example.com"),
        ("web 1", "web-1"),
        ("wéb1", "w-b1"),
        ("a/b", "a-b"),
        ("-web1", "gangway--web1"),
        ("w", "gangway-w"),
        ("default", "gangway-default"),
    ],
)
def test_an_endpoints_context_has_a_name_that_the_cli_takes(endpoint: str, name: str) -> None:
    assert context_names([endpoint]) == {endpoint: name}


def test_two_endpoints_do_not_share_a_context() -> None:
    with pytest.raises(Failure) as error:
        context_names(["web 1", "web1", "web-1"])
    assert error.value.key == "context_name_taken"


def test_meta_json_is_what_the_cli_writes() -> None:
    assert json.loads(render_meta("web1", "tcp://web1:2376", "client ci")) == {
        "Name": "web1",
        "Metadata": {"Description": "client ci"},
        "Endpoints": {"docker": {"Host": "tcp://web1:2376", "SkipTLSVerify": False}},
    }


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'{"currentContext": "web1"}', "web1"),
        (b"{}", None),
        (None, None),
        (b"{", None),
        (b"[]", None),
        (b'{"currentContext": 1}', None),
    ],
)
def test_the_current_context_is_read_from_config_json(content: bytes | None, name: str | None) -> None:
    assert current_context(content) == name
