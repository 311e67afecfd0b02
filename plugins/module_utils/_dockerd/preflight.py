# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known to go wrong is refused before anything is touched."""

from __future__ import annotations

__all__ = (
    "check_addresses",
    "check_answers",
    "check_daemon",
    "check_daemon_json",
    "check_exec_start",
    "check_filtering",
    "check_guard",
    "check_guard_in_force",
    "check_in_the_clear",
    "check_other_listeners",
    "check_root",
    "check_swarm",
    "check_writable",
    "resolve_firewall",
)

import errno
import os
import re
import socket
import sys
import typing as t

from .._shared.failure import Failure
from . import addresses, layout
from .addresses import Listen
from .collisions import find
from .daemon_json import MalformedDaemonJson, parse
from .engine import running_containers
from .host import Attributes, Host
from .methods.guarding import GUARD_WORDS
from .methods.method import Exposure
from .observe import Observed, text_of
from .unit import exec_start_line

#: Exits 0 where a packet to loopback is refused, as IPAddressDeny=any has it.
_FILTER_PROBE = """import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", 9))
except PermissionError:
    raise SystemExit(0)
raise SystemExit(9)"""


def check_daemon_json(observed: Observed) -> dict[str, t.Any]:
    """Return daemon.json's settings. Failure: C(daemon_json_malformed)."""
    text = text_of(observed.content(layout.DAEMON_JSON), layout.DAEMON_JSON)
    try:
        return parse(text)
    except MalformedDaemonJson as exc:
        raise Failure(
            "daemon_json_malformed",
            thing=layout.DAEMON_JSON,
            reason=f"dockerd could not start with it again: {exc}",
            cure="Correct the file; nothing was changed",
        ) from exc


def check_daemon(observed: Observed) -> None:
    """Refuse what collides with a listener of ours, by whatever method.

    Failures: C(live_restore_flag), C(config_file_elsewhere).
    """
    flags = observed.flags
    engine = observed.engine
    if flags.live_restore and engine is not None and not engine.live_restore and not engine.swarm:
        raise Failure(
            "live_restore_flag",
            thing="--live-restore on dockerd's command line",
            reason="it is not in force in the running dockerd, so the restart would stop the containers; and dockerd "
            "refuses to start with it in daemon.json as well",
            cure=f'Take the flag out (also where it says false) and put "live-restore": true into {layout.DAEMON_JSON}',
        )
    if flags.config_file not in (None, layout.DAEMON_JSON):
        raise Failure(
            "config_file_elsewhere",
            thing=f"--config-file {flags.config_file}",
            reason=f"the listener's settings go into {layout.DAEMON_JSON}, which this dockerd does not read",
            cure=f"Move that file to {layout.DAEMON_JSON} and take the flag out",
        )


def check_other_listeners(observed: Observed) -> None:
    """Refuse to take TLS away from a dockerd that listens on TCP by other means. Failure: C(other_listener)."""
    found = [f for f in find(observed.sources) if f.kind in ("tcp_host", "tcp_stream")]
    hosts = dict.fromkeys([*observed.flags.hosts, *observed.running_hosts])
    others = [f"{f.what} ({f.place})" for f in found] or [
        *(host for host in hosts if not host.startswith(("fd://", "unix://"))),
        *observed.foreign_streams,
    ]
    if others:
        raise Failure(
            "other_listener",
            thing=f"dockerd's other listener {', '.join(others)}",
            reason="when ours is taken away, it would be open without TLS",
            cure=f"Take it out first ('systemctl cat {layout.DOCKER_SERVICE} {layout.DOCKER_SOCKET}' shows where it "
            "comes from)",
        )


def check_exec_start(observed: Observed) -> None:
    """Refuse where a drop-in that is read after ours sets ExecStart. Failure: C(exec_start_overridden)."""
    ours = exec_start_line((observed.content(layout.EXEC_DROP_IN) or b"").decode(errors="replace"))
    if ours and observed.exec_start_in_force != ours:
        place = next((f.place for f in reversed(find(observed.sources)) if f.kind == "exec_start"), "")
        raise Failure(
            "exec_start_overridden",
            thing=f"ExecStart of {layout.DOCKER_SERVICE}{f' ({place})' if place else ''}",
            reason=f"it is read after {layout.EXEC_DROP_IN}, and what that sets is not in force",
            cure="Give that drop-in a name that sorts before zz-gangway.conf",
        )


def resolve_firewall(asked: str, method: str) -> str:
    """Return the firewall for C(auto). Failure: C(firewall_unsupported)."""
    if asked == "auto":
        return "systemd" if method == "socket" else "nftables"
    if asked == "systemd" and method != "socket":
        raise Failure(
            "firewall_unsupported",
            thing="firewall systemd",
            reason=f"systemd filters for units; with method {method} the port is dockerd's own, and its list would "
            "apply to all that dockerd does",
            cure="Choose nftables (expose_firewall in the role), or method socket",
        )
    return asked


def check_guard(observed: Observed) -> None:
    """Refuse where a drop-in that is read after ours has taken the guard away. Failure: C(guard_overridden)."""
    ours = (observed.content(layout.DROP_IN) or b"") + (observed.content(layout.EXEC_DROP_IN) or b"")
    if GUARD_WORDS.encode() in ours:
        check_guard_in_force(observed.exec_start_pre)


def check_guard_in_force(exec_start_pre: str) -> None:
    """Refuse where the guard is not among what systemd runs before dockerd. Failure: C(guard_overridden)."""
    if GUARD_WORDS not in exec_start_pre:
        raise Failure(
            "guard_overridden",
            thing=f"ExecStartPre of {layout.DOCKER_SERVICE}",
            reason="the guard, which closes the port where mutual TLS is not in force, is not in it: a drop-in that is "
            "read after ours clears it",
            cure="Take the empty ExecStartPre= out of that drop-in "
            f"('systemctl cat {layout.DOCKER_SERVICE}' shows where it is)",
        )


def check_in_the_clear(insecure: bool, exposure: Exposure) -> None:
    """Refuse plain TCP unless it is meant, for few, and something keeps the others out.

    Failures: C(insecure_not_confirmed), C(insecure_everyone).
    """
    addresses.check_in_the_clear(insecure, exposure.allow)
    if exposure.firewall == "none":
        raise Failure(
            "insecure_everyone",
            thing="firewall none",
            reason="nothing would keep anyone from the port, and without TLS that makes everyone root on the host",
            cure="Choose a firewall (expose_firewall in the role), or leave TLS on",
        )


def check_root() -> None:
    """Refuse a user without rights. Failure: C(not_root)."""
    if os.geteuid() != 0:
        raise Failure(
            "not_root",
            thing="dockerd_listener",
            reason=f"it has to read and change system files, and runs as uid {os.geteuid()}",
            cure="Set become: true",
        )


def check_answers(observed: Observed) -> None:
    """Refuse to restart a dockerd that can't be asked about its containers. Failure: C(dockerd_silent)."""
    if observed.service_active and observed.engine is None:
        raise Failure(
            "dockerd_silent",
            thing="dockerd's unix socket",
            reason="dockerd runs and does not answer there, so nobody can tell whether its containers would live "
            "through a restart",
            cure="See why 'docker info' fails on the host; only a socket at /run/docker.sock is asked",
        )


def check_swarm(observed: Observed, *, allow_downtime: bool) -> None:
    """Refuse a restart that stops containers, unless told otherwise. Failure: C(swarm_mode)."""
    if observed.engine is not None and observed.engine.swarm and not allow_downtime:
        names = sorted(name for name, _started in running_containers().values())
        raise Failure(
            "swarm_mode",
            thing="the engine's swarm mode",
            reason="live-restore is not to be had in it, so the restart that this change needs would stop "
            f"{', '.join(names) if names else 'every container on the host (none runs now)'}",
            cure="Drain the node and set allow_downtime: true (expose_allow_downtime in the role)",
        )


def check_writable() -> None:
    """Refuse where our files could not be written. Failure: C(not_writable)."""
    # /etc/systemd is not there on hosts without systemd.
    for path in (layout.BUNDLE, *((layout.UNITS,) if os.path.isdir(layout.UNITS) else ()), layout.STATE):
        folder = path
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        if not os.access(folder, os.W_OK):
            raise Failure(
                "not_writable",
                thing=folder,
                reason=f"this user (uid {os.geteuid()}) can't write there, or the file system is read-only",
                cure="Run with become: true, and make the file system writable",
            )


def check_addresses(host: Host, listen: t.Sequence[Listen], own: t.Collection[int]) -> None:
    """Refuse addresses that can't be listened on. C(own): ports that our socket unit holds already.

    Failures: C(address_missing), C(port_taken).
    """
    for entry in listen:
        address = {"any": "::"}.get(entry.host, entry.host)
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, entry.port))
        except OSError as exc:
            if exc.errno == errno.EADDRNOTAVAIL:
                raise Failure(
                    "address_missing",
                    thing=f"listen entry {entry}",
                    reason="the host has no such address",
                    cure="Write one that 'ip address' shows there; behind NAT that is not the one clients use",
                ) from exc
            holder = _holder(host, entry.port)
            if exc.errno == errno.EADDRINUSE and entry.port in own and holder in ("", "dockerd", "systemd"):
                continue
            if exc.errno == errno.EADDRINUSE:
                raise Failure(
                    "port_taken",
                    thing=f"listen entry {entry}",
                    reason=f"the port is taken{' by ' if holder else ''}{holder}",
                    cure="Stop that program, or choose another port",
                ) from exc
            raise Failure(
                "address_unusable", thing=f"listen entry {entry}", reason=str(exc.strerror), cure="Choose another"
            ) from exc


def check_filtering(host: Host, observed: Observed, *, remember: bool) -> None:
    """Refuse where systemd can't filter packets by cgroup; it would say so in the journal only and open the port.

    Shown by trying it, in a transient unit; what was shown once holds until the next boot, and is remembered on a
    tmpfs. Failure: C(filtering_unsupported).
    """
    if observed.slices_allow:
        raise Failure(
            "filtering_unsupported",
            thing="the access list (IPAddressAllow= of systemd)",
            reason=f"it would not be in force here: a slice above lets in {observed.slices_allow} (IPAddressAllow= of "
            "system.slice or -.slice)",
            cure="Take that setting out of the slice",
        )
    if os.path.exists(layout.FILTERS):
        return
    command = ["systemd-run", "--quiet", "--wait", "--collect", "--property=IPAddressDeny=any"]
    code, _stdout, stderr = host.run([*command, sys.executable, "-I", "-S", "-c", _FILTER_PROBE])
    if code != 0:
        raise Failure(
            "filtering_unsupported",
            thing="the access list (IPAddressAllow= of systemd)",
            reason="it would not be in force here: systemd on this host can't filter packets by cgroup "
            f"(cgroup v2 and BPF are needed{'; ' + stderr.strip() if stderr.strip() else ''})",
            cure="Boot the host with cgroup v2 (systemd.unified_cgroup_hierarchy=1) and a kernel with "
            "CONFIG_CGROUP_BPF; in a container, allow bpf(2)",
        )
    if remember:
        host.write(layout.FILTERS, b"", Attributes(0o600))


def _holder(host: Host, port: int) -> str:
    """Return the program that has the port (one that is not ours, where there are several), as ss(8) tells it."""
    try:
        _code, stdout, _stderr = host.run(["ss", "-Hltnp", f"sport = :{port}"])
    except OSError:
        return ""
    programs = re.findall(r'\("([^"]+)",pid=', stdout)
    return next((name for name in programs if name not in ("dockerd", "systemd")), programs[0] if programs else "")
