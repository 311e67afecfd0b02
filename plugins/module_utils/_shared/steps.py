# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host can do: a plan is a list of these steps, as data.

The controller decides which steps, and in which order. The host knows how to do and to undo each, and nothing of
methods or firewalls.
"""

from __future__ import annotations

__all__ = (
    "CheckBundle",
    "CheckConfig",
    "Discard",
    "EndSessions",
    "ForgetFailures",
    "LoadRules",
    "MakeFolder",
    "OpenGate",
    "Prove",
    "ProveGateway",
    "ReadUnits",
    "ReloadGateway",
    "Remove",
    "RestartDockerd",
    "Settle",
    "StartDockerd",
    "StartGateway",
    "StartUnit",
    "Step",
    "StopDockerd",
    "StopGateway",
    "StopUnit",
    "SwitchLiveRestore",
    "Write",
)

import typing as t
from dataclasses import dataclass

#: A command and its arguments.
Command = t.Tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One thing that a host can do and undo."""


@dataclass(frozen=True)
class MakeFolder(Step):
    """Make the folder and its missing parents (0755), or give an existing one this mode and root as owner.

    C(mode) None: an existing folder stays as it is, a new one gets 0755.
    """

    path: str
    mode: t.Optional[int] = None


@dataclass(frozen=True)
class Write(Step):
    """Replace the file at once. One of C(content) (text, bytes that are not UTF-8 as surrogates), C(secret) (a name in
    the secrets sent along, or C(pending:NAME) for a key that waits on the host), or neither: only owner and mode
    change.
    """

    path: str
    content: t.Optional[str] = None
    secret: t.Optional[str] = None
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    #: On the way to another text, so that dockerd can start at any moment.
    interim: bool = False


@dataclass(frozen=True)
class Remove(Step):
    """Remove the file, if it exists."""

    path: str


@dataclass(frozen=True)
class ReadUnits(Step):
    """Have systemd read unit files again; nothing with other init systems."""


@dataclass(frozen=True)
class LoadRules(Step):
    """Run these commands, which put firewall rules in force, or take them out of force.

    C(ignore_errors): for rules that may be gone already. Failure: C(firewall_failed), with C(thing) and C(cure).
    """

    commands: t.Tuple[Command, ...]
    thing: str = "the firewall's rules"
    cure: str = "Look at what it says"
    ignore_errors: bool = False


@dataclass(frozen=True)
class SwitchLiveRestore(Step):
    """Switch live-restore on in the running dockerd, by daemon.json and a reload."""


@dataclass(frozen=True)
class CheckBundle(Step):
    """Load CA, certificate and key as dockerd will. Failure: C(bundle_invalid)."""

    ca: str
    certificate: str
    key: str


@dataclass(frozen=True)
class CheckConfig(Step):
    """Run C(dockerd --validate) on daemon.json. Failure: C(daemon_json_invalid)."""

    dockerd: str


@dataclass(frozen=True)
class ForgetFailures(Step):
    """Reset systemd's count of failed starts: at the third start in 60 s it gives up."""


@dataclass(frozen=True)
class StopDockerd(Step):
    """Stop dockerd. Failure: C(dockerd_stop_failed)."""


@dataclass(frozen=True)
class StartDockerd(Step):
    """Start dockerd. Failure: C(dockerd_start_failed)."""


@dataclass(frozen=True)
class RestartDockerd(Step):
    """Restart dockerd. Failure: C(dockerd_start_failed)."""


@dataclass(frozen=True)
class StopUnit(Step):
    """Stop a unit; one that systemd does not know is stopped already. Nothing with other init systems."""

    unit: str


@dataclass(frozen=True)
class StartUnit(Step):
    """Start a unit. Failure: C(socket_start_failed), unless C(optional). Nothing with other init systems."""

    unit: str
    optional: bool = False


@dataclass(frozen=True)
class Prove(Step):
    """See that what was planned is so: dockerd answers on its unix socket, and the port behaves.

    With TLS, each listening address must turn away a client without a certificate and show the certificate in the file
    C(certificate). Without, it must answer. Failures: C(dockerd_silent), C(port_closed), C(guard_overridden),
    C(port_open), C(port_silent), C(port_other_certificate).
    """

    #: Address and port; C(any) for all addresses.
    listen: t.Tuple[t.Tuple[str, int], ...]
    #: The path of the certificate; None: plain TCP.
    certificate: t.Optional[str]
    #: Our socket unit, which must be active.
    socket: t.Optional[str] = None
    #: Words that must be in docker.service's ExecStartPre in force.
    guard: t.Optional[str] = None
    #: The unix socket to ask in place of dockerd's.
    engine: t.Optional[str] = None


@dataclass(frozen=True)
class StopGateway(Step):
    """Close the port that HAProxy serves, and end HAProxy; dockerd runs on."""


@dataclass(frozen=True)
class StartGateway(Step):
    """Open the port that HAProxy serves, and wait until it is ready. Failure: C(gateway_start_failed)."""


@dataclass(frozen=True)
class ReloadGateway(Step):
    """Have HAProxy read its files again, and see that it does; no connection is lost.

    C(restart): end it and start it again, for a change of its unit. Clients that connect meanwhile wait; connections
    end. Failure: C(gateway_reload_failed).
    """

    restart: bool = False


@dataclass(frozen=True)
class EndSessions(Step):
    """End connections through HAProxy that are in none of these backends: their client has other rights by now.

    A connection outlives the certificate that it was opened with, and a reload. Failure: C(sessions_left).
    """

    backends: t.Tuple[str, ...]


@dataclass(frozen=True)
class ProveGateway(Step):
    """See that the port turns away a client without a certificate, and shows the one in the file C(certificate).

    Failures: C(dockerd_silent), C(engine_silent), C(port_closed), C(port_open), C(port_silent),
    C(port_other_certificate).
    """

    listen: t.Tuple[t.Tuple[str, int], ...]
    certificate: str
    #: The unix socket of an engine that is not docker.service's, which must answer.
    engine: t.Optional[str] = None


@dataclass(frozen=True)
class OpenGate(Step):
    """Have the guard open the port to the access list, if it turns strangers away.

    C(python): the guard's. Failures: C(port_open), C(gate_shut).
    """

    python: str


@dataclass(frozen=True)
class Settle(Step):
    """Leave a file as C(Write) would (C(content) None: no file), under a dockerd started with live-restore in it.

    A start without live-restore stops the containers. So it is taken out only now, by a reload.
    """

    path: str
    content: t.Optional[str]
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Discard(Step):
    """Remove what no undo needs, once everything else is done: files, whole folders of ours, and empty ones."""

    files: t.Tuple[str, ...] = ()
    folders: t.Tuple[str, ...] = ()
    empty_folders: t.Tuple[str, ...] = ()
