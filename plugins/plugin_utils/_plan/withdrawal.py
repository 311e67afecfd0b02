# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on a host to remove everything of ours, or at least to close the port."""

from __future__ import annotations

__all__ = ("plan_closing", "plan_withdrawal", "withdrawal_of")

import dataclasses
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._guard.daemon_json import (
    MalformedDaemonJson,
    merge,
    without_tcp_hosts,
)
from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.options_block import block_of, without_block
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Discard, Step

from .exposure import OUR_PATHS, can_live_restore, lacks_live_restore
from .file_order import without_hosts_in
from .files.change import FileChange, changes_of, diff_of
from .files.originals import Originals
from .firewalls.choice import plan_rules
from .firewalls.reading import facts_of
from .gateway.order import order_of_gateway_withdrawal
from .gateway.way_back import way_back_of_gateway
from .host.observed import Observed
from .order import Work, order_of_withdrawal
from .plan import Plan, plan_of, way_back
from .refusals.host import check_daemon_json


@dataclass(frozen=True)
class Withdrawal:
    """What takes dockerd's listener away. C(work) None: there is nothing of ours."""

    work: Work | None
    live_restore: bool = True
    #: For the diff; not what rules of firewalls do.
    shown: tuple[FileChange, ...] = ()


def plan_withdrawal(observed: Observed, originals: Originals) -> Plan:
    """Plan to take everything away. C(originals): those that the host keeps. Failure: C(daemon_json_malformed)."""
    if originals.method == "gateway":
        return _plan_gateway_withdrawal(observed, originals)
    check_daemon_json(observed)
    rules = plan_rules(facts_of(observed), None, None)
    withdrawal = withdrawal_of(observed, originals, narrow_rules=rules.narrow, discard=_discard(observed, originals))
    back = way_back(
        observed,
        live_restore=withdrawal.live_restore,
        other_sockets=originals.sockets,
        rules=(rules.load_rules, rules.unload_rules),
        methods=(originals.method,),
    )
    if withdrawal.work is None:
        return plan_of(observed, (), back)
    shown = [*withdrawal.shown, *changes_of(rules.narrow)]
    return plan_of(observed, order_of_withdrawal(observed, withdrawal.work), back, diff_of(observed, shown))


def withdrawal_of(
    observed: Observed,
    originals: Originals,
    *,
    kept: t.Collection[str] = (),
    narrow_rules: tuple[Step, ...] = (),
    discard: Discard | None = None,
) -> Withdrawal:
    """Return what has to be done. C(kept): files that stay, or that another step writes."""
    paths = [path for path in OUR_PATHS if path in observed.files and path not in (layout.DAEMON_JSON, *kept)]
    changes = [FileChange(path, None, None) for path in paths]
    for path in originals.files:
        undone = originals.undo(path, observed.content(path))
        if path != layout.DAEMON_JSON and undone != observed.content(path):
            changes.append(FileChange(path, undone, None if undone is None else originals.files[path].attributes))
    current = observed.content(layout.DAEMON_JSON)
    final = originals.users_daemon_json(current)
    settle = None
    if final != current:
        attributes = None if final is None else observed.attributes(layout.DAEMON_JSON)
        settle = FileChange(layout.DAEMON_JSON, final, attributes)
    restart = bool(changes) or settle is not None or observed.is_socket_active
    if not restart and not narrow_rules and discard is None:
        return Withdrawal(None)
    live_restore = can_live_restore(observed)
    start = [] if settle is None else [_for_a_start(observed, settle, live_restore=live_restore)]
    work = Work(
        changes=(*start, *changes),
        closing=tuple(_closing(observed, originals, start)),
        live_restore_first=restart and lacks_live_restore(observed),
        restart=restart and observed.is_running,
        restart_socket=observed.has_systemd,
        adopted=originals.adopted,
        other_sockets=originals.sockets if restart else (),
        narrow_rules=narrow_rules,
        settle=settle,
        discard=discard,
    )
    return Withdrawal(work, live_restore, (*([] if settle is None else [settle]), *changes))


def _plan_gateway_withdrawal(observed: Observed, originals: Originals) -> Plan:
    """The same where dockerd has no part in it."""
    rules = plan_rules(facts_of(observed), None, None)
    changes = [FileChange(path, None, None) for path in OUR_PATHS if path in observed.files]
    changes = [change for change in changes if change.path != layout.DAEMON_JSON]
    steps = order_of_gateway_withdrawal(changes, rules.narrow, _discard(observed, originals))
    back = way_back_of_gateway(
        observed, was_there=True, reload=False, load_rules=rules.load_rules, unload_rules=rules.unload_rules
    )
    return plan_of(observed, steps, back, diff_of(observed, [*changes, *changes_of(rules.narrow)]))


def _plan_gateway_closing(observed: Observed) -> Plan:
    opens = (layout.SOCKET_UNIT, layout.GATEWAY_UNIT, layout.GATEWAY_BOOT)
    changes = [FileChange(path, None, None) for path in opens if path in observed.files]
    back = dataclasses.replace(way_back_of_gateway(observed, was_there=True, reload=False), open_units=())
    steps = order_of_gateway_withdrawal(changes, (), Discard(files=layout.RUNTIME_DROP_INS))
    return plan_of(observed, steps, back, diff_of(observed, changes))


def plan_closing(observed: Observed, originals: Originals) -> Plan:
    """Plan to close the port until a run opens it again: what opens it goes, dockerd starts without it."""
    if originals.method == "gateway":
        return _plan_gateway_closing(observed)
    options = None if observed.options is None else observed.options.path
    block = options is not None and bool(block_of(observed.content(options) or b""))
    units = [layout.DROP_IN, layout.SOCKET_UNIT, layout.GATE_UNIT, layout.BOOT_DROP_IN]
    if layout.LISTENER_FLAGS in observed.files or block:
        # Without these, the drop-in only takes -H off ExecStart, for hosts in daemon.json.
        units.append(layout.EXEC_DROP_IN)
    opens = (*units, layout.LISTENER_FLAGS, layout.GATE)
    changes = [FileChange(path, None, None) for path in opens if path in observed.files]
    if options is not None and block:
        text: bytes | None = without_block(observed.content(options) or b"")
        if options not in originals.adopted:
            # To the byte; but the listener of others must not come back.
            text = originals.undo(options, observed.content(options))
        changes.append(FileChange(options, text, None if text is None else observed.attributes(options)))
    changes += _config_without_port(observed)
    work = Work(changes=tuple(changes), restart=observed.is_running, restart_socket=observed.has_systemd)
    back = dataclasses.replace(way_back(observed, live_restore=can_live_restore(observed)), open_units=())
    discard = Discard(files=(layout.LISTENER_FLAGS_IN_FORCE, layout.GATE_RECORD, *layout.RUNTIME_DROP_INS))
    steps = order_of_withdrawal(observed, dataclasses.replace(work, discard=discard))
    return plan_of(observed, steps, back, diff_of(observed, changes))


def _config_without_port(observed: Observed) -> list[FileChange]:
    """daemon.json without its TCP ports, and with live-restore for the start."""
    try:
        text = (observed.content(layout.DAEMON_JSON) or b"").decode()
        text = without_tcp_hosts(text)
        if can_live_restore(observed):
            text = merge(text, {"live-restore": True})
    except (MalformedDaemonJson, UnicodeDecodeError):
        # dockerd does not start with it: nothing is open.
        return []
    change = FileChange(layout.DAEMON_JSON, text.encode(), observed.attributes(layout.DAEMON_JSON))
    return [change] if change.differs(observed) else []


def _closing(observed: Observed, originals: Originals, start: t.Sequence[FileChange]) -> t.Iterator[FileChange]:
    """Yield the files of an adopted listener without ours: as they were, they come back after our units are gone."""
    for path in originals.adopted:
        content = observed.content(path) or b""
        if path == layout.DAEMON_JSON:
            for change in start:
                yield from without_hosts_in(content, change.content or b"", observed.attributes(path))
        elif block_of(content):
            yield FileChange(path, without_block(content), observed.attributes(path), is_interim=True)


def _for_a_start(observed: Observed, settle: FileChange, *, live_restore: bool) -> FileChange:
    """daemon.json as it is in the end, but with live-restore: a start without it stops the containers."""
    if not live_restore:
        return dataclasses.replace(settle, is_interim=True)
    text = merge((settle.content or b"").decode(), {"live-restore": True}).encode()
    attributes = settle.attributes or observed.attributes(layout.DAEMON_JSON)
    return FileChange(layout.DAEMON_JSON, text, attributes, is_interim=True)


def _discard(observed: Observed, originals: Originals) -> Discard | None:
    folders = tuple(f for f in (layout.BUNDLE, layout.STATE) if observed.observation.folders.get(f) is not None)
    run = (layout.LISTENER_FLAGS_IN_FORCE, layout.FILTERING_SEEN)
    files = tuple(path for path in run if path in observed.files)
    empty = tuple(folder for folder in reversed(originals.folders) if folder not in folders)
    return Discard(files, folders, empty) if files or folders else None
