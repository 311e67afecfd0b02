# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that sysvinit or OpenRC runs: what systemd does elsewhere, our block in the options file does there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.integration.attacks.conftest import make_foreign
from tests.integration.attacks.knocking import Knocking
from tests.integration.attacks.scripts import crash
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller, same
from tests.integration.port import ask, ask_in_the_clear, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

_OPTIONS = {"sysvinit": "/etc/default/docker", "openrc": "/etc/conf.d/docker"}
_USERS_OPTIONS = """\
# Ours since the last audit: keep
DOCKER_OPTS="--log-level=info \\
    --label site=north"   # two lines
"""
_BEGIN = "BEGIN gangway.docker"


@pytest.fixture
def controller(tmp_path: Path, other_init: Host) -> Controller:
    return Controller(tmp_path, [other_init])


@pytest.fixture
def options(other_init: Host) -> str:
    """The path of the options file, in which the user has something."""
    path = _OPTIONS[other_init.init]
    other_init.run(f"printf %s {shlex.quote(_USERS_OPTIONS)} >> {path}")
    return path


def test_auto_is_the_options_file(other_init: Host, controller: Controller, options: str) -> None:
    before, container = snapshot(other_init), started_at(other_init)

    predicted = controller.expose("--check", "--diff")
    assert snapshot(other_init) == before
    exposed = controller.expose("--diff")
    assert exposed.code == 0, exposed.failures
    assert exposed.listener(other_init.name)["method"] == "options_file"
    assert same(predicted, exposed, other_init)
    assert_open(other_init, controller)
    assert started_at(other_init) == container
    content = other_init.run(f"cat {options}").stdout
    assert _USERS_OPTIONS in content
    assert _BEGIN in content
    command_line = other_init.run("tr '\\0' ' ' < /proc/$(pidof dockerd)/cmdline").stdout
    assert "--log-level=info --label site=north" in command_line
    assert controller.expose().changed(other_init.name) == 0

    other_init.reboot()
    assert_open(other_init, controller)
    assert controller.expose().changed(other_init.name) == 0

    assert_closes_when_damaged(other_init, controller)

    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert snapshot(other_init) == before
    assert ask(other_init.address) == "closed"


def test_daemon_json_in_the_place_of_the_options_file(other_init: Host, controller: Controller, options: str) -> None:
    before, container = snapshot(other_init), started_at(other_init)
    assert controller.expose(expose_method="options_file").code == 0

    predicted = controller.expose("--check", "--diff", expose_method="daemon_json")
    switched = controller.expose("--diff", expose_method="daemon_json")
    assert switched.code == 0, switched.failures
    assert same(predicted, switched, other_init)
    assert_open(other_init, controller)
    assert started_at(other_init) == container
    assert "tcp:" not in other_init.run(f"cat {options} && tr '\\0' ' ' < /proc/$(pidof dockerd)/cmdline").stdout
    assert _USERS_OPTIONS in other_init.run(f"cat {options}").stdout
    assert (
        other_init.run("ls -A /var/lib/gangway-docker/listener /run/gangway-docker-listener", check=False).stdout == ""
    )
    assert controller.expose().changed(other_init.name) == 0

    other_init.reboot()
    assert_open(other_init, controller)

    assert_closes_when_damaged(other_init, controller)

    # The script reads the options file for whatever it is to do; what only starts need must not stand in its way.
    container = started_at(other_init)
    other_init.run(f"mv /usr/bin/python3 /usr/bin/python3.away; {script(other_init)} stop; ! pidof dockerd")
    other_init.run(f"mv /usr/bin/python3.away /usr/bin/python3; {script(other_init)} start")
    wait_for_dockerd(other_init)
    assert_open(other_init, controller)

    # A supervisor brings a dockerd that has crashed back without the script.
    other_init.run('sed -i \'s/"tlsverify": true/"tlsverify": false/; /tlscacert/d\' /etc/docker/daemon.json')
    other_init.run("pid=$(pidof dockerd); kill -KILL $pid; while test -d /proc/$pid; do sleep 0.1; done")
    if other_init.init == "sysvinit":
        other_init.run(f"{script(other_init)} start")
    wait_for_dockerd(other_init)
    assert ask(other_init.address, timeout=2) == "dropped"
    assert started_at(other_init) == container

    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert snapshot(other_init) == before
    assert controller.withdraw().changed(other_init.name) == 0


def test_a_dockerd_that_starts_again_after_a_crash_is_proved_again(
    other_init: Host, controller: Controller, options: str, tmp_path: Path
) -> None:
    """A supervisor starts it with the words that it has, and does not read the options file again."""
    assert controller.expose().code == 0
    container, foreign = started_at(other_init), make_foreign(tmp_path / "foreign")
    kill = crash(other_init.init)
    other_init.run(kill)
    wait_for_dockerd(other_init)
    assert_open(other_init, controller)
    kept = "/run/ca.pem"
    other_init.run(f"cp --archive /etc/docker/gangway/ca.pem {kept}")
    text = shlex.quote((foreign / "ca.pem").read_text())
    with Knocking(other_init.address, foreign) as knocking:
        knocking.wait_until_refused()
        other_init.run(f"printf %s {text} > /etc/docker/gangway/ca.pem\n{kill}sleep 2")
    wait_for_dockerd(other_init)
    assert knocking.answers == []
    assert ask(other_init.address, bundle=foreign, timeout=2) == "dropped"
    other_init.run(f"cp --archive {kept} /etc/docker/gangway/ca.pem\n{kill}")
    wait_for_dockerd(other_init)
    assert_open(other_init, controller)
    assert started_at(other_init) == container
    assert controller.expose().changed(other_init.name) == 0


def assert_open(host: Host, controller: Controller) -> None:
    """Open to who has a certificate and is in the access list."""
    assert ask(host.address, bundle=controller.client(), ca=controller.client() / "ca.pem") == "answered"
    assert ask(host.address) == "refused"
    assert ask_in_the_clear(host.address) != "answered"
    assert ask(host.address, bundle=controller.client(), source=OUTSIDE, timeout=2) == "dropped"


def assert_closes_when_damaged(host: Host, controller: Controller) -> None:
    """Without its certificate dockerd starts without the port, and the containers live on; the next run mends it."""
    container = started_at(host)
    host.run(f"rm /etc/docker/gangway/cert.pem; {script(host)} restart")
    wait_for_dockerd(host)
    # The gate stays narrow.
    assert ask(host.address, bundle=controller.client(), timeout=2) == "dropped"
    assert started_at(host) == container
    mended = controller.expose()
    assert mended.code == 0, mended.failures
    assert_open(host, controller)
    assert is_safe(host.address)
    assert started_at(host) == container


def script(host: Host) -> str:
    return "rc-service docker" if host.init == "openrc" else "/etc/init.d/docker"


def wait_for_dockerd(host: Host) -> None:
    host.run("for _ in $(seq 200); do docker version >/dev/null 2>&1 && exit; sleep 0.1; done; docker version")
