# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on a host so that HAProxy serves the port, or does so no more.

dockerd is stopped and started only where its own listener goes.
"""

from __future__ import annotations

__all__ = ("plan_gateway",)

import hashlib
import re
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.socket_filter import networks_of
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Command,
    Discard,
    LoadRules,
    ProveGateway,
)

from ..desired import Desired, Gateway, ServerFiles
from ..files.bundle import bundle_changes, is_unknown
from ..files.change import FileChange, changes_of, diff_of
from ..files.originals import Originals
from ..firewalls.choice import plan_rules
from ..firewalls.firewall import Access
from ..firewalls.reading import facts_of
from ..host.observation import Attributes
from ..host.observed import Observed
from ..listener.gate import own_networks
from ..listener.listener import Listener
from ..methods.socket import render_socket_unit
from ..order import order_of_withdrawal
from ..plan import Plan, plan_of, way_back
from ..withdrawal import withdrawal_of
from .configuration import backend_of, render_clients, render_configuration
from .order import GatewayWork, order_of_gateway
from .units import render_boot_drop_in, render_gateway_unit
from .way_back import way_back_of_gateway

_TEXT = Attributes(0o644)
#: What HAProxy reads, the key aside: nobody else may change it.
_JUDGED = (layout.GATEWAY_CONFIGURATION, layout.GATEWAY_CLIENTS, layout.CA, layout.CRL, layout.CERTIFICATE)
_READ_AT_RELOAD = (*_JUDGED, layout.GATEWAY_DIGESTS, layout.KEY)
#: Below /run, of the other methods.
_OF_DOCKERD = (layout.LISTENER_FLAGS_IN_FORCE, layout.GATE_RECORD)
#: What ends the access of a client.
_DECIDES_ON_ACCESS = (layout.GATEWAY_CONFIGURATION, layout.GATEWAY_CLIENTS, layout.CA, layout.CRL)


def plan_gateway(observed: Observed, desired: Desired, gateway: Gateway, originals: Originals) -> Plan:
    """Plan HAProxy in front of the engine. C(originals): those that the host keeps."""
    listener, files = desired.listener, desired.server_files
    if files is None:
        raise ValueError("HAProxy needs a certificate")
    wanted = _wanted(listener, gateway, files)
    unknown = {change.path for change in wanted if is_unknown(change, files)}
    if unknown & {*_JUDGED}:
        unknown.add(layout.GATEWAY_DIGESTS)
    changes = [change for change in wanted if change.differs(observed) or change.path in unknown]
    switches = originals.method not in ("", "gateway")
    known = _originals(observed, originals)
    if known.as_bytes() != observed.content(layout.ORIGINALS):
        changes.insert(0, FileChange(layout.ORIGINALS, known.as_bytes(), Attributes(0o600)))
    differing = {c.path for c in changes if c.differs_in_content(observed) or c.path in unknown}

    rules = plan_rules(facts_of(observed), desired.firewall, Access(listener.listen, listener.allow, is_gated=False))
    is_active = observed.is_socket_active and observed.observation.is_active(layout.GATEWAY_SERVICE)
    restart_port = switches or not is_active or _streams(observed) != _streams_in(_text_of(wanted, layout.SOCKET_UNIT))
    reload = bool(differing & {*_READ_AT_RELOAD}) or not _shows_certificate(observed, listener)
    restart = layout.GATEWAY_UNIT in differing
    access = () if restart_port else _access(observed, listener)
    stale = [path for path in layout.RUNTIME_DROP_INS if restart_port and path in observed.files]
    work = GatewayWork(
        changes=tuple(changes),
        stale=tuple(FileChange(path, None, None) for path in stale),
        load_rules=rules.load,
        narrow_rules=rules.narrow,
        access=tuple(LoadRules((words,), thing="the access list of the port") for words in access),
        restart_port=restart_port,
        reload=reload,
        restart=restart,
        backends=tuple(backend_of(client) for client in gateway.clients)
        if is_active and differing & {*_DECIDES_ON_ACCESS}
        else None,
        prove=ProveGateway(
            tuple((entry.host, entry.port) for entry in listener.listen),
            layout.CERTIFICATE,
            None if gateway.is_dockerd else gateway.engine,
        ),
    )
    steps = order_of_gateway(observed, work)
    shown = [*changes, *work.stale, *changes_of((*rules.load, *rules.narrow))]
    if switches:
        withdrawal = withdrawal_of(observed, originals, kept=[layout.ORIGINALS, *(change.path for change in wanted)])
        closing = () if withdrawal.work is None else order_of_withdrawal(observed, withdrawal.work)
        back = way_back(
            observed,
            live_restore=withdrawal.live_restore,
            other_sockets=originals.sockets,
            rules=(rules.load_rules, rules.unload_rules),
            methods=(originals.method,),
        )
        return plan_of(
            observed,
            (*closing, *steps, Discard(files=_OF_DOCKERD)),
            back,
            diff_of(observed, [*withdrawal.shown, *shown]),
        )
    back = way_back_of_gateway(
        observed,
        was_there=bool(originals.method),
        reload=not restart_port,
        load_rules=(*_as_before(observed, access), *rules.load_rules),
        unload_rules=rules.unload_rules,
    )
    return plan_of(observed, steps, back, diff_of(observed, shown))


def _wanted(listener: Listener, gateway: Gateway, files: ServerFiles) -> list[FileChange]:
    texts = {
        layout.GATEWAY_CLIENTS: render_clients(gateway.clients),
        layout.GATEWAY_CONFIGURATION: render_configuration(
            gateway.clients, len(listener.listen), engine=gateway.engine, worker=gateway.worker, log=gateway.log
        ),
    }
    # The guard of dockerd's own TLS reads it.
    bundle = [change for change in bundle_changes(files) if change.path != layout.CA_DIGEST]
    contents = {change.path: change.content for change in bundle}
    contents |= {path: text.encode() for path, text in texts.items()}
    known = all(contents[path] is not None for path in _JUDGED)
    lines = [f"{hashlib.sha256(contents[path] or b'').hexdigest()}  {path}\n" for path in _JUDGED]
    units = {
        layout.GATEWAY_UNIT: render_gateway_unit(
            gateway.program, as_root=gateway.worker.is_root, in_home=gateway.in_home
        ),
        layout.SOCKET_UNIT: render_socket_unit(listener, layout.GATEWAY_SERVICE),
        layout.GATEWAY_BOOT: render_boot_drop_in(),
    }
    return [
        *bundle,
        *(FileChange(path, text.encode(), _TEXT) for path, text in texts.items()),
        FileChange(layout.GATEWAY_DIGESTS, "".join(lines).encode() if known else None, _TEXT),
        *(FileChange(path, text.encode(), _TEXT) for path, text in units.items()),
    ]


def _originals(observed: Observed, originals: Originals) -> Originals:
    """Nothing of others changes; only folders that were not there are remembered."""
    folders = originals.folders if originals.method else observed.missing_folders
    return Originals("gateway", folders=folders)


def _text_of(wanted: t.Iterable[FileChange], path: str) -> str:
    return next((change.content or b"" for change in wanted if change.path == path), b"").decode()


def _streams(observed: Observed) -> list[str]:
    return _streams_in((observed.content(layout.SOCKET_UNIT) or b"").decode(errors="replace"))


def _streams_in(unit: str) -> list[str]:
    return re.findall(r"^ListenStream=(.*)$", unit, re.MULTILINE)


def _shows_certificate(observed: Observed, listener: Listener) -> bool:
    """Whether clients are shown the certificate in place, as far as that was seen."""
    there = "".join((observed.content(layout.CERTIFICATE) or b"").decode(errors="replace").split())
    ports = {entry.port for entry in listener.listen}
    shown = [answer.certificate for answer in observed.observation.answers if answer.port in ports]
    return all(certificate is None or "".join(certificate.split()) in there for certificate in shown)


def _access(observed: Observed, listener: Listener) -> tuple[Command, ...]:
    """Return the command that puts the access list in force: systemd reads changed files, but not that of a socket
    that listens.
    """
    filters = listener.firewall == "systemd"
    networks = (*own_networks(listener.listen), *listener.allow) if filters else ()
    shown = observed.observation.unit(layout.GANGWAY_SOCKET)
    denies = networks_of(shown.get("IPAddressDeny", ""))
    if observed.socket_allows == networks_of(" ".join(networks)) and bool(denies) is filters:
        return ()
    return (_set_access(networks, denies=filters),)


def _as_before(observed: Observed, access: t.Sequence[Command]) -> tuple[Command, ...]:
    if not access:
        return ()
    shown = observed.observation.unit(layout.GANGWAY_SOCKET)
    return (_set_access(shown.get("IPAddressAllow", "").split(), denies=bool(shown.get("IPAddressDeny"))),)


def _set_access(networks: t.Sequence[str], *, denies: bool) -> Command:
    words = ["IPAddressDeny=", *(["IPAddressDeny=any"] if denies else []), "IPAddressAllow="]
    words += [f"IPAddressAllow={' '.join(networks)}"] if networks else []
    return ("systemctl", "set-property", "--runtime", layout.GANGWAY_SOCKET, *words)
