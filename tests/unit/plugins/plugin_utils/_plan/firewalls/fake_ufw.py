# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ufw's command and what is reported of it, as ufw 0.36.2 has it."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Command
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.firewalls.facts import UfwFacts, parse_ufw
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.answer import Answer

MARK = "comment=67616e677761792d646f636b6572"
#: With rules of ours, for ALLOW to LISTEN.
LISTEN, ALLOW = ["172.30.77.13:2376", "[fd77:6777::d]:2376"], ["172.30.77.1", "fd77:6777::1"]
REPORT: dict[str, t.Any] = {
    "enabled": True,
    "ipv6": True,
    "rules": [
        f"### tuple ### allow tcp 2376 172.30.77.13 any 172.30.77.1 in {MARK}",
        f"### tuple ### deny tcp 2376 172.30.77.13 any 0.0.0.0/0 in {MARK}",
        "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in",
        "### tuple ### allow any 2376 0.0.0.0/0 any 0.0.0.0/0 in",
    ],
    "rules_ipv6": [
        f"### tuple ### allow tcp 2376 fd77:6777::d any fd77:6777::1 in {MARK}",
        f"### tuple ### deny tcp 2376 fd77:6777::d any ::/0 in {MARK}",
        "### tuple ### allow tcp 22 ::/0 any ::/0 in",
        "### tuple ### allow any 2376 ::/0 any ::/0 in",
    ],
    "kernel": [
        "-A INPUT -j ufw-before-input",
        "-A ufw-before-input -j ufw-user-input",
        "-A ufw-user-input -s 172.30.77.1/32 -d 172.30.77.13/32 -p tcp -m tcp --dport 2376 -j ACCEPT",
        "-A ufw-user-input -d 172.30.77.13/32 -p tcp -m tcp --dport 2376 -j DROP",
        "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A ufw-user-input -p tcp -m tcp --dport 2376 -j ACCEPT",
        "-A ufw-user-input -p udp -m udp --dport 2376 -j ACCEPT",
    ],
    "kernel_ipv6": [
        "-A INPUT -j ufw6-before-input",
        "-A ufw6-before-input -j ufw6-user-input",
        "-A ufw6-user-input -s fd77:6777::1/128 -d fd77:6777::d/128 -p tcp -m tcp --dport 2376 -j ACCEPT",
        "-A ufw6-user-input -d fd77:6777::d/128 -p tcp -m tcp --dport 2376 -j DROP",
        "-A ufw6-user-input -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A ufw6-user-input -p tcp -m tcp --dport 2376 -j ACCEPT",
        "-A ufw6-user-input -p udp -m udp --dport 2376 -j ACCEPT",
    ],
}
USERS = {"rules": REPORT["rules"][2:], "rules_ipv6": REPORT["rules_ipv6"][2:]}


def read(**changes: t.Any) -> UfwFacts:
    ufw = parse_ufw(Answer({**REPORT, **changes}))
    assert ufw is not None
    return ufw


class FakeUfw:
    """ufw's command: rules known by what they match, whatever their action; see the trial in the lab, ufw 0.36.2."""

    def __init__(self, report: dict[str, t.Any] | None = None) -> None:
        report = {**REPORT, **USERS} if report is None else report
        self.lists: dict[int, list[str]] = {4: list(report["rules"]), 6: list(report["rules_ipv6"])}

    @property
    def report(self) -> dict[str, t.Any]:
        """What the host reports."""
        kernel = {
            name: [*REPORT[name][:2], *(line for rule in self.lists[version] for line in _kernel_lines(version, rule))]
            for version, name in ((4, "kernel"), (6, "kernel_ipv6"))
        }
        return {**REPORT, "rules": self.lists[4], "rules_ipv6": self.lists[6], **kernel}

    @property
    def facts(self) -> UfwFacts:
        return read(**self.report)

    def run(self, command: Command) -> None:
        program, verb, *words = command
        assert program == "/usr/sbin/ufw"
        if verb == "reload":
            return
        action, proto, tcp, _from, source, _to, address, _port, port, *comment = words
        assert (proto, tcp, comment) == ("proto", "tcp", [] if verb == "delete" else ["comment", "gangway-docker"])
        versions = {6 if ":" in text else 4 for text in (source, address) if text != "any"} or {4, 6}
        for version in versions:
            anywhere = "0.0.0.0/0" if version == 4 else "::/0"
            ends = [anywhere if text == "any" else text for text in (address, source)]
            same = f" tcp {port} {ends[0]} any {ends[1]} in"
            if verb == "delete":
                gone = f"### tuple ### {action}{same}"
                self.lists[version] = [rule for rule in self.lists[version] if not _is_same(rule, gone)]
            elif not any(same in rule for rule in self.lists[version]):
                self.lists[version].insert(0, f"### tuple ### {action}{same} {MARK}")

    def lets_in(self, source: str, address: str, port: int) -> bool:
        """Whether a packet gets through, with ufw's default to deny."""
        packet = ipaddress.ip_address(source), ipaddress.ip_address(address)
        for rule in self.facts.rules_of(packet[0].version):
            ends = (rule.source, rule.destination)
            if rule.has_port(port) and all(not n or ip in ipaddress.ip_network(n) for ip, n in zip(packet, ends)):
                return rule.action == "allow"
        return False


def _is_same(rule: str, other: str) -> bool:
    return rule.partition(" in")[0] == other.partition(" in")[0]


def _kernel_lines(version: int, rule: str) -> list[str]:
    (found,) = read(rules=[rule], rules_ipv6=[]).rules
    source = f"-s {found.source} " if found.source else ""
    destination = f"-d {found.destination} " if found.destination else ""
    chain = "ufw-user-input" if version == 4 else "ufw6-user-input"
    target = {"allow": "ACCEPT", "deny": "DROP"}[found.action]
    protocol = "tcp" if found.protocol == "any" else found.protocol
    return [f"-A {chain} {source}{destination}-p {protocol} -m {protocol} --dport {found.ports} -j {target}"]
