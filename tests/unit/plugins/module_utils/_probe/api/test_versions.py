# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Agreeing on a version of the API."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.api.versions import Range, negotiate, parse_range
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import Problem
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.mark.parametrize(
    ("client", "newest", "oldest", "agreed"),
    [
        ("1.24-1.45", "1.51", "1.24", "1.45"),
        ("1.24-1.45", "1.41", "1.12", "1.41"),
        ("1.24-1.45", "1.41", None, "1.41"),
        ("1.9-1.10", "1.10", "1.9", "1.10"),
        ("1.44-1.44", "1.52", "1.44", "1.44"),
    ],
)
def test_the_newest_that_both_speak(client: str, newest: str, oldest: str | None, agreed: str) -> None:
    assert negotiate(parse_range(client), newest, oldest) == agreed


@pytest.mark.parametrize(
    ("client", "newest", "oldest", "state"),
    [
        ("1.44-1.52", "1.41", "1.12", "api_too_old"),
        ("1.12-1.41", "1.52", "1.44", "api_too_new"),
        ("1.12-1.41", "None", None, "not_docker"),
        ("1.12-1.41", "1.41", "x", "not_docker"),
    ],
)
def test_none_that_both_speak(client: str, newest: str, oldest: str | None, state: str) -> None:
    with pytest.raises(Problem) as problem:
        negotiate(parse_range(client), newest, oldest)
    assert problem.value.state == state


def test_ranges() -> None:
    assert parse_range("1.44 - 1.52") == Range("1.44", "1.52")
    assert parse_range("1.44") == Range("1.44", "1.44")


@pytest.mark.parametrize("text", ["", "auto", "1.52-1.44", "1.10-1.9", "1", "1.44-x", "-1.44"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(Failure) as failure:
        parse_range(text)
    assert failure.value.key == "invalid_api_versions"
