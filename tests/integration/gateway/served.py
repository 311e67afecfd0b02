# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose port HAProxy serves, and clients that must not get in."""

from __future__ import annotations

import shutil
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.integration.attacks.conftest import SHUT_OUT, make_foreign
from tests.integration.attacks.knocking import Knocking
from tests.integration.conftest import OUTSIDE
from tests.integration.controller import Controller, Outcome
from tests.integration.port import ask
from tests.integration.snapshot import started_at
from tests.lab.hosts import Host

#: Where the certificate of a CA that is not the fleet's is on the host.
FOREIGN = "/opt/foreign.pem"
#: Seconds after which a connection without an answer counts as closed.
_PATIENCE = 4.0


@dataclass(frozen=True)
class Served:
    """C(strangers): bundles of a foreign CA's client that calls itself admin, of one of the fleet's without access to
    this host, and of a revoked one.
    """

    host: Host
    controller: Controller
    strangers: t.Mapping[str, Path]

    @classmethod
    def make(cls, host: Host, folder: Path) -> Served:
        controller = Controller(folder, [host])
        outcome = controller.expose(expose_method="gateway", expose_clients=["admin", "other", "gone"])
        assert outcome.code == 0, outcome.failures
        strangers = {"foreign CA": make_foreign(folder / "foreign", "admin")}
        for name in ("other", "gone"):
            strangers[name] = folder / name
            shutil.copytree(controller.client(name), strangers[name])
        host.run(f"cat > {FOREIGN} <<'END'\n{(strangers['foreign CA'] / 'ca.pem').read_text()}END\n")
        outcome = controller.playbook("revoke", revoke_clients=["gone"], **_VARIABLES)
        assert outcome.code == 0, outcome.failures
        served = cls(host, controller, strangers)
        outcome = served.run()
        assert outcome.code == 0, outcome.failures
        assert served.state() == IN_ORDER
        return served

    def run(self, **variables: t.Any) -> Outcome:
        """Run the role as before."""
        return self.controller.expose(**{**_VARIABLES, **variables})

    def knocking(self) -> Knocking:
        others = {kind: bundle for kind, bundle in self.strangers.items() if kind != "foreign CA"}
        return Knocking(self.host.address, self.strangers["foreign CA"], others)

    def state(self) -> dict[str, bool]:
        """Return who gets in."""
        admin, address = self.controller.client(), self.host.address
        with ThreadPoolExecutor() as pool:
            outside = pool.submit(ask, address, bundle=admin, source=OUTSIDE, timeout=1)
            asked = {
                kind: pool.submit(ask, address, bundle=bundle, timeout=2, patience=_PATIENCE)
                for kind, bundle in {"admin": admin, **self.strangers}.items()
            }
        return {
            **{kind: answer.result() == "answered" for kind, answer in asked.items()},
            "from outside the access list": outside.result() not in SHUT_OUT,
        }

    def engine(self) -> tuple[str, str]:
        """Return dockerd's process, which answers, and since when a container has run."""
        return self.host.run("docker version >/dev/null && pidof dockerd").stdout, started_at(self.host)


_VARIABLES = {"expose_method": "gateway", "expose_clients": ["admin"]}
IN_ORDER = {"admin": True, "foreign CA": False, "other": False, "gone": False, "from outside the access list": False}
