# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access list as nftables rules: what is in the file, and when the kernel has it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.nftables_gate import RULES
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.firewall import Access, Place
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.nftables_rules import (
    gate_state,
    has_rules,
    places_in,
    render_rules,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import parse_allow, parse_listen

LISTEN = ["10.20.0.5:2376", "[2001:db8::5]:2376", "any:2377"]
ALLOW = ["10.30.0.0/24", "10.30.1.0/24", "10.30.2.0/24", "192.0.2.7", "2001:db8:1::/48"]


def _access(listen: t.Sequence[str], allow: t.Sequence[str]) -> Access:
    return Access([parse_listen(text) for text in listen], parse_allow(allow))


def _rules(listen: list[str], allow: list[str]) -> str:
    return render_rules(_access(listen, allow))


def _is_in_force(
    listing: t.Any, listen: t.Sequence[str] = tuple(LISTEN), allow: t.Sequence[str] = tuple(ALLOW)
) -> bool:
    text = listing if isinstance(listing, str) else json.dumps(listing)
    return has_rules(text, _access(listen, allow))


def _elements(rules: str, name: str) -> list[str]:
    body = rules.partition(f"\tset {name} {{\n")[2].partition("\t}\n")[0]
    match = re.search(r"elements = \{ (.*) \}", body)
    return match.group(1).split(", ") if match else []


def _listing(gate: str = "open") -> dict[str, t.Any]:
    """What nft 1.0.6 printed for LISTEN and ALLOW."""
    common = {"family": "inet", "table": "gangway_docker"}
    handles = itertools.count(1)

    def entry(kind: str, **content: t.Any) -> dict[str, t.Any]:
        return {kind: {**common, "handle": next(handles), **content}}

    def match(left: t.Any, right: str) -> dict[str, t.Any]:
        return {"match": {"op": "==", "left": left, "right": right}}

    def field(protocol: str, name: str) -> dict[str, t.Any]:
        return {"payload": {"protocol": protocol, "field": name}}

    def rule(chain: str, *expressions: t.Any, **comment: str) -> dict[str, t.Any]:
        return entry("rule", chain=chain, expr=list(expressions), **comment)

    interval = {"flags": ["interval"]}
    accept, drop, listed = {"accept": None}, {"drop": None}, {"jump": {"target": "listed"}}
    port = field("tcp", "dport")
    host = rule("gate", match({"meta": {"key": "iif"}}, "lo"), accept)
    counter = {"counter": {"packets": 3, "bytes": 180}}
    gates = {
        "narrow": [host, rule("gate", counter, drop, comment="not proved yet")],
        "open": [host],
        "shut": [rule("gate", counter, drop, comment="shut")],
        "": [],
    }
    return {
        "nftables": [
            {"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
            {"table": {"family": "inet", "name": "gangway_docker", "handle": 44}},
            entry("set", name="ports", type="inet_service", elem=[2377]),
            entry("set", name="to_ipv4", type=["ipv4_addr", "inet_service"], elem=[{"concat": ["10.20.0.5", 2376]}]),
            entry("set", name="to_ipv6", type=["ipv6_addr", "inet_service"], elem=[{"concat": ["2001:db8::5", 2376]}]),
            entry(
                "set",
                name="from_ipv4",
                type="ipv4_addr",
                elem=[{"range": ["10.30.0.0", "10.30.2.255"]}, "192.0.2.7"],
                **interval,
            ),
            entry(
                "set",
                name="from_ipv6",
                type="ipv6_addr",
                elem=[{"prefix": {"addr": "2001:db8:1::", "len": 48}}],
                **interval,
            ),
            entry("chain", name="input", type="filter", hook="input", prio=-10, policy="accept"),
            entry("chain", name="gate"),
            entry("chain", name="listed"),
            rule("input", match(port, "@ports"), listed, comment="to any address"),
            rule(
                "input",
                match({"concat": [field("ip", "daddr"), port]}, "@to_ipv4"),
                listed,
                comment="to an IPv4 address",
            ),
            rule(
                "input",
                match({"concat": [field("ip6", "daddr"), port]}, "@to_ipv6"),
                listed,
                comment="to an IPv6 address",
            ),
            *gates[gate],
            rule("listed", {"jump": {"target": "gate"}}),
            rule("listed", match(field("ip", "saddr"), "@from_ipv4"), accept, comment="from IPv4 clients"),
            rule("listed", match(field("ip6", "saddr"), "@from_ipv6"), accept, comment="from IPv6 clients"),
            rule("listed", {"counter": {"packets": 0, "bytes": 0}}, drop, comment="from others"),
        ]
    }


def test_the_table_is_replaced_in_one_transaction_on_old_nft_too() -> None:
    lines = [line for line in _rules(LISTEN, ALLOW).splitlines() if line.startswith(("table", "delete", "destroy"))]
    assert lines == [
        "table inet gangway_docker {}",
        "delete table inet gangway_docker",
        "table inet gangway_docker {",
    ]


def test_the_order_and_repetition_of_entries_change_nothing() -> None:
    assert _rules([*LISTEN, LISTEN[0]], ALLOW) == _rules(LISTEN[::-1], ALLOW[::-1])


@pytest.mark.parametrize(
    ("listen", "ports", "to_ipv4", "to_ipv6"),
    [
        (["10.20.0.5:2376"], [], ["10.20.0.5 . 2376"], []),
        (["[2001:db8::5]:2377"], [], [], ["2001:db8::5 . 2377"]),
        (["any:2376"], ["2376"], [], []),
        (["0.0.0.0:2376"], ["2376"], [], []),
        (["[::]:2376"], ["2376"], [], []),
        # A socket at such an address is sent IPv4 packets.
        (["[::ffff:10.20.0.5]:2376"], [], ["10.20.0.5 . 2376"], []),
        (["[::ffff:0.0.0.0]:2376"], ["2376"], [], []),
        (["any:2376", "10.20.0.5:2377"], ["2376"], ["10.20.0.5 . 2377"], []),
        (["any:2376", "10.20.0.5:2376"], ["2376"], [], []),
    ],
)
def test_each_place_to_listen_is_guarded(
    listen: list[str], ports: list[str], to_ipv4: list[str], to_ipv6: list[str]
) -> None:
    rules = _rules(listen, ["10.30.0.0/24"])
    assert [_elements(rules, name) for name in ("ports", "to_ipv4", "to_ipv6")] == [ports, to_ipv4, to_ipv6]


@pytest.mark.parametrize(
    ("allow", "from_ipv4", "from_ipv6"),
    [
        (["10.30.0.7"], ["10.30.0.7/32"], []),
        (["2001:db8:1::/48"], [], ["2001:db8:1::/48"]),
        (["any"], ["0.0.0.0/0"], ["::/0"]),
        (["10.30.0.0/16", "10.30.4.0/24"], ["10.30.0.0/16"], []),
        ([], [], []),
    ],
)
def test_only_who_is_listed_gets_through(allow: list[str], from_ipv4: list[str], from_ipv6: list[str]) -> None:
    rules = _rules(["any:2376"], allow)
    assert (_elements(rules, "from_ipv4"), _elements(rules, "from_ipv6")) == (from_ipv4, from_ipv6)


def test_rules_as_they_were_loaded_are_in_force() -> None:
    assert _is_in_force(_listing())


def test_what_newer_nft_lists_otherwise_does_not_matter() -> None:
    listing = _listing()
    listing["nftables"][0]["metainfo"]["version"] = "1.1.7"
    chains = [entry for entry in listing["nftables"] if "chain" in entry]
    others = [entry for entry in listing["nftables"] if "chain" not in entry]
    for entry in others:
        if "flags" in entry.get("set", {}):
            entry["set"]["auto-merge"] = True
            entry["set"]["elem"].reverse()
    assert _is_in_force({"nftables": [*others[:2], *chains, *others[2:]]})


@pytest.mark.parametrize(
    ("listen", "allow"), [(LISTEN, ALLOW[1:]), (LISTEN, [*ALLOW, "::/0"]), (LISTEN[1:], ALLOW), (["any:2376"], ALLOW)]
)
def test_rules_for_another_list_are_not_in_force(listen: list[str], allow: list[str]) -> None:
    assert not _is_in_force(_listing(), listen, allow)


@pytest.mark.parametrize("state", ["open", "narrow", "shut", ""])
def test_the_gate_tells_its_state_and_is_part_of_the_rules(state: str) -> None:
    assert gate_state(json.dumps(_listing(state))) == state
    assert _is_in_force(_listing(state)) is (state == "open")


def test_a_gate_with_other_rules_has_no_state() -> None:
    for listing in (_listing("open"), _listing("narrow")):
        listing["nftables"].append({"rule": {"chain": "gate", "expr": [{"accept": None}]}})
        assert gate_state(json.dumps(listing)) == ""
    assert gate_state(None) == gate_state("") == gate_state("[]") == ""


def _content(listing: dict[str, t.Any], kind: str, **keys: str) -> dict[str, t.Any]:
    found = [entry[kind] for entry in listing["nftables"] if kind in entry]
    return next(content for content in found if keys.items() <= content.items())


def _without_rules(listing: dict[str, t.Any]) -> None:
    listing["nftables"] = [entry for entry in listing["nftables"] if "rule" not in entry]


def _with_rule_in_front(listing: dict[str, t.Any]) -> None:
    listing["nftables"].insert(9, {"rule": {"chain": "input", "handle": 20, "expr": [{"accept": None}]}})


def _with_rule_of_the_same_comment(listing: dict[str, t.Any]) -> None:
    _content(listing, "rule", comment="from others")["expr"] = [{"accept": None}]


def _with_other_set_in_a_rule(listing: dict[str, t.Any]) -> None:
    _content(listing, "rule", comment="to any address")["expr"][0]["match"]["right"] = "@to_ipv4"


def _with_rules_in_another_order(listing: dict[str, t.Any]) -> None:
    listing["nftables"].append(listing["nftables"].pop(-2))


def _with_other_hook(listing: dict[str, t.Any]) -> None:
    _content(listing, "chain", name="input")["hook"] = "forward"


def _with_other_priority(listing: dict[str, t.Any]) -> None:
    _content(listing, "chain", name="input")["prio"] = 10


def _with_other_policy(listing: dict[str, t.Any]) -> None:
    _content(listing, "chain", name="input")["policy"] = "drop"


def _without_hook(listing: dict[str, t.Any]) -> None:
    for key in ("type", "hook", "prio", "policy"):
        del _content(listing, "chain", name="input")[key]


def _with_a_hook_in_the_list(listing: dict[str, t.Any]) -> None:
    _content(listing, "chain", name="listed")["hook"] = "input"


def _dormant(listing: dict[str, t.Any]) -> None:
    # 1.1 lists one flag as a list, too.
    listing["nftables"][1]["table"]["flags"] = ["dormant"]


def _with_further_address(listing: dict[str, t.Any]) -> None:
    _content(listing, "set", name="from_ipv4")["elem"].append("9.9.9.9")


def _with_a_timeout(listing: dict[str, t.Any]) -> None:
    found = _content(listing, "set", name="from_ipv4")
    found["elem"] = [{"elem": {"val": element, "timeout": 60, "expires": 55}} for element in found["elem"]]


def _with_a_timeout_of_the_set(listing: dict[str, t.Any]) -> None:
    _content(listing, "set", name="from_ipv4")["timeout"] = 60


def _with_set_flags(listing: dict[str, t.Any]) -> None:
    _content(listing, "set", name="from_ipv4")["flags"] = ["interval", "timeout"]


def _with_a_map(listing: dict[str, t.Any]) -> None:
    listing["nftables"].append({"map": {"name": "m", "table": "gangway_docker"}})


@pytest.mark.parametrize(
    "change",
    [
        _without_rules,
        _with_rule_in_front,
        _with_rule_of_the_same_comment,
        _with_other_set_in_a_rule,
        _with_rules_in_another_order,
        _with_other_hook,
        _with_other_priority,
        _with_other_policy,
        _without_hook,
        _with_a_hook_in_the_list,
        _dormant,
        _with_further_address,
        _with_a_timeout,
        _with_a_timeout_of_the_set,
        _with_set_flags,
        _with_a_map,
    ],
)
def test_rules_that_someone_changed_are_not_in_force(change: t.Callable[[dict[str, t.Any]], None]) -> None:
    listing = _listing()
    change(listing)
    assert not _is_in_force(listing)


@pytest.mark.parametrize(
    "listing", ["", "{}", "[]", "null", '{"nftables": [{}]}', '{"nftables": [{"set": {"name": 1}}]}']
)
def test_a_missing_table_is_not_in_force(listing: str) -> None:
    assert not _is_in_force(listing)


def test_the_places_of_a_loaded_table_are_known() -> None:
    places = (Place("", 2377), Place("10.20.0.5", 2376), Place("2001:db8::5", 2376))
    assert places_in(json.dumps(_listing())) == places


@pytest.mark.parametrize(
    "listing", [None, "", "{}", '{"nftables": [{"set": {"name": "ports", "type": "x", "elem": 7}}]}']
)
def test_a_listing_that_is_not_of_our_table_has_no_places(listing: str | None) -> None:
    assert places_in(listing) == ()


def test_a_made_up_range_of_ports_is_not_counted_out() -> None:
    listing = _listing()
    next(e for e in listing["nftables"] if e.get("set", {}).get("name") == "ports")["set"]["elem"] = [
        {"range": [1, 1 << 60]}
    ]
    assert Place("", 1) not in places_in(json.dumps(listing))


def test_the_file_has_the_gate_narrow() -> None:
    rules = _rules(LISTEN, ALLOW)
    gate = rules.partition("\tchain gate {\n")[2].partition("\t}\n")[0]
    assert [line.strip() for line in gate.splitlines()] == list(RULES["narrow"])
    listed = rules.partition("\tchain listed {\n")[2].partition("\t}\n")[0]
    assert listed.splitlines()[0].strip() == "jump gate"
    assert "lo" not in listed.partition("\n")[2].replace("ip6", "")


def test_without_a_gate_the_list_is_in_force_at_once() -> None:
    """With method gateway, no guard would open it."""
    gated = _access(LISTEN, ALLOW)
    ungated = dataclasses.replace(gated, is_gated=False)
    drop = RULES["narrow"][-1]
    assert drop in render_rules(gated)
    assert drop not in render_rules(ungated)
    assert render_rules(ungated).count(" drop ") == 1, "whoever is not on the list"
