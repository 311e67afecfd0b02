# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host reported about firewalld and ufw, checked and typed."""

from __future__ import annotations

__all__ = ("COMMENT", "FirewalldFacts", "UfwFacts", "UfwRule", "parse_firewalld", "parse_ufw")

import contextlib
import ipaddress
import re
from dataclasses import dataclass

from ..host.answer import Answer

#: What marks rules of ours in ufw.
COMMENT = "gangway-docker"
_TUPLE = "### tuple ### "
_PORTS = re.compile("any|[0-9]{1,5}([:,][0-9]{1,5})*")
_ANYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True)
class FirewalldFacts:
    """C(state): running, stopped, missing (no such program) or failed (with the C(error))."""

    state: str
    #: Our policy as C(--list-all) prints it; None: there is none in the running firewall.
    listing: str | None = None
    error: str = ""

    @property
    def is_running(self) -> bool:
        return self.state == "running"


@dataclass(frozen=True)
class UfwRule:
    """A rule of ufw for incoming packets. Addresses are networks in CIDR form, empty for any."""

    action: str
    protocol: str
    #: One or several, and ranges: C(80,443,2000:2010), or C(any).
    ports: str
    destination: str
    source: str
    #: It has nothing else: no source port, no interface, no logging.
    is_plain: bool = True
    comment: str = ""

    @property
    def is_ours(self) -> bool:
        return self.comment.partition(" ")[0] == COMMENT

    def has_port(self, port: int) -> bool:
        """Whether it concerns this TCP port."""
        if self.protocol not in ("tcp", "any"):
            return False
        ranges = (part.partition(":") for part in self.ports.split(","))
        return self.ports == "any" or any(int(first) <= port <= int(last or first) for first, _colon, last in ranges)


@dataclass(frozen=True)
class UfwFacts:
    """ufw's settings, the rules that users added, in order, and what the kernel has of them."""

    is_enabled: bool
    #: IPV6=yes. Without, ufw has no IPv6 rules and drops all IPv6 packets.
    has_ipv6: bool
    rules: tuple[UfwRule, ...] = ()
    rules_ipv6: tuple[UfwRule, ...] = ()
    #: Of C(iptables -S) and C(ip6tables -S), the lines of the chains that lead to these rules.
    kernel: tuple[str, ...] = ()
    kernel_ipv6: tuple[str, ...] = ()

    def rules_of(self, version: int) -> tuple[UfwRule, ...]:
        return self.rules if version == 4 else self.rules_ipv6


def parse_firewalld(answer: Answer) -> FirewalldFacts | None:
    """Failure: C(host_answer_invalid)."""
    if answer.is_none:
        return None
    state = answer["state"].one_of("running", "stopped", "missing", "failed")
    return FirewalldFacts(state, answer["listing"].optional(Answer.text), answer["error"].optional(Answer.text) or "")


def parse_ufw(answer: Answer) -> UfwFacts | None:
    """Failure: C(host_answer_invalid)."""
    if answer.is_none:
        return None
    return UfwFacts(
        is_enabled=answer["enabled"].flag(),
        has_ipv6=answer["ipv6"].flag(),
        rules=_rules(answer["rules"]),
        rules_ipv6=_rules(answer["rules_ipv6"]),
        kernel=answer["kernel"].names(),
        kernel_ipv6=answer["kernel_ipv6"].names(),
    )


def _rules(lines: Answer) -> tuple[UfwRule, ...]:
    found = []
    for line in lines.names():
        # ufw ignores lines that it can't read, too.
        with contextlib.suppress(ValueError):
            found.append(_rule(line))
    return tuple(rule for rule in found if rule is not None)


def _rule(line: str) -> UfwRule | None:
    """Read a line of /etc/ufw/user.rules, see UFWBackendIptables._write_rules. Raises ValueError.

    C(### tuple ### ACTION[_LOG] PROTOCOL PORT DESTINATION SOURCEPORT SOURCE [APPS] DIRECTION[_INTERFACE] [comment=HEX])
    """
    words = line.removeprefix(_TUPLE).split()
    comment = ""
    if words and words[-1].startswith("comment="):
        comment = bytes.fromhex(words.pop().partition("=")[2]).decode()
    if len(words) not in (7, 9):
        raise ValueError(line)
    action, protocol, ports, destination, source_ports, source = words[:6]
    if not _PORTS.fullmatch(ports):
        raise ValueError(line)
    action, _underscore, log = action.partition("_")
    direction, _underscore, interface = words[-1].partition("_")
    if action.startswith("route:") or direction != "in":
        return None
    return UfwRule(
        action,
        protocol,
        ports,
        _network(destination),
        _network(source),
        is_plain=not log and not interface and source_ports == "any",
        comment=comment,
    )


def _network(text: str) -> str:
    return "" if text in _ANYWHERE else str(ipaddress.ip_network(text, strict=False))
