# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd as docker-ce, Fedora and openSUSE start it: which method fits, and that nothing of it stays."""

from __future__ import annotations

import pytest

from tests.integration.controller import Controller, same
from tests.integration.port import ask, ask_in_the_clear
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host
from tests.lab.packages import PACKAGES, dress

#: What C(auto) takes, and another method that fits.
METHODS = (
    ("docker_ce", "socket", "override"),
    ("fedora", "socket", "options_file"),
    ("fedora_live_restore", "socket", "override"),
    ("opensuse", "override", "daemon_json"),
)
_EXEC_DROP_IN = "/etc/systemd/system/docker.service.d/zz-gangway.conf"
_UNIT = "/usr/lib/systemd/system/docker.service"


@pytest.mark.one_host
@pytest.mark.parametrize(("package", "auto", "other"), METHODS, ids=[row[0] for row in METHODS])
@pytest.mark.due("fedora")
def test_methods_on_a_package(host: Host, controller: Controller, package: str, auto: str, other: str) -> None:
    # The next test's host is undressed.
    dress(host, package)
    before, container = snapshot(host), started_at(host)

    for variables, method in (({}, auto), ({"expose_method": other}, other)):
        here = snapshot(host)
        predicted = controller.expose("--check", "--diff", **variables)
        assert snapshot(host) == here
        exposed = controller.expose("--diff", **variables)
        assert exposed.code == 0, exposed.failures
        assert exposed.listener(host.name)["method"] == method
        assert same(predicted, exposed, host)
        assert_open(host, controller)
        assert started_at(host) == container
        assert_as_the_package_has_it(host, package, method)
        assert controller.expose(**variables).changed(host.name) == 0

    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert snapshot(host) == before
    assert started_at(host) == container
    assert ask(host.address) == "closed"


@pytest.mark.one_host
@pytest.mark.parametrize(
    ("package", "was", "becomes"),
    [
        ("docker_ce", "-H fd://", "--default-ulimit nofile=1024:1024 -H fd://"),
        ("fedora", "--host=fd://", "--host=fd:// --default-ulimit nproc=1024:1024"),
    ],
    ids=["docker_ce", "fedora"],
)
def test_an_override_follows_the_line_of_a_newer_package(
    host: Host, controller: Controller, package: str, was: str, becomes: str
) -> None:
    dress(host, package)
    container = started_at(host)
    assert controller.expose(expose_method="override").code == 0
    host.run(f"sed -i 's|{was}|{becomes}|' {_UNIT} && systemctl daemon-reload")

    predicted = controller.expose("--check", "--diff")
    followed = controller.expose("--diff")
    assert followed.code == 0, followed.failures
    assert followed.changed(host.name) == 1
    assert same(predicted, followed, host)
    assert becomes in command_line(host)
    assert becomes in host.run(f"cat {_EXEC_DROP_IN}").stdout
    assert_open(host, controller)
    assert started_at(host) == container
    assert controller.expose().changed(host.name) == 0


def assert_open(host: Host, controller: Controller) -> None:
    shown = controller.docker(host, "version", "--format", "{{.Server.Os}}")
    assert shown.stdout == "linux\n", shown.stderr
    assert ask(host.address) == "refused"
    assert ask_in_the_clear(host.address) != "answered"
    assert host.run("docker version --format '{{.Server.Os}}'").stdout == "linux\n"


def assert_as_the_package_has_it(host: Host, package: str, method: str) -> None:
    """What the package brings is there as it was, and in force."""
    for path, content in {_UNIT: PACKAGES[package].unit, **PACKAGES[package].files}.items():
        found = host.run(f"cat {path}").stdout
        assert found.startswith(content)
        if method != "options_file":
            assert found == content
    if package.startswith("fedora"):
        assert "--default-ulimit nofile=1024:" in command_line(host)
        assert host.run("ls /etc/sysconfig").stdout == "docker\n"
    if package == "opensuse" and method == "daemon_json":
        # There is no -H that would have to go.
        assert "ExecStart=" not in host.run(f"cat {_EXEC_DROP_IN}").stdout


def command_line(host: Host) -> str:
    return host.run("tr '\\0' ' ' < /proc/$(systemctl show docker.service --property=MainPID --value)/cmdline").stdout
