# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for each method on each host: from one to another nothing is left, and withdrawing leaves what was there."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.daemon_json import parse
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.choice import METHODS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import OUR_PATHS, Plan, plan_absent
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.what_was import WhatWas

Host = t.Callable[[str], Observed]
Expose = t.Callable[..., Plan]
After = t.Callable[[Observed, Plan], Observed]
Moments = t.Callable[..., t.List[t.Any]]

NAMES = ["docker-ce", "debian", "fedora", "opensuse", "own socket", "sysvinit", "openrc"]
KINDS = list(itertools.product((True, False), ("none", "nftables")))
OUR_FOLDERS = [layout.BUNDLE, layout.STATE]


def _fitting(observed: Observed) -> list[str]:
    return [method.name for method in METHODS if method.unsuitable(observed) is None]


def _told(observed: Observed) -> dict[str, t.Any]:
    """The files, without regard to the order of daemon.json's keys."""
    content = observed.content(layout.DAEMON_JSON)
    memory = WhatWas.read(observed.content(layout.WHAT_WAS) or b"")
    originals = {path: (kept.original, kept.attributes) for path, kept in memory.files.items()}
    return {
        **observed.files,
        layout.DAEMON_JSON: parse((content or b"").decode()),
        layout.WHAT_WAS: dataclasses.replace(memory, files=originals),  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("tls", "firewall"), KINDS)
def test_a_second_run_changes_nothing(
    host: Host, expose: Expose, after: After, name: str, tls: bool, firewall: str
) -> None:
    clean = host(name)
    for method in _fitting(clean):
        exposed = after(clean, expose(clean, method, tls=tls, firewall=firewall))
        plan = expose(exposed, method, tls=tls, firewall=firewall)
        assert (plan.changes, plan.changed, plan.restart) == ((), False, False), method


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("tls", "firewall"), KINDS)
def test_of_the_method_before_nothing_is_left(
    host: Host, expose: Expose, after: After, name: str, tls: bool, firewall: str
) -> None:
    clean = host(name)
    at_once = {m: _told(after(clean, expose(clean, m, tls=tls, firewall=firewall))) for m in _fitting(clean)}
    for (was, old), new in itertools.product(itertools.product(KINDS, at_once), at_once):
        exposed = after(clean, expose(clean, old, tls=was[0], firewall=was[1]))
        switched = after(exposed, expose(exposed, new, tls=tls, firewall=firewall))
        assert _told(switched) == at_once[new], (was, old, new)


@pytest.mark.parametrize("name", NAMES)
def test_a_switch_restarts_once_and_says_so(host: Host, expose: Expose, after: After, name: str) -> None:
    clean = host(name)
    for old, new in itertools.permutations(_fitting(clean), 2):
        exposed = after(clean, expose(clean, old))
        plan = expose(exposed, new)
        assert plan.restart
        assert plan.restart_socket is ("socket" in (old, new))
        assert plan.listening is (new == "socket")
        assert len([action for action in plan.actions() if action.startswith("restart ")]) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("tls", "firewall"), KINDS)
def test_withdrawing_leaves_every_file_as_it_was(
    host: Host, expose: Expose, after: After, name: str, tls: bool, firewall: str
) -> None:
    clean = host(name)
    for method in _fitting(clean):
        exposed = after(clean, expose(clean, method, tls=tls, firewall=firewall))
        assert exposed.files != clean.files
        plan = plan_absent(exposed, existing_folders=OUR_FOLDERS)
        withdrawn = after(exposed, plan)
        assert withdrawn.files == clean.files, method
        assert plan.unload_firewall is (firewall == "nftables")
        assert not plan_absent(withdrawn, existing_folders=[]).changed


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("docker-ce", "own socket")])
def test_what_the_user_writes_into_the_options_file_meanwhile_stays(
    host: Host, expose: Expose, after: After, name: str
) -> None:
    clean = host(name)
    assert clean.options is not None
    path = clean.options.path
    exposed = after(clean, expose(clean, "options_file"))
    content, attributes = exposed.files[path]
    edited = dataclasses.replace(exposed, files={**exposed.files, path: (b"# mine\n" + content, attributes)})
    withdrawn = after(edited, plan_absent(edited, existing_folders=OUR_FOLDERS))
    # Our block began on a line of its own.
    original = clean.files[path][0]
    assert withdrawn.files[path] == (b"# mine\n" + original.rstrip(b"\n") + b"\n", attributes)
    switched = after(edited, expose(edited, "daemon_json"))
    assert parse((switched.content(layout.DAEMON_JSON) or b"").decode())["hosts"]
    assert (switched.content(path) or b"").startswith(b"# mine\n" + original)
    withdrawn = after(switched, plan_absent(switched, existing_folders=OUR_FOLDERS))
    assert withdrawn.files[path] == (b"# mine\n" + original.rstrip(b"\n") + b"\n", attributes)


@pytest.mark.parametrize("name", ["docker-ce", "debian", "sysvinit"])
def test_rules_that_are_not_in_force_are_loaded_though_no_file_changes(
    host: Host, expose: Expose, after: After, name: str
) -> None:
    clean = host(name)
    for method in _fitting(clean):
        exposed = after(clean, expose(clean, method, firewall="nftables"))
        plan = expose(exposed, method, firewall="nftables", firewall_in_force=False)
        assert (plan.changes, plan.load_firewall, plan.changed, plan.restart) == ((), True, True, False), method


@pytest.mark.parametrize("name", ["debian", "openrc"])
def test_a_port_that_nothing_listens_on_is_opened_by_a_restart(
    host: Host, expose: Expose, after: After, name: str
) -> None:
    clean = host(name)
    for method in _fitting(clean):
        exposed = after(clean, expose(clean, method))
        plan = expose(exposed, method, is_open=False)
        # A socket unit tells by itself.
        assert plan.restart is (method != "socket"), method
        assert not any(not change.is_interim for change in plan.changes)


def _without_memory(observed: Observed) -> Observed:
    files = {path: kept for path, kept in observed.files.items() if path != layout.WHAT_WAS}
    return dataclasses.replace(observed, files=files)


CASES = tuple(itertools.product([method.name for method in METHODS], (True, False)))


@pytest.mark.parametrize(("method", "tls"), CASES)
def test_withdrawing_closes_the_port_though_nothing_is_remembered(
    host: Host, expose: Expose, after: After, moments: Moments, method: str, tls: bool
) -> None:
    for clean in map(host, NAMES):
        if method in _fitting(clean):
            exposed = _without_memory(after(clean, expose(clean, method, tls=tls)))
            plan = plan_absent(exposed, existing_folders=OUR_FOLDERS)
            last = moments(exposed, plan, absent=True)[-1]
            assert (last.fails, last.tcp) == ("", []), last
            left = after(exposed, plan).files.keys() & set(OUR_PATHS)
            assert left <= {layout.DAEMON_JSON}


@pytest.mark.parametrize(("method", "tls"), CASES)
def test_exposing_again_though_nothing_is_remembered_leaves_the_port_open(
    host: Host, expose: Expose, after: After, moments: Moments, method: str, tls: bool
) -> None:
    for clean in map(host, NAMES):
        if method in _fitting(clean):
            exposed = _without_memory(after(clean, expose(clean, method, tls=tls)))
            plan = expose(exposed, method, tls=tls)
            last = moments(exposed, plan)[-1]
            assert last.tcp, last
            assert not last.fails, last
            assert not expose(after(exposed, plan), method, tls=tls).changed
