# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Those who have neither root nor a certificate: users of a host, and clients that only connect."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from tests.attack import LOCAL_USER, NETWORK, attack
from tests.integration.attacks.knocking import is_of_api
from tests.integration.controller import Controller
from tests.integration.port import PORT, ask
from tests.integration.snapshot import started_at
from tests.lab.hosts import Host

_CONNECTIONS, _SECONDS = 30, 2.0
#: The same from the host itself, which the gate lets through at any time.
_CONNECT_THERE = (
    f"for _ in $(seq {_CONNECTIONS}); do timeout 1 busybox nc ADDRESS {PORT} </dev/null >/dev/null 2>&1 & "
    f"sleep {_SECONDS / _CONNECTIONS:.2f}; done; wait"
)
#: Prints what a user without rights can read, write, list or learn, one path a line.
_WITHIN_REACH = r"""
for path in /etc/docker /etc/docker/daemon.json /etc/docker/gangway /var/lib/gangway-docker /run/gangway-docker* \
    /etc/systemd/system/*gangway* /etc/systemd/system/docker.service.d /etc/systemd/system/docker.service.d/*
do
    test ! -w "$path" || echo "$path can be written"
done
for path in /etc/docker/gangway/key.pem /var/lib/gangway-docker/originals.json /run/gangway-docker.lock; do
    test ! -r "$path" || echo "$path can be read"
done
request='GET /_ping HTTP/1.0\r\n\r\n'
echo "without TLS: $(printf "$request" | timeout 5 busybox nc ADDRESS 2376)"
echo "with TLS: $({ printf "$request"; sleep 1; } | timeout 5 openssl s_client -quiet -connect ADDRESS:2376 2>&1)"
"""


@attack(
    "Reads or writes what the exposure has put on the host, or connects to the port from the host itself",
    by=LOCAL_USER,
    expected="No key can be read, nothing can be written, and the API does not answer",
)
@pytest.mark.one_host
def test_a_user_of_the_host_reaches_neither_key_nor_api(host: Host, controller: Controller) -> None:
    assert controller.expose(expose_method="socket").code == 0
    script = _WITHIN_REACH.replace("ADDRESS", host.address)
    host.run(f"cat > /tmp/reach.sh <<'END OF FILE'\n{script}\nEND OF FILE\n")
    # As root, it finds all of it: the script can tell.
    assert "key.pem can be read" in host.run("sh /tmp/reach.sh").stdout
    seen = host.run("su deploy -s /bin/sh /tmp/reach.sh").stdout
    assert "can be" not in seen
    assert "Client sent an HTTP request to an HTTPS server" in seen
    # Before Go 1.20, the alert is another one.
    assert "alert certificate required" in seen or "alert bad certificate" in seen
    assert not is_of_api(seen.encode()), seen


@attack(
    f"{_CONNECTIONS} connections in {_SECONDS:.0f} s to a dockerd that can't start, from outside and from the host",
    by=NETWORK,
    expected="Once dockerd can start again, the port is back",
)
@pytest.mark.one_host
def test_connections_to_a_dockerd_that_can_not_start_do_not_close_its_port(
    host: Host, controller: Controller, capsys: pytest.CaptureFixture[str]
) -> None:
    """systemd takes a socket unit down that triggers its service too often (systemd.socket(5), TriggerLimitBurst=)."""
    assert controller.expose(expose_method="socket").code == 0
    container, began = started_at(host), host.run("date +%s").stdout.strip()
    host.run(
        "cp --archive /etc/docker/daemon.json /tmp/daemon.json; sed -i '0,/{/s//{ \"no-such-key\": 1,/' "
        # The socket units stay up, and start it for whoever connects.
        "/etc/docker/daemon.json; systemctl stop docker.service"
    )
    connected = _connect_often(host.address)
    host.run(_CONNECT_THERE.replace("ADDRESS", host.address), check=False)
    units = host.run("systemctl is-active docker-gangway.socket docker.socket docker.service", check=False).stdout
    log = host.run(f"journalctl --no-pager --since @{began} --unit=docker.service").stdout
    assert "no-such-key" in log, "nobody's connection has started dockerd"
    with capsys.disabled():
        print(
            f"\n{host.flavour}: {connected} of {_CONNECTIONS} connections from outside; then units are {units.split()}"
        )
    host.run(
        "cp --archive /tmp/daemon.json /etc/docker/daemon.json; "
        "systemctl reset-failed docker.service docker.socket; systemctl start docker.socket docker.service"
    )
    assert ask(host.address, bundle=controller.client()) == "answered"
    assert ask(host.address) == "refused"
    assert started_at(host) == container
    again = controller.expose()
    assert (again.code, again.changed(host.name)) == (0, 0), again.failures


def _connect_often(address: str) -> int:
    """Connect again and again, and return how many connections were made."""
    made = []

    def connect() -> None:
        try:
            with socket.create_connection((address, PORT), timeout=2):
                made.append(True)
                time.sleep(0.2)
        except OSError:
            pass

    threads = [threading.Thread(target=connect) for _number in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
        time.sleep(_SECONDS / _CONNECTIONS)
    for thread in threads:
        thread.join()
    return len(made)
