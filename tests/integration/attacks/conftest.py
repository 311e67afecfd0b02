# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that is exposed and about to be sabotaged."""

from __future__ import annotations

import datetime
import shlex
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.attacks import scripts
from tests.integration.attacks.sabotage import FOREIGN, KEEP, PREPARE, RESTORE, UNDO, Sabotage
from tests.integration.conftest import OUTSIDE, reset_of
from tests.integration.controller import Controller
from tests.integration.port import ask
from tests.lab.hosts import Host

#: At most three starts in a minute are allowed, and restarts are many here.
RESTART = "systemctl reset-failed --all 'docker*'; systemctl restart docker.service\n"
#: The socket unit as well: it may be in another slice from now on.
RESTART_ALL = (
    "systemctl reset-failed --all 'docker*'; systemctl stop docker.service; "
    "test ! -e /etc/systemd/system/docker-gangway.socket || systemctl restart docker-gangway.socket; "
    "systemctl start docker.service\n"
)
_RESTARTS = 2
#: Of each sabotage on each engine, or under each init, over all the methods that it concerns.
_RESTARTS_IN_SOAK = 30
#: What comes of a connection that did not get through the access list.
SHUT_OUT = ("dropped", "closed", "silent")


@dataclass(frozen=True)
class Attacked:
    """An exposed host with a container named C(witness), and who exposed it."""

    host: Host
    controller: Controller
    variables: t.Mapping[str, t.Any]
    #: A client of a CA that is not the fleet's: a bundle.
    foreign: Path

    def is_as_exposed(self) -> bool:
        """Whether clients get in, and nobody else."""
        bundle = self.controller.client()
        return (
            ask(self.host.address, bundle=bundle) == "answered"
            and ask(self.host.address, bundle=self.foreign) == "refused"
            and self.from_outside() in SHUT_OUT
        )

    def from_outside(self) -> str:
        """What comes of connecting with a good certificate, from an address that is not in the access list."""
        return ask(self.host.address, bundle=self.controller.client(), source=OUTSIDE, timeout=1)


@pytest.fixture(scope="session")
def exposed() -> dict[str, Attacked]:
    """The hosts that the last attack left exposed, by name."""
    return {}


@pytest.fixture
def attacked(
    request: pytest.FixtureRequest,
    lab: t.Callable[..., Host],
    tmp_path: Path,
    exposed: dict[str, Attacked],
    method: str,
    sabotage: Sabotage,
) -> Iterator[Attacked]:
    """An exposed host. One that the test before has left in order, or can be put in order by a restart, is kept."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    variables = {"expose_method": method, "expose_firewall": sabotage.firewall}
    attacked = _attacked(host, variables, exposed, tmp_path, _WITH_SYSTEMD)
    yield attacked
    host.run(UNDO)
    exposed[host.name] = attacked


@pytest.fixture
def scripted(
    request: pytest.FixtureRequest,
    lab: t.Callable[..., Host],
    tmp_path: Path,
    exposed: dict[str, Attacked],
    method: str,
) -> Iterator[Attacked]:
    """As C(attacked), where a script of sysvinit or OpenRC starts dockerd."""
    host = lab(f"{request.config.getoption('--prefix')}-{request.param}", request.param)
    upkeep = _Upkeep(scripts.PREPARE_SCRIPTS, scripts.KEEP, "", scripts.RESTARTS[host.init])
    attacked = _attacked(host, {"expose_method": method}, exposed, tmp_path, upkeep)
    yield attacked
    exposed[host.name] = attacked


@dataclass(frozen=True)
class _Upkeep:
    """Shell commands: put the site's programs in place, keep files, take back what is not among these, restart."""

    prepare: str
    keep: str
    undo: str
    restart: str


_WITH_SYSTEMD = _Upkeep(PREPARE, KEEP, UNDO, RESTART_ALL)


def _attacked(
    host: Host, variables: t.Mapping[str, t.Any], exposed: dict[str, Attacked], folder: Path, upkeep: _Upkeep
) -> Attacked:
    kept = exposed.pop(host.name, None)
    if kept is None or kept.variables != variables or not _is_in_order(kept, upkeep):
        kept = _expose(host, Controller(folder, [host]), variables, make_foreign(folder / "foreign"), upkeep)
    return kept


def _is_in_order(kept: Attacked, upkeep: _Upkeep) -> bool:
    restarted = kept.host.run(f"{RESTORE}{upkeep.restart}", check=False)
    return restarted.returncode == 0 and kept.is_as_exposed()


def _expose(
    host: Host, controller: Controller, variables: t.Mapping[str, t.Any], foreign: Path, upkeep: _Upkeep
) -> Attacked:
    host.run(f"{upkeep.undo}{reset_of(host.init)}")
    outcome = controller.expose(**variables)
    assert outcome.code == 0, outcome.failures
    text = shlex.quote((foreign / "ca.pem").read_text())
    host.run(f"{upkeep.prepare}printf %s {text} > {FOREIGN}\n{upkeep.keep}")
    attacked = Attacked(host, controller, variables, foreign)
    assert attacked.is_as_exposed()
    return attacked


def restarts_of(sabotage: Sabotage, *, soak: bool) -> int:
    """Return how often dockerd restarts under this sabotage, with one method."""
    return -(-_RESTARTS_IN_SOAK // len(sabotage.engines)) if soak else _RESTARTS


def make_foreign(folder: Path, name: str = "mallory") -> Path:
    """Write the bundle of a client of a CA that nobody knows."""
    now = datetime.datetime.now(datetime.timezone.utc)
    keys = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("foreign CA", name)]
    made = []
    for subject, key, is_ca in ((names[0], keys[0], True), (names[1], keys[1], False)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if not is_ca:
            usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])
            builder = builder.add_extension(usage, critical=False)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    folder.mkdir()
    (folder / "ca.pem").write_bytes(made[0])
    (folder / "cert.pem").write_bytes(made[1])
    no_password = serialization.NoEncryption()
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (folder / "key.pem").write_bytes(keys[1].private_bytes(*formats, no_password))
    return folder
