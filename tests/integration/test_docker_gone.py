# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that Docker has been removed from: withdrawing takes away what we left there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.integration.controller import Controller, same
from tests.integration.port import ask
from tests.lab.hosts import Host

#: As a package's removal leaves the host, without its configuration files.
_REMOVE = (
    "mkdir /opt/removed; systemctl stop docker.service docker.socket; "
    "for file in /usr/sbin/dockerd /usr/lib/systemd/system/docker.service /usr/lib/systemd/system/docker.socket; do "
    "cp --archive --parents $file /opt/removed; rm $file; done; systemctl daemon-reload"
)
_RESTORE = (
    "cp --archive /opt/removed/. /; rm -r /opt/removed; systemctl daemon-reload; "
    "systemctl reset-failed docker.service docker.socket 2>/dev/null; systemctl start docker.socket docker.service"
)
_OURS = (
    "ls -d /var/lib/gangway-docker* /run/gangway-docker* 2>/dev/null; find /etc -name '*gangway*'; "
    "systemctl list-units --all --no-legend --plain 'docker-gangway*'; nft list tables | grep gangway; true"
)


@contextlib.contextmanager
def _removed(host: Host) -> Iterator[None]:
    host.run(_REMOVE)
    try:
        yield
    finally:
        host.run(_RESTORE)


@pytest.mark.one_host
@pytest.mark.parametrize(("method", "firewall"), [("socket", "auto"), ("socket", "nftables"), ("daemon_json", "auto")])
@pytest.mark.due("daemon_json")
def test_nothing_of_ours_stays_where_docker_was_removed_and_the_port_closes(
    host: Host, controller: Controller, method: str, firewall: str
) -> None:
    host.run("mkdir -p /etc/docker; echo '{\"debug\": true}' > /etc/docker/daemon.json")
    exposed = controller.expose(expose_method=method, expose_firewall=firewall)
    assert exposed.code == 0, exposed.failures
    with _removed(host):
        if method == "socket":
            # systemd has the port, and outlives dockerd.
            listening = host.run("systemctl start docker-gangway.socket; ss -Hltn 'sport = 2376'").stdout
            assert host.address in listening
        predicted = controller.withdraw("--check")
        withdrawn = controller.withdraw()
        assert withdrawn.failures == []
        assert same(predicted, withdrawn, host)
        assert withdrawn.changed(host.name) > 0
        assert host.run(_OURS).stdout == ""
        assert host.run("ss -Hltn 'sport = 2376'").stdout == ""
        assert host.run("cat /etc/docker/daemon.json").stdout == '{"debug": true}\n'
        assert controller.withdraw().changed(host.name) == 0
    assert ask(host.address) == "closed"


@pytest.mark.one_host
def test_a_host_that_never_had_anything_has_nothing_to_withdraw(host: Host, controller: Controller) -> None:
    with _removed(host):
        before = host.run("find /etc /var/lib /run -maxdepth 2 -newer /opt/removed -name '*docker*'").stdout
        for words in (["--check"], []):
            outcome = controller.withdraw(*words)
            assert outcome.failures == []
            assert outcome.changed(host.name) == 0
        assert host.run(_OURS).stdout == ""
        assert host.run("find /etc /var/lib /run -maxdepth 2 -newer /opt/removed -name '*docker*'").stdout == before
