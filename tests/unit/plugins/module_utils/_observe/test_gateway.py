# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a host whose port HAProxy serves."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe import observe as observe_module
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from .conftest import Site

LISTEN = "172.30.77.15:2376 (Stream) [fd77:6777::f]:2376 (Stream) [::]:2377 (Stream)"
PLACES = [("172.30.77.15", 2376), ("fd77:6777::f", 2376), ("::", 2377)]


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where strangers were sent."""
    found: list[tuple[str, int]] = []

    def answers(_questions: t.Any, places: t.Iterable[tuple[str, int]]) -> list[dict[str, t.Any]]:
        found.extend(places)
        return []

    monkeypatch.setattr(observe_module, "ask_ports", lambda _questions, _places: None)
    monkeypatch.setattr(observe_module, "answers", answers)
    return found


def _serve(site: Site, main_pid: str = "627") -> None:
    site.units[layout.GANGWAY_SOCKET] = {"LoadState": "loaded", "ActiveState": "active", "Listen": LISTEN}
    site.units[layout.GATEWAY_SERVICE] = {"LoadState": "loaded", "ActiveState": "active", "MainPID": main_pid}


@pytest.mark.parametrize("pid", ["42", "0"])
def test_its_port_is_asked_whether_dockerd_runs_or_not(site: Site, asked: list[t.Any], pid: str) -> None:
    _serve(site)
    site.service |= {"MainPID": pid, "ActiveState": "active" if pid != "0" else "inactive"}
    site.observe()
    assert asked == PLACES


@pytest.mark.parametrize("main_pid", ["0", ""])
def test_without_haproxy_nobody_is_there_to_answer(site: Site, asked: list[t.Any], main_pid: str) -> None:
    _serve(site, main_pid)
    site.observe()
    assert asked == []


def test_its_files_and_folders_are_reported(site: Site) -> None:
    files = [
        layout.CRL,
        layout.GATEWAY_UNIT,
        layout.GATEWAY_BOOT,
        layout.GATEWAY_CONFIGURATION,
        layout.GATEWAY_CLIENTS,
        layout.GATEWAY_DIGESTS,
    ]
    folder = layout.GATEWAY_BOOT.rpartition("/")[0]
    assert site.observe()["folders"][folder] is None
    for path in files:
        site.write(path, f"{path}\n")
    observation = site.observe()
    assert {path: observation["files"][path]["content"] for path in files} == {path: f"{path}\n" for path in files}
    assert observation["folders"][folder] is not None


def test_its_program_is_found(site: Site) -> None:
    assert site.observe()["tools"]["haproxy"] is None
    site.write("/usr/sbin/haproxy", mode=0o755)
    assert site.observe()["tools"]["haproxy"] == f"{site.root}/usr/sbin/haproxy"


def test_its_unit_is_asked_for_with_the_others(site: Site) -> None:
    _serve(site)
    observation = site.observe()
    assert observation["units"][layout.GATEWAY_SERVICE]["ActiveState"] == "active"
    assert [words[:2] for words in site.ran].count(["systemctl", "show"]) == 1
