# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each method on each host: of another method nothing is left, and withdrawing leaves the host as it was."""

from __future__ import annotations

import functools
import itertools
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import parse
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import LoadRules, Remove, StartUnit
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.exposure import OUR_PATHS
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.originals import Originals

from .hosts import FITS, HOSTS, Host
from .planning import after, expose, exposed_by, paths_of, restarts_socket, withdraw

Kind = t.Tuple[bool, str]
#: With or without TLS, and the firewall.
KINDS: list[Kind] = [(True, "none"), (True, "nftables"), (False, "nftables"), (True, "auto")]


@functools.cache
def _exposed(name: str, method: str, kind: Kind = KINDS[0]) -> Host:
    return exposed_by(HOSTS[name], method, tls=kind[0], firewall=kind[1])


def _state(host: Host) -> dict[str, t.Any]:
    """Return the files, without regard to the order of daemon.json's keys."""
    originals = Originals.read(host.content(layout.ORIGINALS) or b"")
    kept = {path: (file.original, file.attributes) for path, file in originals.files.items()}
    files = {path: file for path, file in host.files.items() if path != layout.FILTERING_SEEN}
    return {
        **files,
        layout.DAEMON_JSON: parse(host.text(layout.DAEMON_JSON)),
        layout.ORIGINALS: (originals.method, kept, originals.folders, originals.is_tls),
        "table": host.table,
        "active": host.active - {layout.FIREWALL_WATCH_SERVICE},
        "listening": host.listening,
    }


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_second_run_changes_nothing(name: str, kind: Kind) -> None:
    for method in FITS[name]:
        plan = expose(_exposed(name, method, kind), method, tls=kind[0], firewall=kind[1])
        assert (plan.steps, plan.changed, plan.restarted) == ((), False, False), method


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
def test_of_the_method_before_nothing_is_left(name: str, kind: Kind) -> None:
    for was, (old, new) in itertools.product(KINDS, itertools.product(FITS[name], repeat=2)):
        exposed = _exposed(name, old, was)
        switched = after(exposed, expose(exposed, new, tls=kind[0], firewall=kind[1]))
        assert _state(switched) == _state(_exposed(name, new, kind)), (was, old, new)
        assert not expose(switched, new, tls=kind[0], firewall=kind[1]).changed, (was, old, new)


@pytest.mark.parametrize("name", HOSTS)
def test_a_switch_restarts_once_and_says_so(name: str) -> None:
    for old, new in itertools.permutations(FITS[name], 2):
        plan = expose(_exposed(name, old), new)
        assert plan.restarted
        assert restarts_socket(plan) is ("socket" in (old, new))
        assert (StartUnit(layout.GANGWAY_SOCKET) in plan.steps) is (new == "socket")
        assert len([action for action in plan.actions() if action.startswith("restart ")]) == 1


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("kind", KINDS)
def test_withdrawing_leaves_every_file_as_it_was(name: str, kind: Kind) -> None:
    clean = HOSTS[name]
    for method in FITS[name]:
        exposed = _exposed(name, method, kind)
        assert exposed.files != clean.files
        plan = withdraw(exposed)
        withdrawn = after(exposed, plan)
        assert (withdrawn.files, withdrawn.folders) == (clean.files, clean.folders), method
        assert (withdrawn.table, withdrawn.active, withdrawn.listening) == (None, clean.active, [])
        unloads = any(isinstance(step, LoadRules) for step in plan.steps)
        assert unloads is (kind[1] == "nftables" or method != "socket")
        assert not withdraw(withdrawn).changed


@pytest.mark.parametrize("name", [name for name in HOSTS if "options_file" in FITS[name]])
def test_what_the_user_writes_into_the_options_file_meanwhile_stays(name: str) -> None:
    clean = HOSTS[name]
    path = next(path for path in clean.files if path.startswith(("/etc/default", "/etc/sysconfig", "/etc/conf.d")))
    exposed = _exposed(name, "options_file")
    kept = exposed.files[path]
    edited = exposed.write(path, b"# mine\n" + kept.content, kept.mode, kept.uid, kept.gid)
    withdrawn = after(edited, withdraw(edited))
    # Our block began on a line of its own.
    original = clean.files[path].content
    assert withdrawn.files[path].content == b"# mine\n" + original.rstrip(b"\n") + b"\n"
    switched = after(edited, expose(edited, "daemon_json"))
    assert switched.settings()["hosts"]
    assert (switched.content(path) or b"").startswith(b"# mine\n" + original)
    withdrawn = after(switched, withdraw(switched))
    assert withdrawn.files[path].content == b"# mine\n" + original.rstrip(b"\n") + b"\n"


@pytest.mark.parametrize("name", ["docker-ce", "debian", "sysvinit"])
def test_rules_that_are_not_in_force_are_loaded_though_no_file_changes(name: str) -> None:
    for method in FITS[name]:
        exposed = _exposed(name, method, (True, "nftables"))
        plan = expose(exposed.but(table=None), method, firewall="nftables")
        assert (paths_of(plan), plan.changed, plan.restarted) == ([], True, False), method
        assert plan.actions() == ["load the firewall's rules", "put the access list into force"]


@pytest.mark.parametrize("name", ["debian", "openrc"])
@pytest.mark.parametrize("listening", [[], [("10.20.0.5", 2376, "dockerd")], [("0.0.0.0", 2376, "dockerd")]])
def test_a_port_that_nothing_listens_on_is_opened_by_a_restart(
    name: str, listening: list[tuple[str, int, str]]
) -> None:
    for method in FITS[name]:
        plan = expose(_exposed(name, method).but(listening=listening), method)
        # A socket unit says so itself.
        assert plan.restarted is (method != "socket"), method
        assert not paths_of(plan)


@pytest.mark.parametrize(
    ("listen", "address", "is_open"),
    [
        ("10.20.0.5:2376", "10.20.0.5", True),
        ("10.20.0.5:2376", "0.0.0.0", True),
        ("10.20.0.5:2376", "::", True),
        ("10.20.0.5:2376", "127.0.0.1", False),
        ("[fd00::5]:2376", "fd00::5", True),
        ("[fd00::5]:2376", "::", True),
        ("[fd00::5]:2376", "0.0.0.0", False),
        ("any:2376", "::", True),
        ("any:2376", "0.0.0.0", True),
        ("any:2376", "10.20.0.5", False),
        ("0.0.0.0:2376", "0.0.0.0", True),
        ("[::]:2376", "0.0.0.0", False),
        ("[::]:2376", "::", True),
    ],
)
def test_it_is_seen_whether_dockerd_listens_on_an_address(listen: str, address: str, is_open: bool) -> None:
    exposed = exposed_by(HOSTS["opensuse"], "override", listen=(listen,))
    for program, opens in (("dockerd", is_open), ("other", False)):
        host = exposed.but(listening=[(address, 2376, program)] if opens or program == "dockerd" else [])
        assert expose(host, "override", listen=(listen,)).restarted is not opens


@pytest.mark.parametrize("method", ["socket", "override", "options_file", "daemon_json"])
@pytest.mark.parametrize("kind", [(True, "none"), (False, "nftables")])
def test_without_the_originals_the_port_still_closes_and_stays_open_in_a_run(method: str, kind: Kind) -> None:
    for name in HOSTS:
        if method not in FITS[name]:
            continue
        exposed = _exposed(name, method, kind).without(layout.ORIGINALS)
        again = after(exposed, expose(exposed, method, tls=kind[0], firewall=kind[1]))
        assert again.listening
        assert not expose(again, method, tls=kind[0], firewall=kind[1]).changed
        withdrawn = after(exposed, withdraw(exposed))
        assert withdrawn.listening == []
        assert withdrawn.files.keys() & set(OUR_PATHS) <= {layout.DAEMON_JSON}


def test_a_change_of_the_port_restarts_though_the_old_one_is_ours() -> None:
    for name, methods in FITS.items():
        for method in methods:
            exposed = _exposed(name, method, (True, "nftables"))
            plan = expose(exposed, method, firewall="nftables", listen=("10.20.0.5:2378",))
            moved = after(exposed, plan)
            assert moved.listening == [("10.20.0.5", 2378, "dockerd")]
            assert not [step for step in plan.steps if isinstance(step, Remove)]
