# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ufw's rules: what ufw 0.36.2 had in its files, and that no command in a run, or on the way back, opens anything."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command, LoadRules, Step
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.facts import parse_ufw
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import Access, FirewallFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.ufw import UFW
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.ufw_rules import rules_for
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.answer import Answer

from .fake_ufw import ALLOW, LISTEN, MARK, REPORT, USERS, FakeUfw, read

MakeAccess = t.Callable[..., Access]
MakeFacts = t.Callable[..., FirewallFacts]


def _commands(steps: t.Sequence[Step]) -> list[Command]:
    return [command for step in steps for command in t.cast(LoadRules, step).commands]


def _words(commands: t.Iterable[Command]) -> list[str]:
    return [" ".join(command[1:]) for command in commands]


def _run(ufw: FakeUfw, facts: FirewallFacts, access: Access) -> None:
    for command in _commands([*UFW.load(facts, access), *UFW.narrow(facts, access)]):
        ufw.run(command)


def test_what_ufw_had_is_in_force(access: MakeAccess, facts: MakeFacts) -> None:
    found, wanted = facts(ufw=read()), access(LISTEN, ALLOW)
    assert UFW.in_force(found, wanted)
    assert UFW.load(found, wanted) == UFW.narrow(found, wanted) == ()
    assert UFW.is_present(found)


@pytest.mark.parametrize(
    ("listen", "allow", "rules"),
    [
        (
            ["10.0.0.5:2376"],
            ["10.20.0.0/24", "10.30.0.7", "2001:db8::/32"],
            [
                "allow proto tcp from 10.20.0.0/24 to 10.0.0.5 port 2376",
                "allow proto tcp from 10.30.0.7 to 10.0.0.5 port 2376",
                "deny proto tcp from any to 10.0.0.5 port 2376",
            ],
        ),
        (
            ["any:2376"],
            ["0.0.0.0/0", "2001:db8::/32"],
            [
                "allow proto tcp from 0.0.0.0/1 to any port 2376",
                "allow proto tcp from 128.0.0.0/1 to any port 2376",
                "allow proto tcp from 2001:db8::/32 to any port 2376",
                "deny proto tcp from any to any port 2376",
            ],
        ),
        (
            # From any to this address would be the rule that denies it.
            ["[2001:db8::5]:2376"],
            ["any"],
            [
                "allow proto tcp from ::/1 to 2001:db8::5 port 2376",
                "allow proto tcp from 8000::/1 to 2001:db8::5 port 2376",
                "deny proto tcp from any to 2001:db8::5 port 2376",
            ],
        ),
    ],
)
def test_rules_are_for_the_address_and_the_port(
    access: MakeAccess, listen: list[str], allow: list[str], rules: list[str]
) -> None:
    assert [" ".join(rule.words) for rule in rules_for(access(listen, allow), ipv6=True)] == rules


def test_a_ufw_without_ipv6_gets_no_rules_that_it_refuses(access: MakeAccess, facts: MakeFacts) -> None:
    wanted = access(["any:2376", "[2001:db8::5]:2377"], ["10.20.0.0/24", "2001:db8::/32"])
    ufw = read(**USERS, ipv6=False)
    commands = _words(_commands(UFW.load(facts(ufw=ufw), wanted)))
    assert not any(":" in command for command in commands)
    assert commands[0].startswith("prepend deny proto tcp from any to any port 2376")


LISTS = [
    (["172.30.77.13:2376"], ["172.30.77.1"]),
    (["any:2376"], ["172.30.77.0/24", "fd77:6777::/64"]),
    (["any:2376", "10.9.9.9:2377"], ["172.30.77.1", "10.0.0.0/8"]),
    (["[fd77:6777::d]:2376"], ["any"]),
    (["any:2377"], ["any"]),
]


@pytest.mark.parametrize(("old", "new"), list(itertools.product([None, *LISTS], LISTS)))
def test_a_change_ends_as_requested_and_opens_nothing_meanwhile(
    access: MakeAccess, facts: MakeFacts, old: t.Any, new: t.Any
) -> None:
    ufw = FakeUfw()
    before = None if old is None else access(*old)
    if before is not None:
        _run(ufw, facts(ufw=ufw.facts), before)
    wanted, found = access(*new), facts(ufw=ufw.facts)
    guarded = set(before.places) if before else set()
    for command in _commands(UFW.load(found, wanted)):
        ufw.run(command)
        _check_closed(ufw, guarded)
    _check_closed(ufw, guarded | set(wanted.places))
    for command in _commands(UFW.narrow(found, wanted)):
        ufw.run(command)
        _check_closed(ufw, set(wanted.places), but=new[1])
    assert UFW.in_force(facts(ufw=ufw.facts), wanted)
    assert UFW.load(facts(ufw=ufw.facts), wanted) == UFW.narrow(facts(ufw=ufw.facts), wanted) == ()


def _check_closed(ufw: FakeUfw, places: t.Iterable[t.Any], but: t.Sequence[str] = ()) -> None:
    """198.51.100.9 and 2001:db8:9::9 are in none of the lists, save in C(any)."""
    everyone = any(
        rule.is_ours and rule.source in ("0.0.0.0/1", "::/1") for rule in (*ufw.facts.rules, *ufw.facts.rules_ipv6)
    )
    if everyone or "any" in but:
        return
    for place in places:
        if place.version in (None, 4):
            assert not ufw.lets_in("198.51.100.9", place.address or "192.0.2.1", place.port)
        if place.version in (None, 6):
            assert not ufw.lets_in("2001:db8:9::9", place.address or "2001:db8::1", place.port)


@pytest.mark.parametrize(("old", "new"), list(itertools.product([None, *LISTS], [None, *LISTS])))
def test_the_way_back_restores_the_rules_wherever_the_run_failed(
    access: MakeAccess, facts: MakeFacts, old: t.Any, new: t.Any
) -> None:
    ufw = FakeUfw()
    if old is not None:
        _run(ufw, facts(ufw=ufw.facts), access(*old))
    before, found = dict(ufw.lists), facts(ufw=ufw.facts)
    wanted = None if new is None else access(*new)
    steps = UFW.unload(found) if wanted is None else [*UFW.load(found, wanted), *UFW.narrow(found, wanted)]
    commands, way = _commands(steps), UFW.way_back(found, wanted)
    for done in range(len(commands) + 1):
        ufw.lists = {version: list(rules) for version, rules in before.items()}
        for command in (*commands[:done], *way.load, *way.unload):
            ufw.run(command)
        assert _in_effect(ufw.lists) == _in_effect(before)
        # Twice, since the way back may have been cut off, too.
        for command in (*way.load, *way.unload):
            ufw.run(command)
        assert _in_effect(ufw.lists) == _in_effect(before)


def _in_effect(lists: dict[int, list[str]]) -> list[list[str]]:
    """The order of our denies decides nothing; that of all others stays."""
    found = []
    for rules in lists.values():
        denies = [rule for rule in rules if " deny " in rule and MARK in rule]
        found += [[rule for rule in rules if rule not in denies], sorted(denies)]
        # All of them come right behind those of ours that allow.
        assert all(MARK in rule for rule in rules[: rules.index(denies[-1])]) if denies else True
    return found


def test_withdrawing_leaves_the_rules_of_others_and_works_while_ufw_is_inactive(facts: MakeFacts) -> None:
    ufw = FakeUfw(REPORT)
    found = facts(ufw=read(enabled=False, kernel=[], kernel_ipv6=[]))
    assert UFW.is_present(found)
    for command in _commands(UFW.unload(found)):
        ufw.run(command)
    assert ufw.lists == {4: USERS["rules"], 6: USERS["rules_ipv6"]}


def test_rules_that_are_left_without_ufw_are_not_there(facts: MakeFacts) -> None:
    assert not UFW.is_present(facts(tools={"ufw": None}, ufw=read()))


@pytest.mark.parametrize(
    "inserted",
    [
        "### tuple ### allow tcp 2376 0.0.0.0/0 any 172.30.77.0/24 in",
        "### tuple ### allow tcp 80,2000:3000 0.0.0.0/0 any 0.0.0.0/0 in_eth0",
        "### tuple ### limit any any 0.0.0.0/0 any 0.0.0.0/0 in",
        "### tuple ### allow tcp 2376 0.0.0.0/0 any 0.0.0.0/0 App%20name - in",
    ],
)
def test_a_rule_of_others_that_opens_the_port_goes_behind(access: MakeAccess, facts: MakeFacts, inserted: str) -> None:
    found, wanted = facts(ufw=read(rules=[inserted, *REPORT["rules"]])), access(LISTEN, ALLOW)
    assert not UFW.in_force(found, wanted)
    commands = _words(_commands(UFW.load(found, wanted)))
    deny = "deny proto tcp from any to 172.30.77.13 port 2376"
    assert f"delete {deny}" in commands
    assert commands[-1].startswith("prepend allow proto tcp from 172.30.77.1 to 172.30.77.13")
    assert commands.index(f"prepend {deny} comment gangway-docker") < len(commands) - 1


@pytest.mark.parametrize(
    "inserted",
    [
        "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in",
        "### tuple ### allow udp 2376 0.0.0.0/0 any 0.0.0.0/0 in",
        "### tuple ### deny tcp 2376 0.0.0.0/0 any 10.9.0.0/16 in",
        "### tuple ### allow tcp 2376 0.0.0.0/0 any 0.0.0.0/0 out",
        "### tuple ### route:allow tcp 2376 0.0.0.0/0 any 0.0.0.0/0 in",
        "### tuple ### nonsense",
    ],
)
def test_other_rules_in_front_do_not_matter(access: MakeAccess, facts: MakeFacts, inserted: str) -> None:
    assert UFW.in_force(facts(ufw=read(rules=[inserted, *REPORT["rules"]])), access(LISTEN, ALLOW))


@pytest.mark.parametrize(
    ("name", "line"), [("kernel", 0), ("kernel", 1), ("kernel", 2), ("kernel", 3), ("kernel_ipv6", 3)]
)
def test_rules_that_were_flushed_are_loaded(access: MakeAccess, facts: MakeFacts, name: str, line: int) -> None:
    kernel = [text for number, text in enumerate(REPORT[name]) if number != line]
    found = facts(ufw=read(**{name: kernel}))
    assert not UFW.in_force(found, access(LISTEN, ALLOW))
    assert _words(_commands(UFW.load(found, access(LISTEN, ALLOW)))) == ["reload"]


def test_a_rule_that_is_the_users_own_already_is_refused(access: MakeAccess, facts: MakeFacts) -> None:
    """ufw would skip ours, and the port would stay open."""
    users = "### tuple ### allow tcp 2376 0.0.0.0/0 any 0.0.0.0/0 in"
    found = facts(ufw=read(**{**USERS, "rules": [users]}))
    failure = UFW.unsuitable(found, access(["any:2376"], ["10.20.0.0/24"]), method="socket")
    assert isinstance(failure, Failure)
    assert failure.key == "firewall_rule_exists"
    assert "'ufw delete allow proto tcp from any to any port 2376'" in str(failure)
    assert UFW.unsuitable(found, access(["10.0.0.5:2376"], ["10.20.0.0/24"]), method="socket") is None


@pytest.mark.parametrize("found", [{"ufw": None}, {"ufw": read(enabled=False)}, {"ufw": read(), "tools": {}}])
def test_a_ufw_that_is_not_enabled_is_refused(access: MakeAccess, facts: MakeFacts, found: dict[str, t.Any]) -> None:
    failure = UFW.unsuitable(facts(**found), access(LISTEN, ALLOW), method="socket")
    assert failure is not None
    assert failure.key == "firewall_inactive"


@pytest.mark.parametrize("raw", [{}, {**REPORT, "enabled": "yes"}, {**REPORT, "rules": "x"}, {**REPORT, "kernel": [1]}])
def test_a_report_of_another_form_is_refused(raw: t.Any) -> None:
    with pytest.raises(Failure) as failure:
        parse_ufw(Answer(raw))
    assert failure.value.key == "host_answer_invalid"
