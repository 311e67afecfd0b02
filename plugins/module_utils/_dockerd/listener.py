# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host's listener: what the module does when it is asked to plan, and to apply."""

from __future__ import annotations

__all__ = ("Identity", "Request", "run_listener")

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import shutil
import ssl
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from .._failure import Failure
from . import layout, preflight
from .addresses import DEFAULT_PORT, Listen, parse_allow, parse_listen
from .connection import Connection, ansible_connection, resolve
from .host import Host
from .observe import Observed, observe
from .pending_key import drop_pending_key, make_pending_key, read_pending_key
from .plan import OUR_PATHS, TLS_SETTINGS, Plan, TlsFiles, plan_absent, plan_present
from .verify import verify_strangers_refused


@dataclass(frozen=True)
class Identity:
    """What the controller knows and brings of the server's identity."""

    #: PEM, public. None: an authority that check mode has not made.
    ca: str | None = None
    #: PEM chain to put in place, where it is at hand and not there yet.
    certificate: str | None = None
    #: Names that have to stand in the request, the listening addresses besides; none: they are the signer's to decide.
    request_names: tuple[str, ...] = ()
    key: str | None = None
    key_sha256: str | None = None
    #: SHA-256 of the certificate that should be there, and the names it covers.
    expected: str | None = None
    covers: tuple[str, ...] = ()
    #: The controller wants a new certificate in any case, and with a new key.
    renew: bool = False
    new_key: bool = False
    #: Names the key that waits on the host for the certificate.
    pending: str | None = None

    def __repr__(self) -> str:
        return f"Identity(expected={self.expected!r})"


@dataclass(frozen=True)
class Request:
    """What is asked of the host."""

    state: str
    phase: str
    check_mode: bool
    listen: tuple[str, ...]
    allow: tuple[str, ...]
    key_origin: str
    allow_downtime: bool
    identity: Identity
    #: Makes a key at a path; returns the CSR for the key at a path. Given by the module.
    make_key: t.Callable[[str], None]
    make_request: t.Callable[[str, t.Sequence[str]], str]
    #: Raises where no key can be made here.
    check_means: t.Callable[[], None]


def run_listener(host: Host, request: Request) -> dict[str, t.Any]:
    """Plan or apply; return the module's result. Raises M(Failure)."""
    preflight.check_root()
    with _one_at_a_time():
        return _run(host, request)


def _run(host: Host, request: Request) -> dict[str, t.Any]:
    warnings = []
    if os.path.exists(layout.JOURNAL):
        warnings.append("A run before this one was cut off.")
        if request.check_mode:
            warnings.append("It will be undone first; what follows is planned on what it left.")
        else:
            from .apply import finish_interrupted

            finish_interrupted(host)
    observed = observe(host, OUR_PATHS)
    carry_out = _absent if request.state == "absent" else _present
    result = carry_out(host, observed, request)
    result["warnings"] = warnings + result.get("warnings", [])
    return result


@contextlib.contextmanager
def _one_at_a_time() -> t.Iterator[None]:
    """Two runs for one host wait for each other. The folder is locked, not a file, which would have to be left."""
    descriptor = os.open(layout.UNITS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _absent(host: Host, observed: Observed, request: Request) -> dict[str, t.Any]:
    folders = [folder for folder in (layout.BUNDLE, layout.STATE) if os.path.isdir(folder)]
    preflight.check_daemon_json(observed)
    plan = plan_absent(observed, existing_folders=folders)
    if plan.restart:
        preflight.check_swarm(observed, allow_downtime=request.allow_downtime)
    if plan.settle is not None:
        # It takes TLS away from whatever else dockerd listens on.
        preflight.check_other_listeners(observed)
    if plan.changed:
        preflight.check_writable()
    result = _result(observed, plan)
    if plan.changed and not request.check_mode:
        from .apply import apply_absent

        result["warnings"] = _about_stopped(apply_absent(host, plan))
    if not request.check_mode:
        shutil.rmtree(layout.PENDING, ignore_errors=True)
        Path(layout.FILTERS).unlink(missing_ok=True)
    return result


def _present(host: Host, observed: Observed, request: Request) -> dict[str, t.Any]:
    preflight.check_daemon(observed, TLS_SETTINGS)
    connection = ansible_connection()
    listen = _listen(request, connection)
    allow = _allow(request, connection)
    identity_is_due = _identity_is_due(observed, request, listen)
    plan = plan_present(
        observed,
        listen=listen,
        allow=allow,
        tls=_tls_files(observed, request, identity_is_due),
        python=_python(),
    )
    if plan.restart:
        preflight.check_swarm(observed, allow_downtime=request.allow_downtime)
    if identity_is_due and request.key_origin == "host":
        request.check_means()
    if plan.changed:
        preflight.check_writable()
    _check_in_force(host, observed, request, [] if plan.restart_socket else listen)
    if plan.restart_socket:
        preflight.check_addresses(host, listen, _own_ports(observed))
    result = _result(observed, plan)
    result.update(
        listen=[str(entry) for entry in listen],
        allow=list(allow),
        connection=None if connection is None else {"client": connection.client, "server": connection.server},
        identity_is_due=identity_is_due,
        certificate=(observed.content(layout.CERTIFICATE) or b"").decode(errors="replace") or None,
        time=time.time(),
    )
    if request.check_mode:
        return result
    if request.phase == "apply":
        # Only now: a run that changes nothing need not compile what changes things.
        from .apply import apply_present

        try:
            filled = _with_pending_key(plan, request.identity.pending)
            result["warnings"] = _about_stopped(apply_present(host, observed, filled, listen))
        finally:
            if request.identity.pending is not None:
                drop_pending_key(request.identity.pending)
    elif identity_is_due and request.key_origin == "host":
        reuse = _keeps_its_key(observed, request.identity)
        names = _request_names(request.identity, listen)
        result.update(make_pending_key(request.make_key, lambda path: request.make_request(path, names), reuse=reuse))
    return result


def _request_names(identity: Identity, listen: t.Sequence[Listen]) -> list[str]:
    if not identity.request_names:
        return []
    addresses = [entry.host for entry in listen if not entry.is_wildcard]
    return list(dict.fromkeys([*identity.request_names, *addresses]))


def _check_in_force(host: Host, observed: Observed, request: Request, proved: t.Sequence[Listen]) -> None:
    """Refuse where access list, guard or TLS are not in force; a port that is open already is closed, then.

    C(proved): where the port is to stay as it is, so that it has to prove itself now.
    """
    try:
        preflight.check_filtering(host, observed, remember=not request.check_mode)
        if layout.DROP_IN in observed.files:
            preflight.check_guard(observed.exec_start_pre)
        verify_strangers_refused(proved)
    except Failure:
        if layout.SOCKET_UNIT in observed.files and not request.check_mode:
            from .services import close_port

            close_port(host)
        raise


def _listen(request: Request, connection: Connection | None) -> list[Listen]:
    if request.listen:
        resolved = [entry for text in request.listen for entry in resolve(parse_listen(text))]
        return list(dict.fromkeys(resolved))
    if connection is None:
        raise Failure(
            "listen_unknown",
            thing="listen",
            reason="it is not set, and the host can't tell at which of its addresses it is reached: this is no SSH "
            "connection",
            cure="Set listen (expose_listen in the role), for example 10.20.0.5:2376",
        )
    return [Listen(connection.server, DEFAULT_PORT)]


def _allow(request: Request, connection: Connection | None) -> tuple[str, ...]:
    if request.allow:
        return parse_allow(request.allow)
    if connection is None:
        raise Failure(
            "allow_unknown",
            thing="allow",
            reason="it is not set, and the host can't tell from where Ansible is connected: this is no SSH connection",
            cure="Set allow (expose_allow in the role) to the networks that clients are in, for example 10.20.0.0/24",
        )
    return parse_allow([connection.client])


def _identity_is_due(observed: Observed, request: Request, listen: t.Sequence[Listen]) -> bool:
    """Whether the controller has to sign (or send) an identity, as far as can be told without reading X.509 here."""
    identity = request.identity
    if request.phase == "apply" or (request.key_origin == "controller" and identity.certificate is not None):
        # It is at hand; whether its files differ is the plan's to see.
        return False
    if identity.renew or identity.expected is None:
        return True
    lacking = [entry.host for entry in listen if not entry.is_wildcard and entry.host not in identity.covers]
    return bool(lacking) or observed.content(layout.KEY) is None or _fingerprint(observed) != identity.expected


def _tls_files(observed: Observed, request: Request, identity_is_due: bool) -> TlsFiles:
    identity = request.identity
    present_key = observed.content(layout.KEY)
    if request.key_origin == "host":
        key_is_due = identity_is_due or identity.pending is not None
        # A key that is kept is written again to the byte, which is no change.
        key = None if key_is_due else present_key
    else:
        digest = None if present_key is None else hashlib.sha256(present_key).hexdigest()
        key_is_due = digest != identity.key_sha256
        key = identity.key.encode() if identity.key else present_key
    return TlsFiles(
        ca=identity.ca.encode() if identity.ca else None,
        certificate=identity.certificate.encode() if identity.certificate else observed.content(layout.CERTIFICATE),
        certificate_is_due=identity_is_due,
        key=key,
        key_is_due=key_is_due,
    )


def _keeps_its_key(observed: Observed, identity: Identity) -> bool:
    """Whether the key goes on under a new certificate: it is there, ours, and of the type that is asked for."""
    ours = identity.expected is not None and _fingerprint(observed) == identity.expected
    return ours and not identity.new_key and observed.content(layout.KEY) is not None


def _with_pending_key(plan: Plan, name: str | None) -> Plan:
    if name is None:
        return plan
    content = read_pending_key(name)
    changes = (
        dataclasses.replace(change, content=content) if change.path == layout.KEY else change for change in plan.changes
    )
    return dataclasses.replace(plan, changes=tuple(changes))


def _fingerprint(observed: Observed) -> str | None:
    """SHA-256 over the DER form of the (first) certificate that is in place."""
    pem = (observed.content(layout.CERTIFICATE) or b"").decode(errors="replace")
    end = "-----END CERTIFICATE-----"
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)])).hexdigest()
    except ValueError:
        return None


def _own_ports(observed: Observed) -> set[int]:
    unit = (observed.content(layout.SOCKET_UNIT) or b"").decode(errors="replace")
    return {
        int(line.rpartition("=")[2].rpartition(":")[2])
        for line in unit.splitlines()
        if line.startswith("ListenStream=") and line.rpartition("=")[2].rpartition(":")[2].isdigit()
    }


def _python() -> str:
    """The guard outlives this Python's minor version, so it goes by the name that upgrades keep."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


def _result(observed: Observed, plan: Plan) -> dict[str, t.Any]:
    return {
        "changed": plan.changed,
        "actions": plan.actions(),
        "diff": list(plan.diff),
        "restarted": plan.restart,
        "bundle_changed": plan.changes_bundle,
        "engine_version": observed.engine.version if observed.engine else None,
        "method": "socket",
    }


def _about_stopped(containers: t.Sequence[str]) -> list[str]:
    if not containers:
        return []
    return [f"These containers did not live through dockerd's restart: {', '.join(containers)}."]
