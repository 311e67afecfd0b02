# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cut off at any moment, dockerd comes up: on its own sockets, and on TCP only with all that guards it."""

from __future__ import annotations

import functools
import itertools
import typing as t

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._dockerd import layout
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.daemon_json import parse
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.methods.method import TLS_SETTINGS
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.observe import Observed
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.plan import Plan, plan_absent

#: With or without TLS, and the firewall.
Kind = t.Tuple[bool, str]
KINDS: list[Kind] = list(itertools.product((True, False), ("none", "nftables")))
FITS = {
    "docker-ce": ("socket", "override", "daemon_json"),
    "debian": ("socket", "override", "options_file", "daemon_json"),
    "fedora": ("socket", "override", "options_file", "daemon_json"),
    "opensuse": ("override", "options_file", "daemon_json"),
    "own socket": ("socket", "override", "daemon_json"),
    "sysvinit": ("options_file", "daemon_json"),
    "openrc": ("options_file", "daemon_json"),
}
#: Host, method before and method afterwards; empty: not exposed.
JOURNEYS = [
    (name, old, new)
    for name, methods in FITS.items()
    for old, new in itertools.product(("", *methods), repeat=2)
    if old or new
]


class Journey(t.NamedTuple):
    """C(was), C(now): before and afterwards; of what is not there, the other's."""

    was: Kind
    now: Kind
    plan: Plan
    others: list[str]
    moments: list[t.Any]


Travel = t.Callable[[str, str, str], t.List[Journey]]


@pytest.fixture(scope="module")
def travel(
    host: t.Callable[[str], Observed],
    expose: t.Callable[..., Plan],
    after: t.Callable[[Observed, Plan], Observed],
    moments: t.Callable[..., list[t.Any]],
) -> Travel:
    """All ways, with and without TLS and a firewall, from one method to another."""

    def journey(name: str, old: str, new: str, was: Kind, now: Kind) -> Journey:
        clean = host(name)
        observed = after(clean, expose(clean, old, tls=was[0], firewall=was[1])) if old else clean
        if new:
            plan = expose(observed, new, tls=now[0], firewall=now[1])
        else:
            plan = plan_absent(observed, existing_folders=[layout.BUNDLE, layout.STATE])
        return Journey(was, now, plan, moments(clean, Plan())[-1].others, moments(observed, plan, absent=not new))

    @functools.cache
    def journeys(name: str, old: str, new: str) -> list[Journey]:
        pairs = itertools.product(KINDS, repeat=2) if old and new else zip(KINDS, KINDS)
        return [journey(name, old, new, was, now) for was, now in pairs]

    return journeys


@pytest.mark.parametrize(
    ("name", "old", "new"),
    JOURNEYS,
)
def test_dockerd_can_start_at_any_moment(travel: Travel, name: str, old: str, new: str) -> None:
    for journey in travel(name, old, new):
        for moment in journey.moments:
            assert not moment.fails, moment
            # Where hosts move from one place to the other, they are in neither meanwhile, but for the default.
            assert "fd://" in moment.others, moment
            assert moment.live_restore, moment


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_dockerd_ends_up_with_what_is_asked_and_the_users_own_sockets(
    travel: Travel, name: str, old: str, new: str
) -> None:
    for journey in travel(name, old, new):
        restarted = next(index for index, moment in enumerate(journey.moments) if moment.when == "restart")
        for moment in journey.moments[restarted:]:
            assert moment.others == journey.others, moment
            assert bool(moment.tcp) is bool(new), moment
            assert (moment.tls.get("tlsverify") is True) is (bool(new) and journey.now[0]), moment


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_the_port_is_never_there_without_mutual_tls_and_the_access_list(
    travel: Travel, name: str, old: str, new: str
) -> None:
    for journey in travel(name, old, new):
        tls = journey.was[0] and journey.now[0]
        rules = journey.was[1] == journey.now[1] == "nftables"
        for moment in journey.moments:
            if moment.tcp:
                assert not tls or {**moment.tls, "tls": 0} == {**TLS_SETTINGS, "tls": 0}, moment
                assert not rules or moment.has_rules, moment


@pytest.mark.parametrize(("name", "old", "new"), JOURNEYS)
def test_the_port_is_never_there_without_the_guard(travel: Travel, name: str, old: str, new: str) -> None:
    for journey in travel(name, old, new):
        if journey.was[0] and journey.now[0]:
            for moment in journey.moments:
                assert not moment.tcp or moment.has_guard, moment


@pytest.mark.parametrize(("name", "old", "new"), [journey for journey in JOURNEYS if journey[1] != journey[2]])
def test_on_the_way_daemon_json_has_no_port(travel: Travel, name: str, old: str, new: str) -> None:
    for journey in travel(name, old, new):
        for change in journey.plan.changes:
            if change.is_interim and change is not _last_daemon_json(journey.plan):
                assert change.content is not None
                assert not any("tcp://" in host for host in parse(change.content.decode()).get("hosts", [])), change


def _last_daemon_json(plan: Plan) -> t.Any:
    """The one for the start."""
    return [change for change in plan.changes if change.path == layout.DAEMON_JSON and change is not plan.settle][-1]


@pytest.mark.parametrize(("name", "old", "new"), [journey for journey in JOURNEYS if journey[2]])
def test_what_is_used_comes_before_its_user_and_goes_after_it(travel: Travel, name: str, old: str, new: str) -> None:
    used = (layout.STATE, layout.BUNDLE, *layout.FIREWALL_UNITS)
    for journey in travel(name, old, new):
        changes = [change for change in journey.plan.changes if change is not journey.plan.settle]
        places = [1 + (1 if c.removes else -1) * c.path.startswith(used) for c in changes]
        assert places == sorted(places), [change.describe() for change in changes]
        units = [c.removes for c in changes if c.path.startswith(layout.UNITS) and c.path not in layout.FIREWALL_UNITS]
        assert units == sorted(units, reverse=True), "the units of two methods are never there together"
