# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on a host to expose it: computed from its present and its desired state."""

from __future__ import annotations

__all__ = ("OUR_PATHS", "can_live_restore", "lacks_live_restore", "plan_exposure")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._guard.socket_filter import networks_of
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import OpenGate, Prove

from .desired import Desired
from .file_order import ConfigTexts
from .files.bundle import bundle_changes, is_unknown
from .files.change import FileChange, changes_of, diff_of
from .files.guard_files import GUARD_FILES, guard_files
from .files.originals import Originals
from .files.shared_files import changes_of_shared_files, daemon_json_texts, new_originals
from .firewalls.choice import RuleSteps, plan_rules
from .firewalls.firewall import Access
from .firewalls.reading import facts_of
from .gateway.units import GATEWAY_FILES
from .host.observation import Attributes
from .host.observed import Observed
from .listener.addresses import is_covered_by
from .listener.gate import gate_of
from .methods.gating import gate_files
from .methods.guarding import GUARD_WORDS
from .order import Work, in_order
from .plan import Plan, plan_of, way_back

_TEXT = Attributes(0o644)
#: Each file that a listener may consist of; not those of firewalls.
OUR_PATHS = (
    layout.DAEMON_JSON,
    layout.SOCKET_UNIT,
    layout.GATE_UNIT,
    layout.DROP_IN,
    layout.EXEC_DROP_IN,
    layout.BOOT_DROP_IN,
    layout.GATE,
    layout.CA_DIGEST,
    layout.LISTENER_FLAGS,
    layout.DOCKERD_WRAPPER,
    layout.FLAGS_WRAPPER,
    layout.CA,
    layout.CERTIFICATE,
    layout.KEY,
    layout.ORIGINALS,
    layout.TRUST,
    layout.CRL,
    *GATEWAY_FILES,
    *GUARD_FILES,
)
#: dockerd need not start again for these.
_WITHOUT_RESTART = (layout.ORIGINALS, layout.TRUST, layout.GATE, layout.BOOT_DROP_IN)


def plan_exposure(observed: Observed, desired: Desired, originals: Originals) -> Plan:
    """Plan a listener. C(originals): those that the host keeps."""
    listener, method = desired.listener, desired.method
    rendered = method.render(observed, listener)
    live_restore = can_live_restore(observed)
    final, at_start = daemon_json_texts(observed, originals, desired, rendered, live_restore)
    texts = {**gate_files(observed, listener, flags=method.sets_flags), **rendered.files}
    access, underneath = Access(listener.listen, listener.allow), listener.gate == "nftables"
    rules = plan_rules(facts_of(observed), desired.firewall, access, underneath=underneath)
    wanted = [
        *guard_files(),
        *([] if desired.server_files is None else bundle_changes(desired.server_files)),
        *(FileChange(path, text.encode(), _TEXT) for path, text in texts.items()),
    ]
    changes = [change for change in wanted if change.differs(observed) or is_unknown(change, desired.server_files)]
    kept = {change.path for change in wanted} | {layout.DAEMON_JSON, layout.ORIGINALS}
    changes += [FileChange(path, None, None) for path in OUR_PATHS if path in observed.files and path not in kept]
    shared = changes_of_shared_files(observed, originals, rendered, desired.adopted)
    daemon_json = FileChange(layout.DAEMON_JSON, final, observed.attributes(layout.DAEMON_JSON))
    if final or layout.DAEMON_JSON in observed.files:
        shared.append(daemon_json)
    shared = [change for change in shared if change.differs(observed)]
    changes += shared
    known = new_originals(observed, originals, desired, shared)
    if known.as_bytes() != observed.content(layout.ORIGINALS):
        changes.insert(0, FileChange(layout.ORIGINALS, known.as_bytes(), Attributes(0o600)))

    differing = [c for c in changes if c.differs_in_content(observed) or is_unknown(c, desired.server_files)]
    restart_for = [change.path for change in differing if change.path not in _WITHOUT_RESTART]
    listening = layout.SOCKET_UNIT in rendered.files
    switches = originals.method == "gateway"
    restart_socket = switches or layout.SOCKET_UNIT in restart_for or observed.is_socket_active is not listening
    is_open = listening or _is_open(observed, desired)
    restart_for_content = bool(restart_for) or restart_socket or not is_open
    restart = restart_for_content or not observed.is_running
    settle = daemon_json if restart_for_content and at_start != final else None
    is_gate_open = _is_gate_open(observed, desired, changes, rules)
    work = Work(
        changes=tuple(changes),
        stops_gateway=switches,
        config=ConfigTexts(
            observed.content(layout.DAEMON_JSON) or b"",
            at_start if restart_for_content else final,
            originals.method,
            method,
        ),
        live_restore_first=lacks_live_restore(observed) and restart_for_content,
        restart=restart,
        restart_socket=restart_socket,
        listening=listening,
        other_sockets=desired.sockets_to_restart,
        load_rules=rules.load,
        narrow_rules=rules.narrow,
        settle=settle,
        checks_bundle=listener.tls,
        prove=_proof(observed, desired, listening=listening) if restart else None,
        open_gate=OpenGate(listener.python) if restart or not is_gate_open else None,
        marks=_marks(observed, desired),
    )
    back = way_back(
        observed,
        live_restore=live_restore,
        other_sockets=desired.sockets_to_restart,
        rules=(rules.load_rules, rules.unload_rules),
        methods=(originals.method, method.name),
    )
    shown = [*changes, *changes_of((*rules.load, *rules.narrow))]
    return plan_of(observed, in_order(observed, work), back, diff_of(observed, shown))


def can_live_restore(observed: Observed) -> bool:
    """dockerd refuses to start with live-restore in swarm mode, and with it in daemon.json beside a flag."""
    return not observed.flags.live_restore and (observed.engine is None or not observed.engine.swarm)


def lacks_live_restore(observed: Observed) -> bool:
    """Whether live-restore has to be switched on before a restart."""
    engine = observed.engine
    return engine is not None and not engine.live_restore and not engine.swarm


def _is_gate_open(observed: Observed, desired: Desired, changes: t.Iterable[FileChange], rules: RuleSteps) -> bool:
    """Whether the access list is in force, as it is to be."""
    if rules.load or rules.narrow or any(change.path == layout.GATE for change in changes):
        return False
    gate = gate_of(desired.listener, flags=desired.method.sets_flags)
    # Rules of nftables that are in force have an open gate.
    return gate.kind != "socket" or observed.socket_allows == networks_of(" ".join((*gate.own, *gate.allow)))


def _is_open(observed: Observed, desired: Desired) -> bool:
    """Whether dockerd listens on each of the addresses."""
    there = [seen for seen in observed.observation.listening if seen.program == "dockerd"]
    return all(
        any(seen.port == entry.port and is_covered_by(entry, seen.address) for seen in there)
        for entry in desired.listener.listen
    )


def _proof(observed: Observed, desired: Desired, *, listening: bool) -> Prove:
    listener = desired.listener
    return Prove(
        listen=tuple((entry.host, entry.port) for entry in listener.listen),
        certificate=layout.CERTIFICATE if listener.tls else None,
        socket=layout.GANGWAY_SOCKET if listening else None,
        guard=GUARD_WORDS if listening and listener.tls else None,
    )


def _marks(observed: Observed, desired: Desired) -> tuple[FileChange, ...]:
    """Filtering that was tried once works until the next boot."""
    tried = desired.listener.firewall == "systemd" and observed.observation.filtering is True
    if not tried or layout.FILTERING_SEEN in observed.files:
        return ()
    return (FileChange(layout.FILTERING_SEEN, b"", Attributes(0o600)),)
