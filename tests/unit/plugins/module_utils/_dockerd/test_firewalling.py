# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules come into force by the unit that the host boots with, and go with what would bring them back."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import firewalling, layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.firewall import (
    render_rules,
    render_unit,
    render_watch_unit,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.firewalling import (
    firewall_files,
    load_firewall,
    rules_in_force,
    unload_firewall,
)
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.host import Host
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.init import Scripts, Systemd
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.method import Exposure
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

MakeExposure = t.Callable[..., Exposure]
LOAD = f"nft -f {layout.FIREWALL_RULES}"
LIST = "nft -j list table inet gangway_docker"
DELETE = "nft delete table inet gangway_docker"
RELOAD = f"systemctl reload-or-restart {layout.FIREWALL_SERVICE}"
WATCH = f"systemctl start {layout.FIREWALL_WATCH_SERVICE}"


class World:
    """A host with this init; C(fails) are the commands that end with 1, C(calls) all that were run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.fails: tuple[str, ...] = ()
        self.watch = "active"
        self.host = Host(self._run)
        self._monkeypatch = monkeypatch

    def boots(self, init: str) -> Host:
        made = Systemd(self.host) if init == "systemd" else Scripts(self.host, init)
        self._monkeypatch.setattr(firewalling, "init_of", lambda _host: made)
        return self.host

    def _run(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        command = " ".join(words)
        self.calls.append(command)
        if command in self.fails:
            return 1, "", f"{words[0]} says no\n"
        return 0, f"ActiveState={self.watch}\n" if "show" in words else "the table", ""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_systemd_gets_the_units_that_load_the_rules_at_boot(
    exposure: MakeExposure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firewalling.shutil, "which", lambda name, path: f"/opt/{name}")
    asked = exposure(firewall="nftables")
    rules = {layout.FIREWALL_RULES: render_rules(asked.listen, asked.allow)}
    assert firewall_files(asked, "systemd") == {
        **rules,
        layout.FIREWALL_UNIT: render_unit("/opt/nft"),
        layout.FIREWALL_WATCH_UNIT: render_watch_unit("/opt/nft"),
    }
    for init in ("sysvinit", "openrc"):
        assert firewall_files(asked, init) == rules


@pytest.mark.parametrize("init", ["systemd", "openrc"])
def test_without_nft_it_is_refused(exposure: MakeExposure, monkeypatch: pytest.MonkeyPatch, init: str) -> None:
    monkeypatch.setattr(firewalling, "_PATH", "/no/such/folder")
    with pytest.raises(Failure) as failure:
        firewall_files(exposure(firewall="nftables"), init)
    assert failure.value.key == "nft_missing"


def test_nft_is_found_where_ansibles_path_has_no_sbin(
    exposure: MakeExposure, monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any
) -> None:
    (tmp_path / "nft").touch(mode=0o755)
    monkeypatch.setenv("PATH", "/no/such/folder")
    monkeypatch.setattr(firewalling, "_PATH", f"/no/such:{tmp_path}")
    unit = firewall_files(exposure(firewall="nftables"), "systemd")[layout.FIREWALL_UNIT]
    assert f"ExecStart={tmp_path}/nft -f " in unit


@pytest.mark.parametrize(
    ("init", "calls"),
    [
        ("systemd", [RELOAD, WATCH]),
        ("sysvinit", [LOAD]),
        ("openrc", [LOAD]),
    ],
)
def test_loading(world: World, init: str, calls: list[str]) -> None:
    load_firewall(world.boots(init))
    assert world.calls == calls


@pytest.mark.parametrize(("init", "fails"), [("systemd", RELOAD), ("systemd", WATCH), ("sysvinit", LOAD)])
def test_rules_that_do_not_load_are_told(world: World, init: str, fails: str) -> None:
    world.fails = (fails,)
    with pytest.raises(Failure) as failure:
        load_firewall(world.boots(init))
    assert failure.value.key == "firewall_failed"
    assert f"({fails.split()[0]} says no)" in str(failure.value)
    # No use in a watch over rules that are not there.
    assert world.calls[-1] == fails


def test_unloading_stops_first_what_would_bring_them_back(world: World) -> None:
    unload_firewall(world.boots("systemd"))
    assert world.calls == [
        f"systemctl stop {layout.FIREWALL_WATCH_SERVICE}",
        f"systemctl stop {layout.FIREWALL_SERVICE}",
        DELETE,
    ]


@pytest.mark.parametrize("init", ["sysvinit", "openrc"])
def test_unloading_without_systemd_needs_no_table(world: World, init: str) -> None:
    world.fails = (DELETE,)
    unload_firewall(world.boots(init))
    assert world.calls == [DELETE]


@pytest.mark.parametrize(
    ("init", "fails", "matches", "watch", "in_force"),
    [
        ("systemd", (), True, "active", True),
        ("systemd", (LIST,), True, "active", False),
        ("systemd", (), False, "active", False),
        ("systemd", (), True, "inactive", False),
        ("systemd", (), True, "failed", False),
        ("openrc", (), True, "", True),
        ("openrc", (), False, "", False),
        ("sysvinit", (LIST,), True, "", False),
    ],
)
def test_rules_are_in_force_as_the_kernel_has_them_and_watched(
    world: World,
    exposure: MakeExposure,
    monkeypatch: pytest.MonkeyPatch,
    init: str,
    fails: tuple[str, ...],
    matches: bool,
    watch: str,
    in_force: bool,
) -> None:
    asked = exposure(firewall="nftables")
    world.fails, world.watch = fails, watch
    seen: list[t.Any] = []
    monkeypatch.setattr(firewalling, "is_in_force", lambda *what: bool(seen.append(what)) or matches)
    assert rules_in_force(world.boots(init), asked) is in_force
    assert world.calls[0] == LIST
    assert seen == ([] if fails else [("the table", asked.listen, asked.allow)])


def test_a_host_without_nft_has_no_rules_in_force(exposure: MakeExposure) -> None:
    def run(_words: t.Sequence[str]) -> tuple[int, str, str]:
        raise FileNotFoundError("nft")

    assert not rules_in_force(Host(run), exposure(firewall="nftables"))
