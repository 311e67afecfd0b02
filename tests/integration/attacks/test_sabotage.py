# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sabotages that would open the API or widen the access list, while a client sends requests without a pause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.attack import ADMIN, attack
from tests.integration.attacks.conftest import RESTART, RESTART_ALL, SHUT_OUT, Attacked, restarts_of
from tests.integration.attacks.knocking import Knocking
from tests.integration.attacks.sabotage import METHODS, OPENING, RESTORE, UNDO, WIDENING, Sabotage
from tests.integration.port import ask
from tests.integration.snapshot import started_at


def _cases(sabotages: tuple[Sabotage, ...]) -> Iterator[tuple[str, Sabotage, pytest.MarkDecorator, str]]:
    """Yield sabotages with each method, by method: then hosts need not be exposed again. Mark, and id, too."""
    for method in METHODS:
        for sabotage in sabotages:
            if method in sabotage.engines:
                engine = sabotage.engines[method]
                due = pytest.mark.soak if engine is None else pytest.mark.flavours(engine)
                yield method, sabotage, due, f"{sabotage.id}-{method}"


def _row(sabotage: Sabotage) -> pytest.MarkDecorator:
    return attack(sabotage.name, by=ADMIN, expected=sabotage.expected)


_UNDER_SABOTAGE = [
    *(pytest.param(s, method, id=words, marks=(due, _row(s))) for method, s, due, words in _cases(OPENING)),
    *(pytest.param(s, method, id=words, marks=pytest.mark.soak) for method, s, _due, words in _cases(WIDENING)),
]
_WIDENED = [
    pytest.param(
        s, method, first, id=f"{words}-{first}", marks=(due if first in s.first else pytest.mark.soak, _row(s))
    )
    for method, s, due, words in _cases(WIDENING)
    for first in ("run", "start")
]


@pytest.mark.parametrize(("sabotage", "method"), _UNDER_SABOTAGE)
def test_nobody_without_a_certificate_gets_an_answer(
    attacked: Attacked, sabotage: Sabotage, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """The client's address is in the access list, and dockerd restarts again and again."""
    host = attacked.host
    restarts = restarts_of(sabotage, soak=request.config.getoption("--soak"))
    container, began = started_at(host), host.run("date +%s").stdout.strip()
    down = []
    with Knocking(host.address, attacked.foreign) as knocking:
        knocking.wait_until_refused()
        for number in range(restarts):
            # As it was, so that each start meets the whole of the sabotage.
            host.run(f"{RESTORE}{sabotage.script}{RESTART}", check=False)
            if host.run("docker version >/dev/null && sleep 0.5", check=False).returncode != 0:
                down.append(number)
    with capsys.disabled():
        print(f"\n{host.flavour}, {request.node.callspec.id}: {restarts} restarts, {knocking}")
    is_open = ask(host.address, bundle=attacked.controller.client()) == "answered"
    journal = host.run(f"journalctl --no-pager --since @{began} --unit='docker*'").stdout
    if down:
        host.run(f"{UNDO}{RESTORE}{RESTART}")
    held = {
        "answers by kind of request": Counter(kind for kind, _answer in knocking.answers),
        "starts after which dockerd was down": [] if sabotage.may_stay_down else down,
        "containers run on": started_at(host) == container,
        "open, or the journal says why not": is_open or not sabotage.is_told or "gangway.docker:" in journal,
    }
    assert held == dict(zip(held, ({}, [], True, True))), knocking.answers[:1]


@pytest.mark.parametrize(("sabotage", "method", "first"), _WIDENED)
def test_nobody_outside_the_access_list_gets_through(
    attacked: Attacked, sabotage: Sabotage, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host = attacked.host
    container = started_at(host)
    # The kernel may refuse it: a table may have an owner.
    host.run(sabotage.script, check=False)
    at_once = attacked.from_outside()
    seen = {}
    if first == "run":
        outcome = attacked.controller.expose(**attacked.variables)
        seen[f"a run, changed={outcome.changed(host.name)}, {outcome.failures}"] = attacked.from_outside()
    else:
        host.run(RESTART)
        seen["a restart of dockerd"] = attacked.from_outside()
    host.run(RESTART_ALL)
    seen["a restart of dockerd and its port"] = attacked.from_outside()
    with capsys.disabled():
        print(f"\n{host.flavour}, {sabotage.id}: from outside {at_once} at once, then {seen}")
    assert {after: how for after, how in seen.items() if how not in SHUT_OUT} == {}
    assert host.run("docker version", check=False).returncode == 0
    assert started_at(host) == container
