# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on a host: computed from what is and what is asked, without touching anything."""

from __future__ import annotations

__all__ = ("OUR_PATHS", "Plan", "plan_absent", "plan_present")

import typing as t
from dataclasses import dataclass

from . import layout
from .asked import Asked, TlsFiles
from .change import FileChange, diff_of
from .files_of_others import attributes_of, changes_of_others, daemon_json_texts, remembered, what_was
from .guard_files import GUARD_FILES, guard_files
from .host import Attributes
from .observe import Observed
from .safe_order import in_safe_order

_TEXT = Attributes(0o644)
#: CIS Docker Benchmark 3.x: certificates 0444, server key 0400, root:root.
_CERTIFICATE, _KEY = Attributes(0o444), Attributes(0o400)
_PEM_PATHS = (layout.CA, layout.CERTIFICATE, layout.KEY)
_UNIT_PATHS = (
    layout.SOCKET_UNIT,
    layout.ACTIVATION_UNIT,
    layout.DROP_IN,
    layout.EXEC_DROP_IN,
    *layout.FIREWALL_UNITS,
)
#: In the order in which withdrawing removes them: what dockerd may need for a start goes last.
OUR_PATHS = (
    layout.DAEMON_JSON,
    *_UNIT_PATHS,
    layout.LISTENER,
    layout.STARTER,
    *_PEM_PATHS,
    layout.FIREWALL_RULES,
    layout.WHAT_WAS,
    *GUARD_FILES,
)
#: What can change without a restart of dockerd.
_NO_RESTART = (layout.WHAT_WAS, layout.FIREWALL_RULES, *layout.FIREWALL_UNITS)


@dataclass(frozen=True)
class Plan:
    """All that one run does to a host. C(changes) are in the order in which they are made."""

    changes: tuple[FileChange, ...] = ()
    folders_to_remove: tuple[str, ...] = ()
    folders_to_close: tuple[str, ...] = ()
    #: Switch live-restore on in the running daemon first.
    live_restore_first: bool = False
    #: Whether dockerd may be started with live-restore in daemon.json: not in swarm mode, nor beside the flag.
    live_restore: bool = True
    #: Bring dockerd up with a new configuration; with C(restart_socket), the port closes meanwhile.
    restart: bool = False
    restart_socket: bool = False
    #: The socket unit of ours is to listen afterwards.
    listening: bool = False
    #: Load the firewall's rules anew, before the port opens; with C(unload_firewall), take them away once it is closed.
    load_firewall: bool = False
    unload_firewall: bool = False
    #: Socket units of others that an adopted listener stops or starts anew.
    sockets_to_restart: tuple[str, ...] = ()
    #: daemon.json as it is to be in the end, where dockerd must start with another one so that containers live on.
    settle: FileChange | None = None
    #: dockerd runs before this.
    was_running: bool = True
    #: How dockerd is started, for people.
    starter: str = layout.DOCKER_SERVICE
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        lasting = [change for change in self.changes if not change.is_interim]
        return bool(lasting or self.restart or self.folders_to_remove or self.folders_to_close or self.load_firewall)

    @property
    def changes_bundle(self) -> bool:
        return any(change.path in _PEM_PATHS for change in self.changes)

    def actions(self) -> list[str]:
        """Return what is done, in order, for people."""
        words = ["switch live-restore on"] if self.live_restore_first else []
        words += [change.describe() for change in self.changes if not change.is_interim]
        words += [f"close {folder} to others" for folder in self.folders_to_close]
        if self.load_firewall:
            words.append("load the firewall's rules")
        if self.restart:
            words.append(f"restart {self.starter}")
        return words


def plan_present(observed: Observed, asked: Asked) -> Plan:
    """Plan a listener."""
    memory = remembered(observed)
    rendered = asked.method.render(observed, asked.exposure)
    can_live_restore = _can_live_restore(observed)
    final, at_start = daemon_json_texts(observed, memory, asked, rendered, can_live_restore)
    own = {**rendered.files, **(asked.firewall_files or {})}
    tls = asked.tls
    due = {} if tls is None else _due(tls)
    wanted = [
        *guard_files(),
        *([] if tls is None else _bundle(tls)),
        *(FileChange(path, text.encode(), _TEXT) for path, text in own.items()),
    ]
    changes = [change for change in wanted if _differs(observed, change, due=due.get(change.path, False))]
    kept = {change.path for change in wanted} | {layout.DAEMON_JSON, layout.WHAT_WAS}
    changes += [FileChange(path, None, None) for path in OUR_PATHS if path in observed.files and path not in kept]
    others = changes_of_others(observed, memory, rendered, asked.adopted or {})
    daemon_json = FileChange(layout.DAEMON_JSON, final, attributes_of(observed, layout.DAEMON_JSON))
    if final or layout.DAEMON_JSON in observed.files:
        others.append(daemon_json)
    others = [change for change in others if _differs(observed, change, due=False)]
    changes += others
    known = what_was(observed, memory, asked, others)
    if known.as_bytes() != observed.content(layout.WHAT_WAS):
        changes.insert(0, FileChange(layout.WHAT_WAS, known.as_bytes(), Attributes(0o600)))

    restart_for = [c.path for c in changes if not _only_attributes(observed, c) and c.path not in _NO_RESTART]
    listening = layout.SOCKET_UNIT in rendered.files
    restart_socket = layout.SOCKET_UNIT in restart_for or observed.socket_active is not listening
    content_changed = bool(restart_for) or restart_socket or not (listening or asked.is_open)
    settle = None
    if content_changed and at_start != final:
        settle = daemon_json
    return Plan(
        changes=in_safe_order(
            changes,
            before=observed.content(layout.DAEMON_JSON) or b"",
            at_start=at_start if content_changed else final,
            settle=settle,
            old=memory.method,
            new=asked.method,
        ),
        live_restore_first=_lacks_live_restore(observed) and content_changed,
        live_restore=can_live_restore,
        restart=content_changed or not observed.service_active,
        restart_socket=restart_socket,
        listening=listening,
        load_firewall=asked.firewall_files is not None
        and (not asked.firewall_in_force or any(change.path in asked.firewall_files for change in changes)),
        unload_firewall=any(change.path == layout.FIREWALL_RULES and change.removes for change in changes),
        sockets_to_restart=asked.sockets_to_restart,
        settle=settle,
        folders_to_close=observed.loose_folders,
        was_running=observed.service_active,
        starter=_starter(observed),
        diff=diff_of(observed, changes),
    )


def plan_absent(observed: Observed, *, existing_folders: t.Collection[str]) -> Plan:
    """Plan to take everything away. C(existing_folders): those of ours that are there."""
    memory = remembered(observed)
    changes = [
        FileChange(path, None, None) for path in OUR_PATHS if path != layout.DAEMON_JSON and path in observed.files
    ]
    for path in memory.files:
        undone = memory.undo(path, observed.content(path))
        if path != layout.DAEMON_JSON and undone != observed.content(path):
            change = FileChange(path, undone, None if undone is None else memory.files[path].attributes)
            # Our flags go before the guard, and what others had dockerd listen on comes back behind both.
            changes.insert(len(changes) if path in memory.adopted else 0, change)
    current = observed.content(layout.DAEMON_JSON)
    final = memory.users_daemon_json(current)
    folders = [folder for folder in (layout.BUNDLE, layout.STATE) if folder in existing_folders]
    settle = None
    if final != current:
        settle = FileChange(
            layout.DAEMON_JSON, final, None if final is None else attributes_of(observed, layout.DAEMON_JSON)
        )
        changes.insert(0, settle)
    restart = bool(changes) or observed.socket_active
    return Plan(
        changes=tuple(changes),
        folders_to_remove=(*folders, *(f for f in reversed(memory.folders) if f not in folders)),
        live_restore_first=restart and _lacks_live_restore(observed),
        live_restore=_can_live_restore(observed),
        restart=restart and observed.service_active,
        restart_socket=restart,
        unload_firewall=any(path in observed.files for path in (layout.FIREWALL_RULES, *layout.FIREWALL_UNITS)),
        sockets_to_restart=memory.sockets,
        settle=settle,
        was_running=observed.service_active,
        starter=_starter(observed),
        diff=diff_of(observed, changes),
    )


def _due(tls: TlsFiles) -> dict[str, bool]:
    return {layout.CERTIFICATE: tls.certificate_is_due, layout.KEY: tls.key_is_due, layout.CA: tls.ca is None}


def _bundle(tls: TlsFiles) -> list[FileChange]:
    return [
        FileChange(layout.CA, tls.ca, _CERTIFICATE),
        FileChange(layout.CERTIFICATE, None if tls.certificate_is_due else tls.certificate, _CERTIFICATE),
        FileChange(layout.KEY, tls.key, _KEY),
    ]


def _differs(observed: Observed, change: FileChange, *, due: bool) -> bool:
    if due:
        return True
    if change.path not in observed.files:
        return not change.removes
    content, attributes = observed.files[change.path]
    return attributes != change.attributes or (change.content is not None and content != change.content)


def _only_attributes(observed: Observed, change: FileChange) -> bool:
    return change.content is not None and observed.content(change.path) == change.content


def _starter(observed: Observed) -> str:
    return layout.DOCKER_SERVICE if observed.init == "systemd" else "/etc/init.d/docker"


def _can_live_restore(observed: Observed) -> bool:
    """dockerd refuses to start with live-restore in swarm mode, and with it in daemon.json beside a flag."""
    return not observed.flags.live_restore and (observed.engine is None or not observed.engine.swarm)


def _lacks_live_restore(observed: Observed) -> bool:
    engine = observed.engine
    return engine is not None and not engine.live_restore and not engine.swarm
