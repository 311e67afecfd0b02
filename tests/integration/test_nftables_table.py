# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nftables table when others change it or flush it: the next run sees it, the unit that watches puts it right."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterator

import pytest

from tests.attack import ADMIN, attack
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.lab.engine import GATEWAY
from tests.lab.hosts import Host

WANTED = {
    "expose_method": "override",
    "expose_firewall": "nftables",
    "expose_listen": ["any:2376"],
    "expose_allow": [GATEWAY],
}
_TABLE = "inet gangway_docker"
_WATCH = "docker-gangway-firewall-watch.service"
#: A set with a timeout takes the place of ours; the rules, all comments among them, stay.
_WITH_TIMEOUT = (
    "s/set from_ipv4 {/&\\nflags interval,timeout;/; "
    f"s/elements = {{ {GATEWAY} }}/elements = {{ {GATEWAY}, {OUTSIDE} timeout 1h }}/"
)
#: What someone did, and how. The comments of the rules stay.
CHANGES = {
    "a dormant table": f"nft add table {_TABLE} '{{ flags dormant; }}'",
    "a rule replaced by one of the same comment": (
        f"nft replace rule {_TABLE} listed handle "
        f"$(nft -a list chain {_TABLE} listed | sed -n 's/.*\"from IPv4 clients\".* handle //p') "
        "accept comment '\"from IPv4 clients\"'"
    ),
    "a rule in front": f"nft insert rule {_TABLE} input accept",
    "an element with a timeout": (
        f"nft list table {_TABLE} | sed -e '/set from_ipv4/,/}}/{{/flags interval/d}}' -e '{_WITH_TIMEOUT}' "
        f">/run/changed.nft; {{ echo delete table {_TABLE}; cat /run/changed.nft; }} | nft -f -"
    ),
    "another priority": (
        f"nft list table {_TABLE} | sed 's/priority filter - 10/priority filter + 10/' >/run/changed.nft; "
        f"{{ echo delete table {_TABLE}; cat /run/changed.nft; }} | nft -f -"
    ),
    "a gate without rules": f"nft flush chain {_TABLE} gate",
}
#: What shows at a glance.
REMOVALS = {
    "an empty table": f"nft flush table {_TABLE}",
    "no table": f"nft delete table {_TABLE}",
    "a flushed ruleset": "nft flush ruleset",
    "an older ruleset": (
        f"nft list table {_TABLE} | sed 's/{GATEWAY}/{OUTSIDE}/' >/run/changed.nft; "
        f"{{ echo delete table {_TABLE}; cat /run/changed.nft; }} | nft -f -"
    ),
}

#: Not while it has the guard run, which would then hold the gate's lock for ever.
_STOP_WATCH = (
    f"for _ in $(seq 100); do systemctl kill --signal=STOP {_WATCH}; pgrep -f '[m] guard gate' >/dev/null || break; "
    f"systemctl kill --signal=CONT {_WATCH}; sleep 0.1; done"
)


@pytest.fixture
def exposed(host: Host, controller: Controller) -> Iterator[Host]:
    outcome = controller.expose(**WANTED)
    assert outcome.code == 0, outcome.failures
    yield host
    host.run(f"systemctl kill --signal=CONT {_WATCH}; rm -f /run/changed.nft", check=False)
    # Docker's own rules may be gone.
    host.run("systemctl restart docker.service")


def _table(host: Host) -> str:
    return host.run(f"nft -s list table {_TABLE}", check=False).stdout


@attack(
    "Changes rules, sets, hook or flags of the nftables table while its watching unit is stopped",
    by=ADMIN,
    expected="The next run puts them right",
)
@pytest.mark.flavours("bookworm")
def test_the_next_run_sees_what_others_changed_and_puts_it_right(exposed: Host, controller: Controller) -> None:
    before = _table(exposed)
    for change, command in CHANGES.items():
        # It would be quicker. It stays active.
        exposed.run(f"{_STOP_WATCH}; {command}")
        assert _table(exposed) != before, change
        outcome = controller.expose(**WANTED)
        assert outcome.code == 0, (change, outcome.failures)
        assert outcome.listener(exposed.name)["changed"], change
        assert _table(exposed) == before, change
    again = controller.expose(**WANTED)
    assert (again.code, again.changed(exposed.name)) == (0, 0)


@pytest.mark.flavours("bookworm", "sid")
def test_the_unit_that_watches_puts_right_what_others_change(exposed: Host, controller: Controller) -> None:
    before = _table(exposed)
    exposed.run("sleep 1.5")
    for change, command in {**CHANGES, **REMOVALS}.items():
        exposed.run(command)
        assert _becomes(lambda: _table(exposed) == before), change
    seen = [ask(exposed.address, bundle=controller.client(), source=s, timeout=2) for s in (GATEWAY, OUTSIDE)]
    assert seen == ["answered", "dropped"]
    # Our own loads do not set it off again.
    generation = exposed.run("sleep 1; nft -j list ruleset | cksum; pgrep -xc nft").stdout
    assert exposed.run("sleep 1; nft -j list ruleset | cksum; pgrep -xc nft").stdout == generation


@attack(
    "Flushes the nftables ruleset in a loop",
    by=ADMIN,
    expected="Nobody outside the access list gets through (systemd, Linux 5.12 and nft 0.9.9 or newer)",
)
@pytest.mark.flavours("bookworm", "sid")
@pytest.mark.parametrize("pause", [pytest.param("0.3", marks=pytest.mark.soak), "0.02"])
def test_flushes_in_a_loop_let_nobody_in(exposed: Host, controller: Controller, pause: str) -> None:
    """Without the table that has an owner, the port was open for some 20 ms after each flush, and 60 % of the time
    with a pause of 0.02 s."""
    exposed.run("sleep 1.5")
    exposed.run(
        "systemd-run --quiet --unit=flushes --property=RemainAfterExit=yes "
        f"sh -c 'for _ in $(seq 40); do nft flush ruleset; sleep {pause}; done'"
    )
    seen: list[str] = []
    while exposed.run("systemctl show flushes.service --property=SubState --value").stdout.strip() == "running":
        started = time.monotonic()
        while time.monotonic() < started + 2:
            seen.append(ask(exposed.address, source=OUTSIDE, timeout=0.01))
    exposed.run("systemctl stop flushes.service")
    assert len(seen) > 50
    assert set(seen) == {"dropped"}
    assert _becomes(lambda: ask(exposed.address, bundle=controller.client(), timeout=1) == "answered")


@pytest.mark.flavours("bookworm")
def test_a_change_of_the_list_reaches_the_table_with_an_owner(exposed: Host, controller: Controller) -> None:
    assert ask(exposed.address, bundle=controller.client(), source=OUTSIDE, timeout=2) == "dropped"
    outcome = controller.expose(**{**WANTED, "expose_allow": [GATEWAY, OUTSIDE]})
    assert outcome.code == 0, outcome.failures
    assert _becomes(lambda: ask(exposed.address, bundle=controller.client(), source=OUTSIDE, timeout=1) == "answered")
    assert controller.withdraw().code == 0
    assert "gangway" not in exposed.run("nft list tables; ls /run").stdout


def _becomes(holds: t.Callable[[], bool]) -> bool:
    """Wait for up to 5 s."""
    end = time.monotonic() + 5
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
