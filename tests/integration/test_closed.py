# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host's owner, or an accident, adds to a host that is exposed: nothing of it opens a port to strangers."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.attack import ADMIN, attack
from tests.integration.controller import Controller
from tests.integration.port import PORT, ask, ask_in_the_clear, is_safe
from tests.integration.snapshot import snapshot, started_at
from tests.lab.hosts import Host

_DROP_INS = "/etc/systemd/system/docker.service.d"
#: ExecStart takes another variable behind DOCKER_OPTS.
_WITH_ANOTHER_VARIABLE = (
    f"mkdir -p {_DROP_INS}; printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS "
    f"${{}}\\n' > {_DROP_INS}/vendor.conf; systemctl daemon-reload"
)


@attack(
    "Hides systemctl from the guard, and removes the TLS keys",
    by=ADMIN,
    expected="dockerd stays down: nothing can tell that the port is closed",
)
@pytest.mark.one_host
def test_a_guard_that_can_not_close_the_port_keeps_dockerd_down(host: Host, controller: Controller) -> None:
    """There is no systemctl on this path: neither can it tell that the socket is closed."""
    assert controller.expose(expose_method="socket").code == 0
    host.run(
        f"printf '[Service]\\nEnvironment=PATH=/usr/sbin:/sbin\\n' > {_DROP_INS}/path.conf; systemctl daemon-reload; "
        "echo '{\"live-restore\": true}' > /etc/docker/daemon.json; systemctl restart docker",
        check=False,
    )
    assert is_safe(host.address)
    host.run(f"rm {_DROP_INS}/path.conf; systemctl daemon-reload")
    assert controller.expose().code == 0
    assert ask(host.address, bundle=controller.client()) == "answered"


@attack(
    "Adds TLS flags after ours, in the options file",
    by=ADMIN,
    expected="The port is closed; with `--tlsverify=false` dockerd does not start, since that flag needs certificates",
)
@pytest.mark.one_host
def test_flags_behind_the_options_do_not_undo_tls(host: Host, controller: Controller) -> None:
    """Of two flags dockerd takes the last; variables may follow ours, as in Fedora's unit."""
    host.run(_WITH_ANOTHER_VARIABLE.format("DOCKER_NETWORK_OPTIONS"))
    assert controller.expose(expose_method="options_file").code == 0
    container = started_at(host)
    # Any public CA's client would get in.
    others = "/etc/ssl/certs/ca-certificates.crt"
    host.run(f"echo 'DOCKER_NETWORK_OPTIONS=\"--tlscacert={others}\"' >> /etc/default/docker; systemctl restart docker")
    # The gate in nftables stays narrow.
    assert ask(host.address, timeout=2) == "dropped"
    assert host.run("docker version").returncode == 0
    assert started_at(host) == container
    # With this one dockerd does not start, whether or not our flags are there.
    host.run(
        "sed -i s/--tlscacert=.*/--tlsverify=false'\"'/ /etc/default/docker; systemctl restart docker", check=False
    )
    assert is_safe(host.address)


@attack(
    "Gives dockerd another TCP port, then removes the certificates",
    by=ADMIN,
    expected="dockerd stays down: that port would be open without TLS",
)
@pytest.mark.one_host
@pytest.mark.parametrize(
    ("method", "addition"),
    [
        (
            "socket",
            "mkdir -p /etc/systemd/system/docker.socket.d; printf '[Socket]\\nListenStream=HOST:2377\\n' > "
            "/etc/systemd/system/docker.socket.d/tcp.conf; systemctl daemon-reload; systemctl stop docker.service; "
            "systemctl restart docker.socket",
        ),
        ("override", "echo 'DOCKER_OPTS=\"-H tcp://HOST:2377\"' >> /etc/default/docker"),
        ("options_file", "echo 'EXTRA=\"-H tcp://HOST:2377\"' >> /etc/default/docker"),
    ],
    ids=["socket", "override", "options_file"],
)
@pytest.mark.due("socket")
def test_another_port_that_our_tls_protects_does_not_lose_it(
    host: Host, controller: Controller, method: str, addition: str
) -> None:
    """Where the certificates go, dockerd does not start without them as long as it has that port."""
    host.run(_WITH_ANOTHER_VARIABLE.format("EXTRA"))
    assert controller.expose(expose_method=method).code == 0
    host.run(f"{addition.replace('HOST', host.address)}; systemctl restart docker")
    assert ask(host.address, bundle=controller.client(), port=2377) == "answered"
    assert is_safe(host.address, port=2377)
    assert controller.withdraw().failures == ["other_listener"]
    host.run("rm /etc/docker/gangway/key.pem; systemctl restart docker", check=False)
    assert is_safe(host.address, port=2377)
    assert is_safe(host.address)
    host.run(
        f"rm -r /etc/systemd/system/docker.socket.d {_DROP_INS}/vendor.conf; systemctl daemon-reload; "
        "systemctl reset-failed docker.service docker.socket; systemctl restart docker.socket",
        check=False,
    )


@pytest.mark.one_host
def test_a_drop_in_that_the_next_reload_would_put_in_force_is_seen(host: Host, controller: Controller) -> None:
    host.run(
        f"mkdir -p {_DROP_INS}; printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd -H fd:// "
        f"-H tcp://0.0.0.0:2375\\n' > {_DROP_INS}/tcp.conf"
    )
    before = snapshot(host)
    for refused in (controller.expose("--check"), controller.expose()):
        assert refused.failures == ["other_listener"]
        assert f"{_DROP_INS}/tcp.conf:3" in refused.listener(host.name)["msg"]
    assert snapshot(host) == before


@pytest.mark.one_host
def test_a_dockerd_that_does_not_answer_is_not_restarted(host: Host, controller: Controller) -> None:
    """Nobody could tell whether its containers would live through it."""
    container = started_at(host)
    host.run("pkill -STOP --exact dockerd")
    try:
        outcome = controller.expose()
    finally:
        host.run("pkill -CONT --exact dockerd")
    assert outcome.failures == ["dockerd_silent"]
    assert started_at(host) == container
    assert ask(host.address) == "closed"


@pytest.mark.one_host
def test_edits_made_after_a_run_was_cut_off_stay(host: Host, controller: Controller) -> None:
    """As if the run had been killed: its journal is there, and daemon.json as it had been left."""
    before, container = snapshot(host), started_at(host)
    assert controller.expose().code == 0
    image = {"kind": "file", "path": "/etc/docker/daemon.json", "content": None, "mode": 0o644, "uid": 0, "gid": 0}
    journal = {"way_back": {}, "pid": 0, "level": 3, "entries": [image], "discard": None}
    host.run(
        f"printf %s {shlex.quote(json.dumps(journal))} > /var/lib/gangway-docker/journal.json; "
        "sed -i 's/{/{ \"debug\": true,/' /etc/docker/daemon.json"
    )
    outcome = controller.withdraw()
    assert outcome.code == 0, outcome.failures
    assert '"debug": true' in host.run("cat /etc/docker/daemon.json").stdout
    assert started_at(host) == container
    host.run("rm /etc/docker/daemon.json")
    assert snapshot(host) == before


@pytest.mark.one_host
def test_plain_tcp_goes_even_where_the_memory_of_it_is_gone(host: Host, controller: Controller) -> None:
    plain = {"expose_tls": False, "expose_insecure": True, "expose_method": "daemon_json"}
    there = {"expose_listen": [f"{host.address}:{PORT}"], "expose_allow": ["172.30.77.1"]}
    assert controller.expose(**plain, **there).code == 0
    assert ask_in_the_clear(host.address) == "answered"
    host.run("rm -rf /var/lib/gangway-docker")
    assert controller.withdraw().code == 0
    assert ask_in_the_clear(host.address) == "closed"
    assert host.run("nft list tables | grep gangway", check=False).stdout == ""


@pytest.mark.one_host
def test_a_socket_unit_that_was_down_is_down_again(host: Host, controller: Controller) -> None:
    unit = "/etc/systemd/system/docker-tcp.socket"
    host.run(
        "printf '[Socket]\\nListenStream=2375\\nService=docker.service\\n[Install]\\nWantedBy=sockets.target\\n' "
        f"> {unit}; systemctl daemon-reload; systemctl --quiet enable docker-tcp.socket"
    )
    try:
        before = snapshot(host)
        assert controller.expose(expose_adopt=True).code == 0
        assert controller.withdraw().code == 0
        assert ask_in_the_clear(host.address, port=2375) == "closed"
        assert snapshot(host) == before
    finally:
        host.run(f"systemctl --quiet disable --now docker-tcp.socket; rm -f {unit}*; systemctl daemon-reload")
