# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sabotages where a script of sysvinit or OpenRC starts dockerd, which is restarted and crashes in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.attack import ADMIN, attack
from tests.integration.attacks.conftest import Attacked, restarts_of
from tests.integration.attacks.knocking import Knocking
from tests.integration.attacks.sabotage import RESTORE, Sabotage
from tests.integration.attacks.scripts import METHODS, OPENING, RESTARTS, crash
from tests.integration.port import ask
from tests.integration.snapshot import started_at

_LOG = "/var/log/docker.log"


def _cases() -> Iterator[object]:
    """Yield each sabotage with each method, by method: then hosts need not be exposed again."""
    for method in METHODS:
        for sabotage in OPENING:
            if method in sabotage.engines:
                flavour = sabotage.engines[method]
                due = pytest.mark.soak if flavour is None else pytest.mark.flavours(flavour)
                row = attack(sabotage.name, by=ADMIN, expected=sabotage.expected)
                yield pytest.param(sabotage, method, id=f"{sabotage.id}-{method}", marks=(due, row))


@pytest.mark.parametrize(("sabotage", "method"), [*_cases()])
def test_nobody_without_a_certificate_gets_an_answer_without_systemd(
    scripted: Attacked, sabotage: Sabotage, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """The client's address is in the access list."""
    host, container = scripted.host, started_at(scripted.host)
    restarts = restarts_of(sabotage, soak=request.config.getoption("--soak"))
    ways = (crash(host.init), RESTARTS[host.init])
    began = host.run(f"stat -c %s {_LOG}").stdout.strip()
    down, said = [], []
    with Knocking(host.address, scripted.foreign) as knocking:
        knocking.wait_until_refused()
        for number in range(restarts):
            # As it was, so that each start meets the whole of the sabotage.
            done = host.run(f"{RESTORE}{sabotage.script}{ways[number % 2]}", check=False)
            said.append(done.stdout + done.stderr)
            if host.run("docker version >/dev/null && sleep 0.5", check=False).returncode != 0:
                down.append(number)
    with capsys.disabled():
        print(f"\n{host.flavour}, {request.node.callspec.id}: {restarts} restarts, {knocking}")
    is_open = ask(host.address, bundle=scripted.controller.client()) == "answered"
    said.append(host.run(f"tail -c +{began} {_LOG}").stdout)
    if down:
        host.run(f"{RESTORE}{RESTARTS[host.init]}")
    held = {
        "answers by kind of request": Counter(kind for kind, _answer in knocking.answers),
        "starts after which dockerd was down": [] if sabotage.may_stay_down else down,
        "containers run on": started_at(host) == container,
        "open, or the log says why not": is_open or not sabotage.is_told or "gangway.docker:" in "".join(said),
    }
    assert held == dict(zip(held, ({}, [], True, True))), knocking.answers[:1]
