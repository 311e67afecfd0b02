# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of firewalls, and when."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._observe.files import Files
from ansible_collections.gangway.docker.plugins.module_utils._observe.firewalls import read_firewalls
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

OURS = "### tuple ### deny tcp 2376 0.0.0.0/0 any 0.0.0.0/0 in comment=67616e677761792d646f636b6572"
USERS = "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"
NOTHING = {"nftables": None, "firewalld": None, "ufw": None}


class Machine:
    """C(answers): exit status, stdout and stderr by the program that was run; C(calls): all commands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls: list[str] = []
        self.answers: dict[str, tuple[int, str, str]] = {}

    def write(self, name: str, text: str) -> None:
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def ufw(self, *, enabled: str = "yes", ipv6: str = "yes", rules: str = "") -> None:
        self.write("/etc/ufw/ufw.conf", f"#ENABLED=maybe\nENABLED={enabled}\n")
        self.write("/etc/default/ufw", f"IPV6={ipv6}\n")
        self.write("/etc/ufw/user.rules", f"*filter\n{rules}\n-A ufw-user-input -j ACCEPT\n")

    def read(self, **requested: bool) -> dict[str, t.Any]:
        return read_firewalls(
            Files(str(self.root)), self._run, **{"nft": False, "firewalld": False, "ufw": False, **requested}
        )

    def _run(self, words: list[str]) -> tuple[int, str, str]:
        assert words[0] == "env"
        command = words[3:]
        self.calls.append(" ".join(command))
        if command[0] not in self.answers:
            return 127, "", f"env: {command[0]}: No such file or directory"
        return self.answers[command[0]]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_host_without_traces_is_asked_nothing(machine: Machine) -> None:
    machine.ufw(rules=USERS)
    assert machine.read() == NOTHING
    assert machine.calls == []


def test_traces_are_followed(machine: Machine) -> None:
    machine.write(layout.FIREWALL_RULES, "")
    machine.write(layout.FIREWALLD_POLICY, "")
    machine.ufw(enabled="no", rules=f"{OURS}\n{USERS}")
    machine.answers = {"nft": (0, "{}", ""), "firewall-cmd": (0, "gangway-docker (active)\n", "")}
    assert machine.read() == {
        "nftables": "{}",
        "firewalld": {"state": "running", "listing": "gangway-docker (active)\n", "error": ""},
        "ufw": {
            "enabled": False,
            "ipv6": True,
            "rules": [OURS, USERS],
            "rules_ipv6": [],
            "kernel": [],
            "kernel_ipv6": [],
        },
    }
    assert machine.calls == [
        "nft -j list table inet gangway_docker",
        "firewall-cmd --policy=gangway-docker --list-all",
    ]


def test_programs_that_are_not_there(machine: Machine) -> None:
    missing = {"state": "missing", "listing": None, "error": "env: firewall-cmd: No such file or directory"}
    assert machine.read(nft=True, firewalld=True, ufw=True) == {**NOTHING, "firewalld": missing}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((140, "", "Error: INVALID_POLICY: gangway-docker"), "running"),
        ((252, "", "FirewallD is not running"), "stopped"),
        ((2, "", "unrecognized arguments: --policy"), "failed"),
    ],
)
def test_states_of_firewalld(machine: Machine, answer: tuple[int, str, str], state: str) -> None:
    machine.answers = {"firewall-cmd": answer}
    found = machine.read(firewalld=True)["firewalld"]
    assert (found["state"], found["listing"]) == (state, None)


@pytest.mark.parametrize(("ipv6", "calls"), [("yes", ["iptables -S", "ip6tables -S"]), ("no", ["iptables -S"])])
def test_of_the_kernels_rules_only_ufws_are_reported(machine: Machine, ipv6: str, calls: list[str]) -> None:
    machine.ufw(ipv6=ipv6)
    ours = [
        "-A INPUT -j ufw-before-input",
        "-A ufw-before-input -j ufw-user-input",
        "-A ufw-user-input -p tcp -m tcp --dport 2376 -j DROP",
    ]
    others = [
        "-P INPUT DROP",
        "-A DOCKER -j RETURN",
        "-A INPUT -j ufw-after-input",
        "-A ufw-before-input -i lo -j ACCEPT",
    ]
    machine.answers = {"iptables": (0, "\n".join([*others, *ours]), ""), "ip6tables": (0, "-P INPUT DROP\n", "")}
    found = machine.read(ufw=True)["ufw"]
    assert (found["enabled"], found["kernel"], found["kernel_ipv6"]) == (True, ours, [])
    assert machine.calls == calls
