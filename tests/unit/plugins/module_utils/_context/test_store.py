# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""meta.json and config.json, as the docker CLI reads and writes them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._context.config_json import (
    current_context,
    with_current_context,
)
from ansible_collections.gangway.docker.plugins.module_utils._context.names import check_context_name
from ansible_collections.gangway.docker.plugins.module_utils._context.store import (
    Context,
    docker_endpoint,
    parse_meta,
    render_meta,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

CONTEXT = Context({"Description": "client ci"}, docker_endpoint("tcp://web1:2376"))


@pytest.mark.parametrize("name", ["web1", "w1", "a.b_c+d-e", "1+", "default"])
def test_names_that_the_cli_takes(name: str) -> None:
    check_context_name(name)


@pytest.mark.parametrize("name", ["", "w", "-w1", "web 1", "wéb", "a/b", "web1\n", "../x"])
def test_names_that_the_cli_refuses(name: str) -> None:
    with pytest.raises(Failure) as error:
        check_context_name(name)
    assert error.value.key == "context_name_invalid"


def test_meta_json_is_what_the_cli_writes() -> None:
    content = render_meta("web1", CONTEXT)
    assert content == (
        b'{"Name":"web1","Metadata":{"Description":"client ci"},'
        b'"Endpoints":{"docker":{"Host":"tcp://web1:2376","SkipTLSVerify":false}}}'
    )
    assert parse_meta(content, "meta.json") == CONTEXT


def test_meta_json_of_an_older_cli_is_read() -> None:
    found = parse_meta(b'{"name":"x","Metadata":null,"endpoints":{"docker":{"Host":"ssh://h"},"kubernetes":{}}}', "p")
    assert (found.host, found.description, found.skips_verification) == ("ssh://h", "", False)
    assert "kubernetes" in found.endpoints


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"Metadata": 1}', b'{"Endpoints": [1]}', b"\xff", b"[" * 20000]
)
def test_a_damaged_meta_json_is_named(content: bytes) -> None:
    with pytest.raises(Failure) as error:
        parse_meta(content, "/x/meta.json")
    assert error.value.key == "context_unreadable"
    assert "/x/meta.json" in str(error.value)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b'{"currentContext": "web1"}', "web1"),
        (b'{"currentContext": ""}', None),
        (b"{}", None),
        (None, None),
        (b"{", None),
        (b"[]", None),
        (b'{"currentContext": 1}', None),
    ],
)
def test_the_current_context_is_read_from_config_json(content: bytes | None, name: str | None) -> None:
    assert current_context(content) == name


CONFIG = b'{\n\t"auths": {\n\t\t"r": {"auth": "c2VjcmV0"}\n\t},\n\t"currentContext": "old",\n\t"psFormat": "a\\tb"\n}'


def test_only_the_current_context_changes_in_config_json() -> None:
    assert with_current_context(CONFIG, "web1", "p") == CONFIG.replace(b'"old"', b'"web1"')
    without = with_current_context(CONFIG, None, "p")
    assert without == CONFIG.replace(b'"currentContext": "old",\n\t', b"")
    again = with_current_context(without, "web1", "p")
    assert again == without.replace(b'"a\\tb"', b'"a\\tb",\n\t"currentContext": "web1"')


def test_a_new_config_json_has_the_current_context_alone() -> None:
    content = with_current_context(None, "web1", "p")
    assert json.loads(content) == {"currentContext": "web1"}
    assert json.loads(with_current_context(content, None, "p")) == {}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff{}", b'{"a":1,"a":2}'])
def test_a_damaged_config_json_is_not_overwritten(content: bytes) -> None:
    with pytest.raises(Failure) as error:
        with_current_context(content, "web1", "/x/config.json")
    assert error.value.key == "config_json_unreadable"
