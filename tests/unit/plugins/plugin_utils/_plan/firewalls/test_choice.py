# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kind a task gets, and that the rules of all other kinds go."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.listener_options import LISTENER_ARGUMENTS
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import LoadRules, Remove, Write
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.choice import (
    KINDS,
    RuleSteps,
    boot_units,
    checks,
    firewall_of,
    plan_rules,
    unsuitable,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.facts import FirewalldFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import Access, FirewallFacts
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewalld import (
    FIREWALLD,
    render_policy,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables import NFTABLES
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables_rules import render_rules
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.systemd import SYSTEMD

MakeAccess = t.Callable[..., Access]
MakeFacts = t.Callable[..., FirewallFacts]


def test_each_choice_of_the_option_is_a_kind() -> None:
    assert {"auto", *(kind.name for kind in KINDS)} == set(LISTENER_ARGUMENTS["firewall"]["choices"])
    assert [firewall_of(kind.name, "override") for kind in KINDS] == list(KINDS)


@pytest.mark.parametrize(
    ("method", "name"), [("socket", "systemd"), ("override", "nftables"), ("daemon_json", "nftables")]
)
def test_auto(method: str, name: str) -> None:
    assert firewall_of("auto", method).name == name


@pytest.mark.parametrize(
    ("found", "method", "key"),
    [
        ({"filtering": True}, "socket", None),
        ({"filtering": True}, "override", "firewall_unsupported"),
        ({"filtering": False, "filtering_error": "bpf"}, "socket", "filtering_unsupported"),
        ({"filtering": None}, "socket", "filtering_unsupported"),
        ({"filtering": True, "slices_allow": "any"}, "socket", "filtering_unsupported"),
    ],
)
def test_systemds_list_is_for_a_socket_unit_that_filters(
    access: MakeAccess, facts: MakeFacts, found: dict[str, t.Any], method: str, key: str | None
) -> None:
    failure = SYSTEMD.unsuitable(facts(**found), access(["any:2376"], ["10.20.0.0/24"]), method=method)
    assert (failure.key if failure else None) == key


@pytest.mark.parametrize("name", ["systemd", "none"])
def test_kinds_without_rules_have_no_steps(access: MakeAccess, facts: MakeFacts, name: str) -> None:
    assert plan_rules(facts(), firewall_of(name, "socket"), access(["any:2376"], ["any"])) == RuleSteps()


@pytest.mark.parametrize(
    ("name", "listen", "expected"),
    [
        ("systemd", ["any:2376"], []),
        ("none", ["any:2376"], []),
        ("nftables", ["any:2376"], ["nft -f /var/lib/gangway-docker/firewall.nft"]),
        (
            "firewalld",
            ["10.0.0.5:2376", "any:2377"],
            [
                "firewall-cmd --quiet --policy=gangway-docker "
                '--query-rich-rule="rule priority=-1 port port=2377 protocol=tcp drop"',
                "firewall-cmd --quiet --policy=gangway-docker "
                '--query-rich-rule="rule priority=-1 family=ipv4 destination address=10.0.0.5 port port=2376 '
                'protocol=tcp drop"',
            ],
        ),
        (
            "ufw",
            ["[2001:db8::5]:2376", "any:2377"],
            [
                "iptables -C ufw-user-input -p tcp -m tcp --dport 2377 -j DROP",
                "ip6tables -C ufw6-user-input -p tcp -m tcp --dport 2377 -j DROP",
                "ip6tables -C ufw6-user-input -d 2001:db8::5/128 -p tcp -m tcp --dport 2376 -j DROP",
            ],
        ),
    ],
)
def test_without_its_access_list_the_port_does_not_open(
    access: MakeAccess, facts: MakeFacts, name: str, listen: list[str], expected: list[str]
) -> None:
    found = checks(facts(), firewall_of(name, "socket"), access(listen, ["10.20.0.0/24"]), underneath=False)
    assert list(found) == expected
    assert not any(character in check for check in found for character in "'%$")


def test_another_kinds_rules_go_once_the_chosen_ones_are_in_force(access: MakeAccess, facts: MakeFacts) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    found = facts(
        files={layout.FIREWALLD_POLICY: render_policy(wanted)}, firewalld=FirewalldFacts("running", "gangway-docker\n")
    )
    planned = plan_rules(found, NFTABLES, wanted)
    assert planned.load == NFTABLES.load(found, wanted)
    assert planned.narrow == FIREWALLD.unload(found)
    assert planned.load_rules == FIREWALLD.way_back(found, None).load
    assert planned.unload_rules == NFTABLES.way_back(found, wanted).unload


def test_withdrawing_removes_the_rules_of_every_kind(facts: MakeFacts) -> None:
    files = dict.fromkeys((*NFTABLES.paths, layout.FIREWALLD_POLICY), "")
    planned = plan_rules(facts(files=files, nftables="{}", firewalld=FirewalldFacts("stopped")), None, None)
    assert planned.load == ()
    assert {step.path for step in planned.narrow if isinstance(step, Remove)} == set(files)
    assert sum(isinstance(step, LoadRules) for step in planned.narrow) == 1
    assert plan_rules(facts(), None, None) == RuleSteps()


def test_a_host_with_the_rules_needs_nothing_and_no_way_back(access: MakeAccess, facts: MakeFacts) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    (written,) = [step for step in FIREWALLD.load(facts(), wanted) if isinstance(step, Write)]
    listing = (
        "gangway-docker (active)\n  priority: -23760\n  target: CONTINUE\n  ingress-zones: ANY\n  egress-zones: HOST\n"
        '  rich rules: \n\trule priority="-1" port port="2376" protocol="tcp" drop\n'
        '\trule priority="-2" family="ipv4" source address="10.20.0.0/24" port port="2376" protocol="tcp" accept\n'
    )
    found = facts(files={written.path: written.content}, firewalld=FirewalldFacts("running", listing))
    assert plan_rules(found, FIREWALLD, wanted) == RuleSteps()


def _rules_written(planned: RuleSteps) -> str | None:
    found = [step.content for step in planned.load if isinstance(step, Write) and step.path == layout.FIREWALL_RULES]
    return found[0] if found else None


@pytest.mark.parametrize("name", ["nftables", "firewalld", "ufw"])
def test_the_table_with_the_list_lies_underneath(access: MakeAccess, facts: MakeFacts, name: str) -> None:
    wanted, kind = access(["any:2376"], ["10.20.0.0/24"]), firewall_of(name, "override")
    found = facts(firewalld=FirewalldFacts("running"))
    planned = plan_rules(found, kind, wanted, underneath=True)
    assert _rules_written(planned) == render_rules(wanted)
    own = () if kind is NFTABLES else kind.load(found, wanted)
    assert planned.load == (*NFTABLES.load(found, wanted), *own)
    assert planned.unload_rules[: len(NFTABLES.way_back(found, wanted).unload)] == (
        NFTABLES.way_back(found, wanted).unload
    )


def test_without_an_access_list_only_the_gate_filters(access: MakeAccess, facts: MakeFacts) -> None:
    wanted = access(["any:2376"], ["10.20.0.0/24"])
    planned = plan_rules(facts(), firewall_of("none", "override"), wanted, underneath=True)
    assert _rules_written(planned) == render_rules(access(["any:2376"], ["any"]))


@pytest.mark.parametrize("name", ["firewalld", "none"])
def test_the_table_goes_where_the_gate_is_elsewhere(access: MakeAccess, facts: MakeFacts, name: str) -> None:
    wanted, kind = access(["any:2376"], ["10.20.0.0/24"]), firewall_of(name, "socket")
    found = facts(nftables="{}", firewalld=FirewalldFacts("running"))
    assert plan_rules(found, kind, wanted).narrow == NFTABLES.unload(found)
    assert _rules_written(plan_rules(found, kind, wanted)) is None


@pytest.mark.parametrize("name", ["nftables", "firewalld", "ufw", "none"])
def test_a_firewall_that_is_down_at_boot_does_not_keep_the_port_closed(
    access: MakeAccess, facts: MakeFacts, name: str
) -> None:
    wanted, kind = access(["any:2376"], ["10.20.0.0/24"]), firewall_of(name, "override")
    assert checks(facts(), kind, wanted, underneath=True) == (f"nft -f {layout.FIREWALL_RULES}",)
    assert boot_units(kind, underneath=True) == (layout.FIREWALL_SERVICE,)
    assert boot_units(kind, underneath=False) == kind.boot_units


@pytest.mark.parametrize("name", ["nftables", "firewalld", "none"])
@pytest.mark.parametrize("method", ["socket", "override"])
def test_without_nft_there_is_no_gate(access: MakeAccess, facts: MakeFacts, name: str, method: str) -> None:
    wanted, kind = access(["any:2376"], ["10.20.0.0/24"]), firewall_of(name, method)
    tools = {"nft": None, "firewall-cmd": "/usr/bin/firewall-cmd"}
    found = facts(tools=tools, firewalld=FirewalldFacts("running"))
    failure = unsuitable(found, kind, wanted, method=method, underneath=True)
    assert failure is not None
    assert failure.key == "gate_unsupported"
    assert ("method socket" in str(failure)) is (method != "socket")
    elsewhere = unsuitable(found, kind, wanted, method=method, underneath=False)
    assert (elsewhere.key if elsewhere else None) == ("nft_missing" if name == "nftables" else None)
    present = facts(firewalld=FirewalldFacts("running"))
    assert unsuitable(present, kind, wanted, method=method, underneath=True) is None
