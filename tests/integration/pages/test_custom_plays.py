# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays of docs/custom-plays.md."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.integration.port import ask, is_safe
from tests.integration.world import Reader
from tests.lab.hosts import Host
from tests.lab.images import CLIENT
from tests.shown import shown


@pytest.mark.flavours("trixie")
def test_modules_without_a_role(host: Host, client_machine: Host, tmp_path: Path) -> None:
    reader = Reader(tmp_path, host, client_machine)
    reader.plays(shown("docs/custom-plays.md", "- name: Expose the daemons\n"))
    assert reader.types("docker --context web1 ps --format '{{.Names}}'") == "witness\n"


@pytest.mark.flavours("bookworm")
def test_from_a_bare_server_to_an_exposed_daemon(
    host: Host, lab: t.Callable[..., Host], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """C(host) has nothing to do with it: it gives the test to a lane."""
    bare = lab(f"{request.config.getoption('--prefix')}-{host.flavour}-bare", CLIENT)
    reader = Reader(tmp_path, bare, bare)
    reader.plays(shown("docs/custom-plays.md", "- name: Install Docker from the distribution"))
    assert ask(bare.address, bundle=reader.fleet / "clients" / "admin") == "answered"
    assert is_safe(bare.address)
