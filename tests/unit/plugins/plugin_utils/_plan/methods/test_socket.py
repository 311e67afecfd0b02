# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method socket: what stands in the unit and in the drop-in."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.listener import Listener
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.methods.socket import (
    render_drop_in,
    render_socket_unit,
)

from .conftest import FIREWALLS

MakeListener = t.Callable[..., Listener]


def _values(text: str, key: str, section: str) -> list[str]:
    """The values of one key in one section, in order."""
    inside, found = "", []
    for line in text.splitlines():
        if line.startswith("["):
            inside = line.strip("[]")
        elif inside == section and line.startswith(f"{key}="):
            found.append(line.partition("=")[2])
    return found


@pytest.mark.parametrize(
    ("listen", "streams"),
    [
        (["10.20.0.5:2376"], ["10.20.0.5:2376"]),
        (["10.20.0.5:2376", "[2001:db8::5]:2377"], ["10.20.0.5:2376", "[2001:db8::5]:2377"]),
        (["any:2376"], ["2376"]),
        (["0.0.0.0:2376"], ["0.0.0.0:2376"]),
        (["[::]:2376"], ["[::]:2376"]),
    ],
)
def test_each_address_is_a_stream_with_its_port_and_without_a_scheme(
    make_listener: MakeListener, listen: list[str], streams: list[str]
) -> None:
    unit = render_socket_unit(make_listener(listen=listen))
    assert _values(unit, "ListenStream", "Socket") == streams


@pytest.mark.parametrize(
    ("listen", "allowed"),
    [
        (["10.20.0.5"], ["10.20.0.5/32"]),
        (["[2001:db8::5]"], ["2001:db8::5/128"]),
        (["any"], ["127.0.0.0/8", "::1/128"]),
        (["0.0.0.0"], ["127.0.0.0/8", "::1/128"]),
    ],
)
@pytest.mark.parametrize("firewall", ["systemd", "firewalld", "ufw", "none"])
def test_all_are_denied_but_the_host_itself_until_the_guard_adds_the_access_list(
    make_listener: MakeListener, firewall: str, listen: list[str], allowed: list[str]
) -> None:
    unit = render_socket_unit(make_listener(firewall=firewall, listen=listen, allow=["10.9.0.0/16"]))
    assert _values(unit, "IPAddressDeny", "Socket") == ["any"]
    assert _values(unit, "IPAddressAllow", "Socket") == allowed


@pytest.mark.parametrize(("tls", "described"), [(True, "with mutual TLS"), (False, "without TLS")])
def test_the_unit_says_whether_the_port_has_tls(make_listener: MakeListener, tls: bool, described: str) -> None:
    """systemctl and the journal show it."""
    unit = render_socket_unit(make_listener(tls=tls))
    (description,) = _values(unit, "Description", "Unit")
    assert description.endswith(described)


def test_the_socket_unit_survives_boot_and_hands_its_port_to_dockerd(make_listener: MakeListener) -> None:
    unit = render_socket_unit(make_listener())
    assert _values(unit, "FreeBind", "Socket") == ["yes"]
    assert _values(unit, "Service", "Socket") == ["docker-gangway.service"], "the drop-in alone hands the port over"
    assert "PartOf=" not in unit, "the port would close at each restart"
    assert unit.startswith("# Written by the Ansible collection gangway.docker")
    assert unit.endswith("\n")
    other = render_socket_unit(make_listener(firewall="nftables"))
    assert _values(other, "IPAddressDeny", "Socket") == [], "the list is in nftables"


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_port_opens_only_after_a_check_of_its_rules(make_listener: MakeListener, firewall: str) -> None:
    listener = make_listener(firewall=firewall)
    checks = _values(render_socket_unit(listener), "ExecStartPre", "Socket")
    assert len(checks) == bool(FIREWALLS[firewall])
    for line in checks:
        # systemd's own quotes, then the shell's.
        assert not re.search(r"[$%\\]", line)
        assert line.count("'") == 2
        assert shlex.split(line) == ["/bin/sh", "-c", " && ".join(listener.checks)]


@pytest.mark.parametrize(
    ("firewall", "query"),
    [
        ("nftables", f"nft -f {layout.FIREWALL_RULES}"),
        (
            "firewalld",
            "firewall-cmd --quiet --policy=gangway-docker --query-rich-rule=rule priority=-1 family=ipv4 "
            "destination address=10.20.0.5 port port=2376 protocol=tcp drop",
        ),
        ("ufw", "iptables -C ufw-user-input -d 10.20.0.5/32 -p tcp -m tcp --dport 2376 -j DROP"),
    ],
)
@pytest.mark.parametrize("status", [0, 1])
def test_the_check_asks_the_firewall_for_each_place(
    make_listener: MakeListener, site: t.Any, firewall: str, query: str, status: int
) -> None:
    (line,) = _values(
        render_socket_unit(make_listener(firewall=firewall, listen=["10.20.0.5:2376"])), "ExecStartPre", "Socket"
    )
    site.says(FIREWALLS[firewall], status)
    done = subprocess.run(shlex.split(line), env={"PATH": f"{site.folder}:{os.defpath}"}, check=False)
    assert done.returncode == status
    assert site.called == [query]


@pytest.mark.parametrize("firewall", FIREWALLS)
def test_the_socket_waits_for_the_rules_without_a_cycle(make_listener: MakeListener, firewall: str) -> None:
    """firewalld starts after basic.target, and that, by default, after all sockets."""
    unit = render_socket_unit(make_listener(firewall=firewall))
    after = " ".join(_values(unit, "After", "Unit")).split()
    others = {"firewalld": "firewalld.service", "ufw": "ufw.service"}
    if firewall not in others:
        assert after == ([layout.FIREWALL_SERVICE] if firewall == "nftables" else [])
        assert _values(unit, "DefaultDependencies", "Unit") == []
        return
    assert after == ["sysinit.target", others[firewall]]
    assert _values(unit, "DefaultDependencies", "Unit") == ["no"]
    # What the default would have been, but for sockets.target.
    assert _values(unit, "Conflicts", "Unit") == ["shutdown.target"]
    assert _values(unit, "Before", "Unit") == [f"{layout.DOCKER_SERVICE} shutdown.target"]
    assert "sockets.target" not in unit
    for dependency in ("Requires", "BindsTo", "PartOf"):
        assert _values(unit, dependency, "Unit") == [], "a restart of the firewall would close the port"


@pytest.mark.parametrize(
    ("firewall", "rules"),
    [
        ("systemd", ""),
        ("nftables", "{ nft -f /var/lib/gangway-docker/firewall.nft || export GANGWAY_UNGUARDED=1; } && "),
    ],
)
def test_the_drop_in_closes_the_port_wherever_the_guard_does_not_say_yes(
    make_listener: MakeListener, firewall: str, rules: str
) -> None:
    drop_in = render_drop_in(make_listener(firewall=firewall))
    assert _values(drop_in, "ExecStartPre", "Service") == [
        f"/bin/sh -c '{{ cd /var/lib/gangway-docker && {rules}systemctl show docker.service "
        "$(systemctl show docker.service --property=TriggeredBy --value) --property=Id,ExecStart,Listen | "
        "/usr/bin/python3 -B -m guard /etc/docker/daemon.json "
        "/var/lib/gangway-docker/daemon.json.good; } || { systemctl stop docker-gangway.socket; "
        "case $(systemctl is-active docker-gangway.socket) in inactive|failed) ;; *) exit 1 ;; esac; }'"
    ]


def test_the_drop_in_takes_the_socket_and_leaves_exec_start_alone(make_listener: MakeListener) -> None:
    drop_in = render_drop_in(make_listener())
    assert _values(drop_in, "Sockets", "Service") == ["docker-gangway.socket"]
    assert _values(drop_in, "Wants", "Unit") == ["docker-gangway.socket docker-gangway.service"]
    assert _values(drop_in, "After", "Unit") == ["docker-gangway.socket"]
    assert _values(drop_in, "ExecStart", "Service") == []
