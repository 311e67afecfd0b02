# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A daemon.json that begins with a byte order mark: dockerd reads it from 23.0 on, and so do we."""

from __future__ import annotations

from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

_PATH = "/etc/docker/daemon.json"
#: For printf(1) of any shell.
_MARK = "\\357\\273\\277"


def _begins_with_mark(host: Host) -> bool:
    return host.run(f"head -c 3 {_PATH} | od -An -tx1").stdout.split() == ["ef", "bb", "bf"]


def test_a_daemon_json_with_a_byte_order_mark_is_read_as_dockerd_reads_it(host: Host, controller: Controller) -> None:
    host.run(f"mkdir -p /etc/docker; printf '{_MARK}{{\"debug\": true}}' > {_PATH}")
    assert _begins_with_mark(host)
    before, container = snapshot(host), started_at(host)
    if host.flavour == "bookworm":
        assert controller.expose().failures == ["daemon_json_malformed"]
        assert snapshot(host) == before
        return
    exposed = controller.expose()
    assert exposed.code == 0, exposed.failures
    host.run("systemctl restart docker")
    assert _begins_with_mark(host)
    assert host.run("docker info --format '{{.Debug}}'").stdout.strip() == "true"
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert controller.expose().changed(host.name) == 0
    withdrawn = controller.withdraw()
    assert withdrawn.code == 0, withdrawn.failures
    assert snapshot(host) == before
    assert started_at(host) == container


def test_a_byte_order_mark_that_comes_later_takes_no_settings_away(host: Host, controller: Controller) -> None:
    assert controller.expose().code == 0
    container = started_at(host)
    host.run(
        f"sed '0,/{{/s//{{\"debug\": true,/' {_PATH} > {_PATH}.new; "
        f"{{ printf '{_MARK}'; cat {_PATH}.new; }} > {_PATH}; rm {_PATH}.new"
    )
    assert _begins_with_mark(host)
    text = host.run(f"cat {_PATH}").stdout
    host.run("systemctl restart docker")
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert started_at(host) == container
    is_read = host.flavour != "bookworm"
    assert _begins_with_mark(host) is is_read
    assert host.run("docker info --format '{{.Debug}}'").stdout.strip() == str(is_read).lower()
    assert host.run(f"cat {_PATH if is_read else _PATH + '.broken'}").stdout == text
