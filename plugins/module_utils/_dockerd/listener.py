# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host's listener: what the module does when it is asked to plan, and to apply."""

from __future__ import annotations

__all__ = ("run_listener",)

import contextlib
import fcntl
import os
import re
import shutil
import sys
import time
import typing as t
from pathlib import Path

from .._shared.failure import Failure
from . import layout, preflight
from .asked import Asked
from .connection import ansible_connection
from .existing_listener import TakeOver, take_over
from .files_of_others import remembered
from .host import Host
from .init import init_of
from .methods.choice import choose_method
from .methods.method import Exposure, Method
from .observe import Observed, observe
from .pending_key import drop_pending_key, make_pending_key
from .plan import OUR_PATHS, Plan, plan_absent, plan_present
from .request import Request
from .server_files import identity_is_due, keeps_its_key, request_names, tls_files, with_pending_key
from .verify import is_open, verify_strangers_refused
from .what_was import WhatWas
from .where import allow_of, interfaces_in, listen_of


def run_listener(host: Host, request: Request) -> dict[str, t.Any]:
    """Plan or apply; return the module's result. Raises M(Failure)."""
    preflight.check_root()
    try:
        with _one_at_a_time():
            return _run(host, request)
    except OSError as exc:
        raise Failure(
            "host_error",
            thing=str(exc.filename or "the host"),
            reason=f"{exc.strerror or exc}; nothing was changed",
            cure="Mend what it names and run again",
        ) from exc


def _run(host: Host, request: Request) -> dict[str, t.Any]:
    warnings = []
    if os.path.exists(layout.JOURNAL):
        warnings.append("A run before this one was cut off.")
        if request.check_mode:
            warnings.append("It will be undone first; what follows is planned on what it left.")
        else:
            from .apply import finish_interrupted

            finish_interrupted(host)
    observed = _observe(host)
    carry_out = _absent if request.state == "absent" else _present
    result = carry_out(host, observed, request)
    result["warnings"] = warnings + result.get("warnings", [])
    return result


@contextlib.contextmanager
def _one_at_a_time() -> t.Iterator[None]:
    """Two runs for one host wait for each other. A folder is locked, not a file, which would have to be left."""
    folder = layout.UNITS if os.path.isdir(layout.UNITS) else "/etc"
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _observe(host: Host) -> Observed:
    content = host.read(layout.WHAT_WAS)
    paths = dict.fromkeys([*OUR_PATHS, *(WhatWas.read(content).files if content else ())])
    init = init_of(host)
    if init.name == "systemd":
        return observe(host, paths)
    from .observe_scripts import observe_scripts

    return observe_scripts(host, paths, init)


def _absent(host: Host, observed: Observed, request: Request) -> dict[str, t.Any]:
    folders = [folder for folder in (layout.BUNDLE, layout.STATE) if os.path.isdir(folder)]
    preflight.check_daemon_json(observed)
    memory = remembered(observed)
    plan = plan_absent(observed, existing_folders=folders)
    if plan.restart:
        preflight.check_answers(observed)
        preflight.check_swarm(observed, allow_downtime=request.allow_downtime)
    if (plan.settle is not None or plan.restart) and not memory.adopted:
        # It takes TLS away from whatever else dockerd listens on.
        preflight.check_other_listeners(observed)
    if plan.changed:
        preflight.check_writable()
    result = _result(observed, plan, memory.method)
    if plan.changed and not request.check_mode:
        from .apply import apply_absent

        result["warnings"] = _about_stopped(apply_absent(host, plan))
    if memory.adopted:
        result.setdefault("warnings", []).append(
            f"What {', '.join(memory.adopted)} had dockerd listen on before it was exposed is there again."
        )
    if not request.check_mode:
        shutil.rmtree(layout.PENDING, ignore_errors=True)
        Path(layout.FILTERS).unlink(missing_ok=True)
    return result


def _present(host: Host, observed: Observed, request: Request) -> dict[str, t.Any]:
    preflight.check_daemon_json(observed)
    memory = remembered(observed)
    found = take_over(observed, memory, adopt=request.adopt)
    observed = found.observed
    preflight.check_daemon(observed)
    method = choose_method(observed, request.method, memory.method)
    connection = ansible_connection()
    exposure = Exposure(
        listen=listen_of(request, connection),
        allow=allow_of(request, connection),
        python=_python(),
        tls=request.tls,
        firewall=preflight.resolve_firewall(request.firewall, method.name),
    )
    if not exposure.tls:
        preflight.check_in_the_clear(request.insecure, exposure)
    is_due = exposure.tls and identity_is_due(observed, request, exposure.listen)
    plan = _plan(host, observed, memory, request, exposure, method, found, is_due=is_due)
    if plan.restart:
        preflight.check_answers(observed)
        preflight.check_swarm(observed, allow_downtime=request.allow_downtime)
    if is_due and request.key_origin == "host":
        request.check_means()
    if plan.changed:
        preflight.check_writable()
    _check_in_force(host, observed, request, exposure, memory, stays=not plan.restart_socket)
    if plan.restart:
        preflight.check_addresses(host, exposure.listen, _own_ports(observed, memory) | found.ports)
    result = _result(observed, plan, method.name)
    interfaces = interfaces_in(request)
    result.update(
        listen=[str(entry) for entry in exposure.listen],
        interfaces=interfaces,
        allow=list(exposure.allow),
        firewall=exposure.firewall,
        connection=None if connection is None else {"client": connection.client, "server": connection.server},
        identity_is_due=is_due,
        certificate=(observed.content(layout.CERTIFICATE) or b"").decode(errors="replace") or None,
        time=time.time(),
    )
    if request.check_mode:
        return result
    if request.phase == "apply":
        # Only now: a run that changes nothing need not compile what changes things.
        from .apply import apply_present

        try:
            filled = with_pending_key(plan, request.identity.pending)
            result["warnings"] = _about_stopped(apply_present(host, observed, filled, exposure))
        finally:
            if request.identity.pending is not None:
                drop_pending_key(request.identity.pending)
    elif is_due and request.key_origin == "host":
        reuse = keeps_its_key(observed, request.identity)
        names = request_names(request.identity, exposure.listen, interfaces)
        result.update(make_pending_key(request.make_key, lambda path: request.make_request(path, names), reuse=reuse))
    return result


def _plan(
    host: Host,
    observed: Observed,
    memory: WhatWas,
    request: Request,
    exposure: Exposure,
    method: Method,
    found: TakeOver,
    *,
    is_due: bool,
) -> Plan:
    files, in_force = None, True
    if exposure.firewall == "nftables":
        from .firewalling import firewall_files, rules_in_force

        files = firewall_files(exposure, observed.init)
        in_force = bool(memory.method) and rules_in_force(host, exposure)
    return plan_present(
        observed,
        Asked(
            exposure=exposure,
            method=method,
            tls=tls_files(observed, request, is_due=is_due) if exposure.tls else None,
            live_restore=request.live_restore,
            firewall_files=files,
            firewall_in_force=in_force,
            adopted=found.texts,
            sockets_to_restart=found.sockets,
            is_open=method.name == "socket" or is_open(exposure.listen),
        ),
    )


def _check_in_force(
    host: Host, observed: Observed, request: Request, exposure: Exposure, memory: WhatWas, *, stays: bool
) -> None:
    """Refuse where access list, guard or TLS are not in force; a port that is open already is closed, then.

    C(stays): the port stays as it is, so that it has to prove itself now.
    """
    try:
        if exposure.firewall == "systemd":
            preflight.check_filtering(host, observed, remember=not request.check_mode)
        if exposure.tls and memory.is_tls:
            preflight.check_guard(observed)
            if memory.method and stays:
                verify_strangers_refused(exposure.listen)
        preflight.check_exec_start(observed)
    except Failure:
        if memory.method and not request.check_mode:
            from .services import close_port

            close_port(host, [observed.options.path] if observed.options else [])
        raise


def _own_ports(observed: Observed, memory: WhatWas) -> set[int]:
    """Return the ports that dockerd, or systemd for it, holds by our doing."""
    ports = set()
    for path in (layout.SOCKET_UNIT, layout.LISTENER, *memory.files):
        for word in (observed.content(path) or b"").decode(errors="replace").replace('"', " ").split():
            port = word.rstrip(",").rpartition(":")[2].rpartition("=")[2]
            if port.isdigit() and ("ListenStream=" in word or "tcp://" in word):
                ports.add(int(port))
    return ports


def _python() -> str:
    """The guard outlives this Python's minor version, so it goes by the name that upgrades keep, unless that is older.

    EL 8 and SUSE 15 have 3.6 by that name, and newer ones beside it.
    """
    name = "/usr/bin/python3"
    minor = re.fullmatch(r"python3\.(\d+)", os.path.basename(os.path.realpath(name)))
    is_fit = os.access(name, os.X_OK) and (minor is None or int(minor.group(1)) >= 9)
    return name if is_fit else sys.executable


def _result(observed: Observed, plan: Plan, method: str) -> dict[str, t.Any]:
    return {
        "changed": plan.changed,
        "actions": plan.actions(),
        "diff": list(plan.diff),
        "restarted": plan.restart,
        "bundle_changed": plan.changes_bundle,
        "engine_version": observed.engine.version if observed.engine else None,
        "method": method or None,
    }


def _about_stopped(containers: t.Sequence[str]) -> list[str]:
    if not containers:
        return []
    return [f"These containers did not live through dockerd's restart: {', '.join(containers)}."]
