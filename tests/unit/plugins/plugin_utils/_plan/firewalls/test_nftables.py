# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table comes into force by the unit that the host boots with, and goes with what would load it again."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import LoadRules, ReadUnits, Remove, Write
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls import nftables
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import (
    Access,
    FirewallFacts,
    Place,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables import NFTABLES
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables_rules import render_rules
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables_units import (
    RUN_FILES,
    render_script,
    render_unit,
    render_watch_unit,
    restore_gate,
)

MakeAccess = t.Callable[..., Access]
MakeFacts = t.Callable[..., FirewallFacts]
NFT, PYTHON = "/usr/sbin/nft", "/usr/bin/python3"
#: The rules come with a narrow gate.
LOAD = ((NFT, "-f", layout.FIREWALL_RULES), ("sh", "-c", restore_gate(PYTHON)))
FORGET = ("rm", "-f", *RUN_FILES)
DELETE = (NFT, "delete", "table", "inet", "gangway_docker")
RELOAD = ("systemctl", "reload-or-restart", layout.FIREWALL_SERVICE)
WATCH = ("systemctl", "restart", layout.FIREWALL_WATCH_SERVICE)
STOPS = tuple(("systemctl", "stop", unit) for unit in (layout.FIREWALL_WATCH_SERVICE, layout.FIREWALL_SERVICE))
INITS = ["systemd", "sysvinit", "openrc"]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[Access | None], None]:
    """What the kernel has: the listing's form is test_nftables_rules.py's subject."""

    def have(loaded: Access | None) -> None:
        rules = None if loaded is None else render_rules(loaded)
        monkeypatch.setattr(nftables, "has_rules", lambda _listing, wanted: render_rules(wanted) == rules)
        monkeypatch.setattr(nftables, "places_in", lambda _listing: () if loaded is None else loaded.places)

    have(None)
    return have


def _installed(facts: MakeFacts, access: Access, **more: t.Any) -> FirewallFacts:
    files = NFTABLES.files(facts(**more), access)
    return facts(files=files, nftables="the table", is_watched=True, **more)


def test_systemd_gets_the_units_that_load_the_rules_at_boot(access: MakeAccess, facts: MakeFacts) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    rules = {layout.FIREWALL_RULES: render_rules(wanted)}
    units = {
        layout.FIREWALL_SCRIPT: render_script(NFT, PYTHON),
        layout.FIREWALL_UNIT: render_unit(),
        layout.FIREWALL_WATCH_UNIT: render_watch_unit(),
    }
    assert NFTABLES.files(facts(), wanted) == {**rules, **units}
    for init in ("sysvinit", "openrc"):
        assert NFTABLES.files(facts(init=init), wanted) == rules


def test_without_nft_it_is_refused(access: MakeAccess, facts: MakeFacts) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    assert NFTABLES.unsuitable(facts(), wanted, method="override") is None
    failure = NFTABLES.unsuitable(facts(tools={"nft": None}), wanted, method="override")
    assert failure is not None
    assert failure.key == "nft_missing"


@pytest.mark.parametrize("init", INITS)
def test_the_first_load_writes_the_files_before_it_runs_anything(
    access: MakeAccess, facts: MakeFacts, kernel: t.Callable[..., None], init: str
) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    steps = NFTABLES.load(facts(init=init), wanted)
    written = {step.path: step.content for step in steps if isinstance(step, Write)}
    assert written == NFTABLES.files(facts(init=init), wanted)
    assert [type(step) for step in steps[len(written) :]] == [ReadUnits, LoadRules][init != "systemd" :]
    assert isinstance(steps[-1], LoadRules)
    assert steps[-1].commands == ((RELOAD, WATCH) if init == "systemd" else LOAD)
    removed = (DELETE, FORGET) if init == "systemd" else (DELETE,)
    assert NFTABLES.narrow(facts(init=init), wanted) == ()
    assert NFTABLES.way_back(facts(init=init), wanted).load == ()
    assert NFTABLES.way_back(facts(init=init), wanted).unload[-len(removed) :] == removed


@pytest.mark.parametrize("init", INITS)
def test_rules_in_force_are_left_alone(
    access: MakeAccess, facts: MakeFacts, kernel: t.Callable[..., None], init: str
) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    kernel(wanted)
    found = _installed(facts, wanted, init=init)
    assert NFTABLES.in_force(found, wanted)
    assert NFTABLES.load(found, wanted) == NFTABLES.narrow(found, wanted) == ()


@pytest.mark.parametrize(
    "damage",
    [
        {"is_watched": False},
        {"files": {}},
        {"loose_files": frozenset([layout.FIREWALL_RULES])},
        {"nftables": None},
    ],
)
def test_rules_that_are_not_as_requested_are_loaded(
    access: MakeAccess, facts: MakeFacts, kernel: t.Callable[..., None], damage: dict[str, t.Any]
) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    kernel(None if "nftables" in damage else wanted)
    found = facts(**{"files": NFTABLES.files(facts(), wanted), "nftables": "the table", "is_watched": True, **damage})
    assert not NFTABLES.in_force(found, wanted)
    assert isinstance(NFTABLES.load(found, wanted)[-1], LoadRules)


def test_a_place_that_goes_stays_guarded_until_it_is_closed(
    access: MakeAccess, facts: MakeFacts, kernel: t.Callable[..., None]
) -> None:
    old, new = access(["10.0.0.5:2377"], ["0.0.0.0/0"]), access(["10.0.0.5:2376"], ["10.20.0.0/24"])
    kernel(old)
    found = _installed(facts, old)
    loaded = NFTABLES.load(found, new)[0]
    # The old port, too, is open to the new list only: it may be the same port, in the clear now.
    assert loaded == Write(layout.FIREWALL_RULES, render_rules(new.also_at([Place("10.0.0.5", 2377)])))
    narrowed = NFTABLES.narrow(found, new)
    assert narrowed[0] == Write(layout.FIREWALL_RULES, render_rules(new))
    assert isinstance(narrowed[1], LoadRules)
    assert NFTABLES.way_back(found, new).load == (RELOAD, WATCH)


@pytest.mark.parametrize("init", INITS)
def test_unloading_stops_first_what_would_load_the_table_again(access: MakeAccess, facts: MakeFacts, init: str) -> None:
    found = _installed(facts, access(["any:2376"], ["10.20.0.0/24"]), init=init)
    assert NFTABLES.is_present(found)
    commands, *removed = NFTABLES.unload(found)
    assert isinstance(commands, LoadRules)
    assert commands.ignore_errors
    assert commands.commands == ((*STOPS, DELETE, FORGET) if init == "systemd" else (DELETE,))
    assert [step.path for step in removed if isinstance(step, Remove)] == list(found.files)
    assert NFTABLES.way_back(found, None).load == ((RELOAD, WATCH) if init == "systemd" else LOAD)


def test_a_host_that_has_nothing_of_it(facts: MakeFacts) -> None:
    assert not NFTABLES.is_present(facts())
