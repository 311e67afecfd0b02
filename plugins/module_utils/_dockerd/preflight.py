# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known to go wrong is refused before anything is touched."""

from __future__ import annotations

__all__ = (
    "check_addresses",
    "check_daemon",
    "check_daemon_json",
    "check_filtering",
    "check_guard",
    "check_other_listeners",
    "check_root",
    "check_swarm",
    "check_writable",
)

import errno
import os
import re
import socket
import sys
import typing as t

from .._failure import Failure
from . import layout
from .addresses import Listen
from .daemon_json import MalformedDaemonJson, parse
from .guard import TLS_KEYS
from .host import Attributes, Host
from .methods.socket import GUARD_WORDS
from .observe import Observed, text_of

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


def check_daemon(observed: Observed, certificates: t.Mapping[str, str]) -> None:
    """Refuse what collides with a listener of ours. C(certificates): our own values of the TLS keys.

    Failures: C(daemon_json_malformed), C(hosts_in_daemon_json), C(tls_in_daemon_json), C(tls_flags),
    C(other_listener), C(method_unsupported).
    """
    settings = check_daemon_json(observed)
    if "hosts" in settings:
        raise Failure(
            "hosts_in_daemon_json",
            thing=f"hosts in {layout.DAEMON_JSON}",
            reason=f"{layout.DOCKER_SERVICE} starts dockerd with -H {' -H '.join(observed.flags.hosts)}, and dockerd "
            "refuses to start with hosts in both places",
            cure="Take hosts out of daemon.json; listen (expose_listen in the role) takes its place",
        )
    # Once they are ours, a different value is drift, to be mended.
    ours = observed.content(layout.WHAT_WAS) is not None
    foreign = [
        key for key in (*TLS_KEYS, "tls") if key in settings and repr(settings[key]) != repr(certificates.get(key))
    ]
    if foreign and not ours:
        raise Failure(
            "tls_in_daemon_json",
            thing=f"{', '.join(foreign)} in {layout.DAEMON_JSON}",
            reason="dockerd has one TLS configuration for all its listeners, and this one is not ours",
            cure="Take these keys out, or give that certificate, key and client CA to the role (expose_certificate, "
            "expose_key, expose_client_ca)",
        )
    flags = observed.flags
    if flags.tls:
        raise Failure(
            "tls_flags",
            thing=f"{' '.join(flags.tls)} on dockerd's command line",
            reason="dockerd refuses to start with TLS settings both there and in daemon.json",
            cure=f"Take these flags out ('systemctl cat {layout.DOCKER_SERVICE}' shows where they come from)",
        )
    if flags.live_restore:
        raise Failure(
            "live_restore_flag",
            thing="--live-restore on dockerd's command line",
            reason="the listener keeps it in daemon.json, and dockerd refuses to start with it in both places",
            cure=f'Take the flag out and put "live-restore": true into {layout.DAEMON_JSON}',
        )
    if flags.config_file not in (None, layout.DAEMON_JSON):
        raise Failure(
            "config_file_elsewhere",
            thing=f"--config-file {flags.config_file}",
            reason=f"the TLS settings go into {layout.DAEMON_JSON}, which this dockerd does not read",
            cure=f"Move that file to {layout.DAEMON_JSON} and take the flag out",
        )
    check_other_listeners(observed)
    if not any(host.startswith("fd://") for host in flags.hosts) or os.path.basename(flags.program) != "dockerd":
        raise Failure(
            "method_unsupported",
            thing=f"method socket on {layout.DOCKER_SERVICE}",
            reason="it does not start dockerd itself with -H fd://, so dockerd takes no port from a socket unit",
            cure="Start dockerd with -H fd://, as the packages docker-ce, docker.io and moby-engine do",
        )


def check_other_listeners(observed: Observed) -> None:
    """Refuse a dockerd that listens on TCP by other means than ours. Failure: C(other_listener)."""
    every_host = dict.fromkeys([*observed.flags.hosts, *observed.running_hosts])
    others = [host for host in every_host if not host.startswith(("fd://", "unix://"))] + [*observed.foreign_streams]
    if others:
        raise Failure(
            "other_listener",
            thing=f"dockerd's other listener {', '.join(others)}",
            reason="beside ours it would be open past the access list, and when ours is taken away, without TLS",
            cure=f"Take it out first ('systemctl cat {layout.DOCKER_SERVICE} {layout.DOCKER_SOCKET}' shows where it "
            "comes from)",
        )


def check_guard(exec_start_pre: str) -> None:
    """Refuse where another drop-in has taken the guard away. Failure: C(guard_overridden)."""
    if GUARD_WORDS not in exec_start_pre:
        raise Failure(
            "guard_overridden",
            thing=f"ExecStartPre of {layout.DOCKER_SERVICE}",
            reason="the guard, which closes the port where mutual TLS is not in force, is not in it: a drop-in that is "
            "read after ours clears it",
            cure="Take the empty ExecStartPre= out of that drop-in "
            f"('systemctl cat {layout.DOCKER_SERVICE}' shows where it is)",
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


def check_swarm(observed: Observed, *, allow_downtime: bool) -> None:
    """Refuse swarm mode unless told otherwise. Failure: C(swarm_mode)."""
    if observed.engine is not None and observed.engine.swarm and not allow_downtime:
        raise Failure(
            "swarm_mode",
            thing="the engine's swarm mode",
            reason="live-restore is not to be had in it, so the restart that this change needs would stop every "
            "container on the host",
            cure="Drain the node and set allow_downtime: true (expose_allow_downtime in the role)",
        )


def check_writable() -> None:
    """Refuse where our files could not be written. Failure: C(not_writable)."""
    for path in (layout.BUNDLE, layout.SOCKET_UNIT, layout.DROP_IN, layout.STATE):
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
