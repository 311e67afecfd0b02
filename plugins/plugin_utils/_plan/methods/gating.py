# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the gate is run on the host: by a unit that follows dockerd, and by what starts dockerd."""

from __future__ import annotations

__all__ = ("gate_files", "guarded", "render_boot_drop_in", "render_gate_unit", "wait_command")

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.gate import gate_of
from ..listener.listener import HEADER, Listener

_LOG = "/var/log/docker.log"


def gate_files(observed: Observed, listener: Listener, *, flags: bool) -> dict[str, str]:
    """Return the files that every method needs: the listener for the guard, and the units."""
    files = {layout.GATE: gate_of(listener, flags=flags).text()}
    if not observed.has_systemd:
        return files
    files[layout.GATE_UNIT] = render_gate_unit(listener)
    if observed.observation.unit(layout.DOCKER_SOCKET).get("LoadState") == "loaded":
        files[layout.BOOT_DROP_IN] = render_boot_drop_in()
    return files


def guarded(listener: Listener, judgement: str, checks: tuple[str, ...] | None = None) -> str:
    """Return the shell command that exits 0 where dockerd may have its port; the gate is narrow then.

    C(judgement): what runs the guard in our folder, where there is TLS to judge. It narrows the gate in the same
    process, after the checks, since they load the table that the gate is in; and it runs even if these fail, since
    without what it repairs dockerd might not start. C(checks): None for the listener's.
    """
    folder, checks = f"cd {layout.STATE}", listener.checks if checks is None else checks
    if not listener.tls:
        return " && ".join([folder, *checks, f"{listener.python} -B -m guard gate narrow"])
    told = [f"{{ {' && '.join(checks)} || export GANGWAY_UNGUARDED=1; }}"] if checks else []
    return " && ".join([folder, *told, judgement])


def wait_command(listener: Listener) -> str:
    """Return the shell command, to be run in our folder, that leaves a process which opens the gate.

    For init systems that know no unit which follows dockerd: it also makes the gate narrow once dockerd has ended.
    """
    return f"{{ setsid {listener.python} -B -m guard gate open follow </dev/null >/dev/null 2>>{_LOG} & }}"


def render_gate_unit(listener: Listener) -> str:
    """Return docker-gangway.service, which opens the port once dockerd runs, and leaves it narrow when dockerd ends.

    It takes no port itself: without the drop-in, whatever starts docker.service starts it without the port.
    """
    guard = f"{listener.python} -B -m guard gate"
    return (
        f"{HEADER}"
        "[Unit]\n"
        "Description=Open Docker's TCP port to its access list, once it has turned a stranger away\n"
        f"BindsTo={layout.DOCKER_SERVICE}\n"
        f"After={layout.DOCKER_SERVICE}\n"
        f"RequiresMountsFor={layout.STATE}\n"
        "\n"
        "[Service]\n"
        f"WorkingDirectory=-{layout.STATE}\n"
        "RemainAfterExit=yes\n"
        "# systemd hands it the port and would make it blocking under dockerd, which then cannot close it to stop.\n"
        "NonBlocking=yes\n"
        f"ExecStart=-{guard} open wait\n"
        f"ExecStopPost=-{guard} narrow\n"
    )


def render_boot_drop_in() -> str:
    """Return the drop-in of docker.socket: where that starts dockerd on demand, no client on the network could."""
    return (
        f"{HEADER}"
        "[Unit]\n"
        "# Also where docker.service is disabled: until dockerd runs, nobody can reach its TCP port.\n"
        f"Wants={layout.DOCKER_SERVICE}\n"
    )
