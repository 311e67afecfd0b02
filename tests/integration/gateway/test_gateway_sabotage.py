# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to HAProxy and its files, while strangers knock without a pause: it is closed, or as it was."""

from __future__ import annotations

import datetime
import shlex
from collections import Counter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.attack import ADMIN, NETWORK, attack
from tests.integration.controller import Controller
from tests.integration.gateway.sabotage import FULL, SABOTAGES, Sabotage
from tests.integration.gateway.served import IN_ORDER, Served

_EXPECTED = (
    "Nobody without access gets an answer; dockerd and its containers run; the next run repairs it, or names the cause"
)
_CASES = [
    pytest.param(
        case,
        id=case.id,
        marks=(
            pytest.mark.soak if case.engine is None else pytest.mark.flavours(case.engine),
            attack(f"Method `gateway`: {case.name}", by=ADMIN, expected=_EXPECTED),
        ),
    )
    for case in SABOTAGES
]


@pytest.mark.parametrize("sabotage", _CASES)
def test_strangers_never_get_an_answer(
    served: Served, sabotage: Sabotage, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    host, engine = served.host, served.engine()
    states = []
    with served.knocking() as knocking:
        knocking.wait_until_refused()
        host.run(sabotage.script.replace("EXPIRED", _write_expired_list(served.controller)), check=False)
        for event in sabotage.events:
            host.run(f"{event}; sleep 1", check=False)
            states.append(served.state())
        outcome = served.run()
        if sabotage.failure:
            assert outcome.failures == [sabotage.failure]
        if sabotage.undo:
            host.run(sabotage.undo)
            outcome = served.run()
    with capsys.disabled():
        is_open = ["open" if state["admin"] else "closed" for state in states]
        print(f"\n{host.flavour}, {request.node.callspec.id}: {', '.join(is_open)}; {knocking}")
    assert Counter(kind for kind, _answer in knocking.answers) == {}
    assert all({**state, "admin": True} == IN_ORDER for state in states), states
    assert states[-1]["admin"] is sabotage.is_open
    assert outcome.code == 0, outcome.failures
    assert served.state() == IN_ORDER
    assert served.engine() == engine


@attack("Method `gateway`: connects during a reboot, without access", by=NETWORK, expected="Refused, or closed")
@attack(
    "Method `gateway`: haproxy.cfg loses `verify required`, and the host reboots",
    by=ADMIN,
    expected="The port is closed, and the next run puts it in order",
)
@pytest.mark.flavours("bookworm")
def test_strangers_never_get_an_answer_from_a_boot(served: Served) -> None:
    with served.knocking() as knocking:
        knocking.wait_until_refused()
        served.host.reboot()
        after = served.state()
        served.host.run("sed -i 's/ verify required//' /var/lib/gangway-docker/haproxy.cfg")
        served.host.reboot()
        sabotaged = served.state()
        outcome = served.run()
    assert Counter(kind for kind, _answer in knocking.answers) == {}
    assert after == IN_ORDER
    assert sabotaged == {**IN_ORDER, "admin": False}
    assert outcome.code == 0, outcome.failures
    assert served.state() == IN_ORDER


@attack(
    "Method `gateway`: 60 connections in 5 s to an HAProxy that can't start",
    by=NETWORK,
    expected="Once it can start again, the port is back",
)
@pytest.mark.soak
def test_connections_to_a_gateway_that_can_not_start_do_not_close_its_port(served: Served) -> None:
    """systemd takes a socket unit down that triggers its service too often (systemd.socket(5), TriggerLimitBurst=)."""
    served.host.run(
        "mv /etc/docker/gangway/key.pem /tmp/key.pem; systemctl restart docker-gangway-gateway", check=False
    )
    with served.knocking() as knocking:
        served.host.run("sleep 5")
    assert sum(knocking.counts.values()) > 60
    served.host.run("mv /tmp/key.pem /etc/docker/gangway/key.pem; sleep 3")
    assert served.state() == IN_ORDER


@attack(
    "Method `gateway`: the disk is full when the role runs",
    by=ADMIN,
    expected="The run fails and says so; clients with access still get in, and nobody else",
)
@pytest.mark.flavours("trixie")
def test_a_run_without_room_on_the_disk_changes_nothing(served: Served) -> None:
    engine = served.engine()
    with served.knocking() as knocking:
        served.host.run(FULL.replace("FOLDER", "/var/lib/gangway-docker"), check=False)
        outcome = served.run(expose_clients=["admin", "other"])
        state = served.state()
        served.host.run("umount /var/lib/gangway-docker")
    assert knocking.answers == []
    assert outcome.failures == ["host_error"]
    assert "No space left on device" in outcome.listener(served.host.name)["msg"]
    assert state == IN_ORDER
    outcome = served.run()
    assert outcome.code == 0, outcome.failures
    assert served.state() == IN_ORDER
    assert served.engine() == engine


def _write_expired_list(controller: Controller) -> str:
    """Return the command that writes a list of the fleet's CA in place of the host's: without anyone, and expired."""
    folder = controller.fleet / "authority"
    now = datetime.datetime.now(datetime.timezone.utc)
    key = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    ca = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
    builder = builder.last_update(now - datetime.timedelta(hours=2)).next_update(now - datetime.timedelta(hours=1))
    made = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    return f"printf %s {shlex.quote(pem)} > /etc/docker/gangway/crl.pem"
