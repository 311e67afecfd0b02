# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every method: put in place, run again, changed to the next one, changed, and taken away to the byte."""

from __future__ import annotations

import pytest

from tests.integration.controller import Controller, Outcome, same
from tests.integration.port import ask, ask_in_the_clear, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

METHODS = ("socket", "override", "options_file", "daemon_json")
#: Each method once as the first, and once as the one that is changed to.
CHANGES = tuple(zip(METHODS, (*METHODS[1:], METHODS[0])))
#: So that each engine meets each method: as the first, or as the one that is changed to.
_ENGINES_OF_CHANGES = (("bookworm",), ("trixie",), ("sid",), ("trixie",))
#: What each method has in the files that it shares with others.
_SIGNS = {
    "socket": "test -e /etc/systemd/system/docker-gangway.socket",
    "override": "grep -qs GANGWAY_LISTENER /etc/systemd/system/docker.service.d/zz-gangway.conf",
    "options_file": "grep -qs 'BEGIN gangway.docker' /etc/default/docker",
    "daemon_json": "grep -qs '\"hosts\"' /etc/docker/daemon.json",
}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(first, second, id=f"{first}-then-{second}", marks=pytest.mark.flavours(*engines))
        for (first, second), engines in zip(CHANGES, _ENGINES_OF_CHANGES)
    ],
)
def test_a_method_comes_is_changed_to_the_next_and_goes(
    host: Host, controller: Controller, first: str, second: str
) -> None:
    before, container = snapshot(host), started_at(host)

    predicted = controller.expose("--check", "--diff", expose_method=first)
    assert snapshot(host) == before
    exposed = controller.expose("--diff", expose_method=first)
    assert_open(host, controller, exposed, container)
    assert same(predicted, exposed, host)
    assert methods_in_place(host) == [first]
    assert controller.expose(expose_method=first).changed(host.name) == 0
    # What is in place stays where nobody names another.
    assert controller.expose().changed(host.name) == 0

    predicted = controller.expose("--check", "--diff", expose_method=second)
    switched = controller.expose("--diff", expose_method=second)
    assert_open(host, controller, switched, container)
    assert same(predicted, switched, host)
    assert methods_in_place(host) == [second]

    moved = controller.expose(expose_method=second, expose_listen=[f"{host.address}:9002"])
    assert_open(host, controller, moved, container, port=9002)
    assert ask(host.address, bundle=controller.client()) == "closed"

    host.reboot()
    assert ask(host.address, bundle=controller.client(), port=9002) == "answered"
    assert is_safe(host.address, port=9002)

    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert snapshot(host) == before
    assert ask(host.address, port=9002) == "closed"


def assert_open(host: Host, controller: Controller, outcome: Outcome, container: str, port: int = 2376) -> None:
    assert outcome.code == 0, outcome.failures
    assert outcome.listener(host.name)["endpoint"]["verified"] is True
    assert ask(host.address, bundle=controller.client(), ca=controller.client() / "ca.pem", port=port) == "answered"
    assert ask(host.address, port=port) == "refused"
    assert ask_in_the_clear(host.address, port=port) != "answered"
    assert started_at(host) == container
    assert host.run("docker version --format '{{.Server.Version}}'").returncode == 0


def methods_in_place(host: Host) -> list[str]:
    return [method for method, sign in _SIGNS.items() if host.run(sign, check=False).returncode == 0]
