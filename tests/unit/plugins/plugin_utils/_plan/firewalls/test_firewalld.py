# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""firewalld's policy: its file, what firewall-cmd 1.3.3 printed of it, and the steps between old and new lists."""

from __future__ import annotations

import typing as t
from xml.etree import ElementTree

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import LoadRules, MakeFolder, Remove, Write
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.facts import (
    FirewalldFacts,
    parse_firewalld,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import (
    Access,
    FirewallFacts,
    Place,
    WayOfRules,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewalld import (
    FIREWALLD,
    render_policy,
    rich_rules,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.answer import Answer

MakeAccess = t.Callable[..., Access]
MakeFacts = t.Callable[..., FirewallFacts]
LISTEN, ALLOW = ["any:2376", "10.9.9.9:2377"], ["172.30.77.1", "fd77:6777::1", "10.0.0.0/8"]
#: Printed for LISTEN and ALLOW.
LISTING = """\
gangway-docker (active)
  priority: -23760
  target: CONTINUE
  ingress-zones: ANY
  egress-zones: HOST
  services: 
  ports: 
  protocols: 
  masquerade: no
  forward-ports: 
  source-ports: 
  icmp-blocks: 
  rich rules: 
	rule priority="-2" family="ipv4" source address="10.0.0.0/8" port port="2376" protocol="tcp" accept
	rule priority="-2" family="ipv4" source address="172.30.77.1/32" port port="2376" protocol="tcp" accept
	rule priority="-2" family="ipv6" source address="fd77:6777::1/128" port port="2376" protocol="tcp" accept
	rule priority="-2" family="ipv4" source address="10.0.0.0/8" destination address="10.9.9.9" port port="2377" protocol="tcp" accept
	rule priority="-2" family="ipv4" source address="172.30.77.1/32" destination address="10.9.9.9" port port="2377" protocol="tcp" accept
	rule priority="-1" port port="2376" protocol="tcp" drop
	rule priority="-1" family="ipv4" destination address="10.9.9.9" port port="2377" protocol="tcp" drop
"""  # noqa: E501, W291
RELOAD = ("/usr/bin/firewall-cmd", "--reload")


def _host(facts: MakeFacts, listing: str | None, policy: str | None, state: str = "running") -> FirewallFacts:
    files = {} if policy is None else {layout.FIREWALLD_POLICY: policy}
    return facts(files=files, firewalld=FirewalldFacts(state, listing))


@pytest.fixture
def exposed(access: MakeAccess, facts: MakeFacts) -> FirewallFacts:
    return _host(facts, LISTING, render_policy(access(LISTEN, ALLOW)))


def test_the_policy_comes_before_every_zone_and_its_rules_before_every_other(access: MakeAccess) -> None:
    policy = ElementTree.fromstring(render_policy(access(LISTEN, ALLOW)))  # noqa: S314
    assert policy.attrib == {"priority": "-23760", "target": "CONTINUE"}
    assert [zone.get("name") for zone in policy if "zone" in zone.tag] == ["ANY", "HOST"]
    priorities = [(rule.get("priority"), rule[-1].tag) for rule in policy.iter("rule")]
    assert set(priorities) == {("-2", "accept"), ("-1", "drop")}


@pytest.mark.parametrize(
    ("listen", "allow", "rules"),
    [
        (
            ["10.0.0.5:2376"],
            ["10.20.0.0/24", "2001:db8::/32"],
            [
                'rule priority="-2" family="ipv4" source address="10.20.0.0/24" destination address="10.0.0.5" '
                'port port="2376" protocol="tcp" accept',
                'rule priority="-1" family="ipv4" destination address="10.0.0.5" port port="2376" protocol="tcp" drop',
            ],
        ),
        (
            ["any:2376", "10.0.0.5:2376"],
            ["any"],
            [
                'rule priority="-2" family="ipv4" source address="0.0.0.0/0" port port="2376" protocol="tcp" accept',
                'rule priority="-2" family="ipv6" source address="::/0" port port="2376" protocol="tcp" accept',
                'rule priority="-1" port port="2376" protocol="tcp" drop',
            ],
        ),
        (["[::]:2376"], [], ['rule priority="-1" port port="2376" protocol="tcp" drop']),
    ],
)
def test_rules_are_for_the_address_and_the_port(
    access: MakeAccess, listen: list[str], allow: list[str], rules: list[str]
) -> None:
    assert rich_rules(access(listen, allow)) == rules


def test_what_firewall_cmd_printed_is_in_force(access: MakeAccess, exposed: FirewallFacts) -> None:
    wanted = access(LISTEN, ALLOW)
    assert FIREWALLD.in_force(exposed, wanted)
    assert FIREWALLD.load(exposed, wanted) == FIREWALLD.narrow(exposed, wanted) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("priority: -23760", "priority: 100"),
        ("target: CONTINUE", "target: ACCEPT"),
        ("egress-zones: HOST", "egress-zones: ANY"),
        ("  services: ", "  services: ssh"),
        ('source address="10.0.0.0/8" port', 'source address="11.0.0.0/8" port'),
        ("  rich rules: \n", '  rich rules: \n\trule priority="-3" port port="2376" protocol="tcp" accept\n'),
    ],
)
def test_a_policy_that_someone_changed_is_not_in_force(
    access: MakeAccess, facts: MakeFacts, exposed: FirewallFacts, old: str, new: str
) -> None:
    wanted = access(LISTEN, ALLOW)
    found = _host(facts, LISTING.replace(old, new, 1), exposed.files[layout.FIREWALLD_POLICY])
    assert not FIREWALLD.in_force(found, wanted)
    (reload,) = FIREWALLD.load(found, wanted)
    assert isinstance(reload, LoadRules)
    assert RELOAD in reload.commands


def test_a_policy_without_its_file_would_not_be_in_force_after_a_reboot(access: MakeAccess, facts: MakeFacts) -> None:
    assert not FIREWALLD.in_force(_host(facts, LISTING, None), access(LISTEN, ALLOW))


def test_the_first_load_checks_the_policy_before_and_after_the_reload(access: MakeAccess, facts: MakeFacts) -> None:
    wanted, found = access(["10.0.0.5:2376"], ["10.20.0.0/24"]), _host(facts, None, None)
    folder, policy, reload = FIREWALLD.load(found, wanted)
    assert folder == MakeFolder("/etc/firewalld/policies")
    assert policy == Write(layout.FIREWALLD_POLICY, render_policy(wanted))
    assert isinstance(reload, LoadRules)
    drop = 'rule priority="-1" family="ipv4" destination address="10.0.0.5" port port="2376" protocol="tcp" drop'
    assert [command[1:] for command in reload.commands] == [
        ("--check-config",),
        ("--reload",),
        ("--policy=gangway-docker", f"--query-rich-rule={drop}"),
    ]
    assert FIREWALLD.narrow(found, wanted) == ()
    assert FIREWALLD.way_back(found, wanted) == WayOfRules(unload=(RELOAD,))


def test_a_place_that_goes_is_closed_to_everyone_until_nobody_listens(
    access: MakeAccess, exposed: FirewallFacts
) -> None:
    wanted = access(["any:2376"], ["172.30.77.1"])
    closing = [Place("10.9.9.9", 2377)]
    assert FIREWALLD.load(exposed, wanted)[1] == Write(layout.FIREWALLD_POLICY, render_policy(wanted, closing))
    assert rich_rules(wanted, closing)[:-1] == rich_rules(wanted)
    assert FIREWALLD.narrow(exposed, wanted)[0] == Write(layout.FIREWALLD_POLICY, render_policy(wanted))
    assert FIREWALLD.way_back(exposed, wanted) == WayOfRules(load=(RELOAD,))


def test_withdrawing_removes_the_policy_by_a_reload(exposed: FirewallFacts) -> None:
    assert FIREWALLD.is_present(exposed)
    remove, reload = FIREWALLD.unload(exposed)
    assert remove == Remove(layout.FIREWALLD_POLICY)
    assert isinstance(reload, LoadRules)
    assert reload.commands == (RELOAD,)


@pytest.mark.parametrize("state", ["stopped", "missing", "failed"])
def test_withdrawing_from_a_firewalld_that_does_not_run_removes_the_file(facts: MakeFacts, state: str) -> None:
    found = _host(facts, None, "<policy/>", state)
    assert FIREWALLD.unload(found) == (Remove(layout.FIREWALLD_POLICY),)
    assert FIREWALLD.way_back(found, None) == WayOfRules()


@pytest.mark.parametrize("state", ["stopped", "missing", "failed"])
def test_a_firewalld_that_does_not_run_is_refused(access: MakeAccess, facts: MakeFacts, state: str) -> None:
    wanted = access(LISTEN, ALLOW)
    assert FIREWALLD.unsuitable(_host(facts, None, None), wanted, method="socket") is None
    failure = FIREWALLD.unsuitable(_host(facts, None, None, state), wanted, method="socket")
    assert failure is not None
    assert failure.key == "firewall_inactive"


@pytest.mark.parametrize("line", ['rule priority="-1" port port="99999" protocol="tcp" drop x="', "\x00", "a: b: c"])
def test_a_listing_that_makes_no_sense_is_not_in_force(access: MakeAccess, facts: MakeFacts, line: str) -> None:
    found = _host(facts, f"gangway-docker\n{line}", '<rule priority="-1"><destination address="::::"/>')
    assert not FIREWALLD.in_force(found, access(LISTEN, ALLOW))
    FIREWALLD.load(found, access(LISTEN, ALLOW))


def test_the_report_is_read() -> None:
    raw = {"state": "running", "listing": LISTING, "error": ""}
    assert parse_firewalld(Answer(raw)) == FirewalldFacts("running", LISTING)
    assert parse_firewalld(Answer(None)) is None
