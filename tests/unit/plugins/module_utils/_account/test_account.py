# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The account that gets the identity."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._account.account import Account, find_account
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account("ci", os.geteuid(), os.getegid(), str(tmp_path))


@pytest.mark.parametrize(
    ("path", "expanded"),
    [("~/.docker", "{home}/.docker"), ("~", "{home}"), ("/opt/ci/", "/opt/ci"), ("/opt//ci/../cd", "/opt/cd")],
)
def test_a_tilde_is_that_users_home(account: Account, path: str, expanded: str) -> None:
    assert account.expand(path) == expanded.replace("{home}", account.home)


@pytest.mark.parametrize("path", ["", "docker", "~other/x", "/opt/a\nb", "/opt/\0"])
def test_a_path_is_written_in_full(account: Account, path: str) -> None:
    with pytest.raises(Failure) as error:
        account.expand(path)
    assert error.value.key == "invalid_path"


def test_a_home_that_is_not_there_is_told() -> None:
    with pytest.raises(Failure) as error:
        Account("ci", 1, 1, "/nonexistent").expand("~/.docker")
    assert error.value.key == "home_missing"


def test_the_account_that_runs_it_is_taken_unless_named() -> None:
    assert find_account(None).uid == os.geteuid()
    assert find_account("root").uid == 0
    with pytest.raises(Failure) as error:
        find_account("nobody-has-this-name")
    assert error.value.key == "user_missing"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_rights_are_given_back_even_after_an_error(tmp_path: Path) -> None:
    before = (os.geteuid(), os.getegid(), os.getgroups())
    closed = tmp_path / "closed"
    closed.touch(mode=0o600)
    with pytest.raises(PermissionError), Account("nobody", 65534, 65534, "/").rights():
        closed.read_bytes()
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before
    with Account("nobody", 65534, 65534, "/").rights():
        assert (os.geteuid(), os.getegid(), 0 in os.getgroups()) == (65534, 65534, False)
