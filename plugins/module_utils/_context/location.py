# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose contexts they are, and where the docker command looks for them."""

from __future__ import annotations

__all__ = ("config_folder", "context_account")

import dataclasses
import os

from .._account.account import Account, find_account


def context_account(name: str | None) -> Account:
    """Return the account of that name, or the one that runs this, with HOME as its home. Failure: C(user_missing)."""
    account = find_account(name)
    home = os.environ.get("HOME", "")
    # The docker command and Ansible take HOME first.
    is_own = name is None and home.startswith("/")
    return dataclasses.replace(account, home=os.path.normpath(home)) if is_own else account


def config_folder(account: Account) -> str:
    """Return the docker command's folder. The variable is of the account that runs this."""
    of_environment = os.environ.get("DOCKER_CONFIG") if account.uid == os.geteuid() else None
    return account.expand(os.path.abspath(of_environment) if of_environment else "~/.docker")
