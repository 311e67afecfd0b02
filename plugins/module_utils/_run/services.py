# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd's units, dockerd and firewall rules, with an error for each."""

from __future__ import annotations

__all__ = ("check", "ensure_running", "load_rules", "read_units", "start_unit", "stop_unit")

from .._host.init import Init, init_of
from .._host.runner import Host
from .._shared import layout
from .._shared.failure import Failure
from .._shared.steps import LoadRules

_REASONS = {"reload_failed": "systemd does not reload its units", "dockerd_stop_failed": "it does not stop"}


def check(outcome: tuple[int, str], init: Init, failure: str) -> None:
    """Raise this failure unless the exit status is 0."""
    code, output = outcome
    if code != 0:
        name = layout.DOCKER_SERVICE if init.name == "systemd" else "/etc/init.d/docker"
        raise _failed(failure, name, output, init.last_words())


def read_units(host: Host) -> None:
    """Have systemd read unit files again. Failure: C(reload_failed)."""
    init = init_of(host)
    check(init.reload(), init, "reload_failed")


def start_unit(host: Host, unit: str) -> None:
    """Start a unit; nothing with other init systems. Failure: C(socket_start_failed)."""
    if init_of(host).name == "systemd":
        code, output = host.systemctl("start", unit)
        if code != 0:
            raise _failed("socket_start_failed", unit, output, host.journal_tail(unit))


def stop_unit(host: Host, unit: str) -> None:
    """Stop a unit; one that systemd does not know is stopped already."""
    if init_of(host).name == "systemd":
        host.systemctl("stop", unit)


def load_rules(host: Host, step: LoadRules) -> None:
    """Run the commands. Failure: C(firewall_failed)."""
    for words in step.commands:
        try:
            code, stdout, stderr = host.run(list(words))
        except OSError as exc:
            code, stdout, stderr = 127, "", str(exc)
        if code != 0 and not step.ignore_errors:
            raise Failure(
                "firewall_failed",
                thing=step.thing,
                reason=f"{words[0]} exits with {code} ({(stderr or stdout).strip()})",
                cure=step.cure,
            )


def ensure_running(host: Host) -> None:
    """Start dockerd if it is down though it should run. Failure: C(dockerd_start_failed)."""
    init = init_of(host)
    if init.has_failed():
        init.forget_failures()
        if init.name == "systemd":
            host.systemctl("start", layout.DOCKER_SOCKET)
        check(init.start(), init, "dockerd_start_failed")


def _failed(failure: str, unit: str, output: str, logged: str) -> Failure:
    return Failure(
        failure,
        thing=unit,
        reason=f"{_REASONS.get(failure, 'it does not start')} ({output.strip()}); its log ends:\n{logged}\n",
        cure="Look at the log",
    )
