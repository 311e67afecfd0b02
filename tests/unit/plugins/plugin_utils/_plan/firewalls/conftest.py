# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access lists and reports of hosts for the firewall kinds."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import Access, FirewallFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import parse_allow, parse_listen

TOOLS = {"nft": "/usr/sbin/nft", "firewall-cmd": "/usr/bin/firewall-cmd", "ufw": "/usr/sbin/ufw"}


def _access(listen: t.Sequence[str], allow: t.Sequence[str]) -> Access:
    return Access(tuple(map(parse_listen, listen)), parse_allow(allow))


def _facts(**facts: t.Any) -> FirewallFacts:
    return FirewallFacts(**{"init": "systemd", "tools": TOOLS, **facts})


@pytest.fixture(scope="session")
def access() -> t.Callable[..., Access]:
    """An access list from entries of C(listen) and C(allow)."""
    return _access


@pytest.fixture(scope="session")
def facts() -> t.Callable[..., FirewallFacts]:
    """What a host with all three programs reported, systemd's unless said otherwise."""
    return _facts
