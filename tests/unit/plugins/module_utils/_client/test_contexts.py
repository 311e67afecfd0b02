# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of a client's docker contexts."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._client.contexts import context_names
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
