# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients as a task names them."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client, parse_clients


@pytest.mark.parametrize(
    ("entries", "clients"),
    [
        ([], ()),
        (["ci", "bob"], (Client("ci"), Client("bob"))),
        ([42], (Client("42"),)),
        ([{"name": "ci"}], (Client("ci", "full"),)),
        ([{"name": "ci", "rights": "read"}, "bob"], (Client("ci", "read"), Client("bob"))),
        ([{"name": "ci", "validity": "8h"}], (Client("ci", validity=datetime.timedelta(hours=8)),)),
        ([{"name": "ci", "validity": ""}, {"name": "bob", "validity": None}], (Client("ci"), Client("bob"))),
        ([{"name": "ci", "state": "revoked"}, "bob"], (Client("ci", is_revoked=True), Client("bob"))),
        (["ci", {"name": "ci"}, {"name": "ci", "rights": "full"}], (Client("ci"),)),
    ],
)
def test_names_and_mappings_are_read_in_their_order(entries: list[t.Any], clients: tuple[Client, ...]) -> None:
    assert parse_clients(entries) == clients


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "ci", "right": "read"}, "it has right, and a client has"),
        ({"name": "ci", 1: 2, "a": 3}, "it has 1, a, and a client has"),
        ({"name": "ci", "rights": "write"}, "rights is 'write', and can be full or read"),
        ({"name": "ci", "rights": None}, "rights is None"),
        ({"name": "ci", "rights": ["read"]}, "rights is ['read']"),
        ({"name": "ci", "state": "absent"}, "state is 'absent', and can be present or revoked"),
        ({"rights": "read"}, "it has no name"),
        ({"name": None}, "it has no name"),
        ({}, "it has no name"),
        (None, "neither a name nor a mapping"),
        (True, "neither a name nor a mapping"),
        (["ci"], "neither a name nor a mapping"),
    ],
)
def test_what_is_no_client_is_refused(entry: t.Any, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_clients(["bob", entry])
    assert caught.value.key == "invalid_client"
    assert reason in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "a/b", "../a", "-a", "é", "a" * 65, 'a"b', "a'b", "a#b", "a%b"])
def test_a_name_that_no_certificate_and_no_configuration_can_hold_is_refused(name: str) -> None:
    for entry in (name, {"name": name, "rights": "read"}):
        with pytest.raises(Failure) as caught:
            parse_clients([entry])
        assert caught.value.key == "invalid_name"


@pytest.mark.parametrize("validity", ["soon", "1m", "0h"])
def test_a_validity_is_a_duration(validity: t.Any) -> None:
    with pytest.raises(Failure) as caught:
        parse_clients([{"name": "ci", "validity": validity}])
    assert caught.value.key == "invalid_validity"


@pytest.mark.parametrize(
    "entries", [["ci", {"name": "ci", "rights": "read"}], [{"name": "ci", "rights": "read"}, {"name": "ci"}]]
)
def test_one_client_has_not_two_rights(entries: list[t.Any]) -> None:
    with pytest.raises(Failure) as caught:
        parse_clients(entries)
    assert caught.value.key == "invalid_client"
    assert "named twice" in str(caught.value)
