# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wall time of exposing, against a ping and a plain restart of docker."""

from __future__ import annotations

import statistics
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.lab import Host

from .controller import EXPOSE, WITHDRAW, Controller

#: Pairs of ping and unchanged in each round.
_PAIRS = 4


@dataclass(frozen=True)
class Seconds:
    """What the runs of each kind took."""

    ping: list[float] = field(default_factory=list)
    unchanged: list[float] = field(default_factory=list)
    restart: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)

    def medians(self) -> Medians:
        kinds = (self.ping, self.unchanged, self.restart, self.first)
        return Medians(*(statistics.median(seconds) for seconds in kinds))


class Medians(t.NamedTuple):
    """The median of each kind of run."""

    ping: float
    unchanged: float
    restart: float
    first: float

    def slope(self, fewer: Medians, added: int) -> Medians:
        """Return the seconds for each added host."""
        return Medians(*((more - less) / added for more, less in zip(self, fewer)))


def measure_wall_time(
    controller: Controller,
    hosts: t.Sequence[Host],
    sizes: t.Sequence[int],
    repeats: int,
    progress: t.Callable[[str], None],
) -> dict[int, Medians]:
    """Return medians by the number of hosts.

    The sizes take turns, and so do ping and unchanged, so that a machine that slows down meets all of them alike.
    """
    ping: dict[str, t.Any] = {"ansible.builtin.ping": {}}
    restart: dict[str, t.Any] = {"ansible.builtin.command": "systemctl restart docker"}
    ping_only = controller.write_playbook("ping", ping=ping)
    ping_and_restart = controller.write_playbook("restart", ping=ping, restart=restart)
    progress("warm-up: authority, SSH connections, caches")
    controller.run(ping_only, hosts)
    controller.run(EXPOSE, hosts)

    measured = {size: Seconds() for size in sizes}
    for repeat in range(1, repeats + 1):
        for size in sizes:
            chosen, seconds = hosts[:size], measured[size]
            _forget_starts(hosts)
            # All of them: what the other sizes left exposed would not be a first exposure then.
            controller.run(WITHDRAW, hosts)
            seconds.restart.append(controller.run(ping_and_restart, chosen))
            _forget_starts(hosts)
            seconds.first.append(controller.run(EXPOSE, chosen, changes=True))
            for _pair in range(_PAIRS):
                seconds.ping.append(controller.run(ping_only, chosen))
                seconds.unchanged.append(controller.run(EXPOSE, chosen, changes=False))
            medians = seconds.medians()
            progress(
                f"round {repeat} of {repeats}, {size} hosts, medians so far: ping {medians.ping:.2f} s, unchanged "
                f"{medians.unchanged:.2f} s, ping+restart {medians.restart:.2f} s, first {medians.first:.2f} s"
            )
    return {size: seconds.medians() for size, seconds in measured.items()}


def _forget_starts(hosts: t.Sequence[Host]) -> None:
    """Three starts in a minute, and systemd would refuse the next (StartLimitBurst of docker.service)."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        list(pool.map(lambda host: host.run("systemctl reset-failed docker.service docker.socket"), hosts))
