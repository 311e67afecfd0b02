# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wall time of exposing, against a ping and a plain restart of docker."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.lab import Host

from .controller import EXPOSE, WITHDRAW, Controller


@dataclass(frozen=True)
class Seconds:
    """Seconds for each kind of run."""

    ping: float
    unchanged: float
    restart: float
    first: float

    def best(self, other: Seconds) -> Seconds:
        """Noise only ever adds, so the least of each is the nearest to the truth."""
        return Seconds(
            min(self.ping, other.ping),
            min(self.unchanged, other.unchanged),
            min(self.restart, other.restart),
            min(self.first, other.first),
        )

    def slope(self, fewer: Seconds, added: int) -> Seconds:
        """Return the seconds for each added host."""
        return Seconds(
            (self.ping - fewer.ping) / added,
            (self.unchanged - fewer.unchanged) / added,
            (self.restart - fewer.restart) / added,
            (self.first - fewer.first) / added,
        )


def measure_wall_time(
    controller: Controller,
    hosts: t.Sequence[Host],
    sizes: t.Sequence[int],
    repeats: int,
    progress: t.Callable[[str], None],
) -> dict[int, Seconds]:
    """Return, by the number of hosts, the best of each run; the kinds and the sizes take turns."""
    ping: dict[str, t.Any] = {"ansible.builtin.ping": {}}
    restart: dict[str, t.Any] = {"ansible.builtin.command": "systemctl restart docker"}
    ping_only = controller.write_playbook("ping", ping=ping)
    ping_and_restart = controller.write_playbook("restart", ping=ping, restart=restart)
    progress("warm-up: authority, SSH connections, caches")
    controller.run(ping_only, hosts)
    controller.run(EXPOSE, hosts)

    best: dict[int, Seconds] = {}
    for repeat in range(1, repeats + 1):
        for size in sizes:
            chosen = hosts[:size]
            _forget_starts(hosts)
            # All of them: what the other sizes left exposed would not be a first exposure then.
            controller.run(WITHDRAW, hosts)
            measured = Seconds(
                ping=controller.run(ping_only, chosen),
                restart=controller.run(ping_and_restart, chosen),
                first=_first(controller, chosen),
                unchanged=controller.run(EXPOSE, chosen, changes=False),
            )
            progress(
                f"round {repeat} of {repeats}, {size} hosts: ping {measured.ping:.2f} s, unchanged "
                f"{measured.unchanged:.2f} s, ping+restart {measured.restart:.2f} s, first {measured.first:.2f} s"
            )
            best[size] = measured.best(best.get(size, measured))
    return best


def _first(controller: Controller, hosts: t.Sequence[Host]) -> float:
    _forget_starts(hosts)
    return controller.run(EXPOSE, hosts, changes=True)


def _forget_starts(hosts: t.Sequence[Host]) -> None:
    """Three starts in a minute, and systemd would refuse the next (StartLimitBurst of docker.service)."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(lambda host: host.run("systemctl reset-failed docker.service docker.socket"), hosts))
