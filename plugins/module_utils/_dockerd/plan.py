# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to change on a host: computed from what is and what is asked, without touching anything."""

from __future__ import annotations

__all__ = ("FileChange", "Plan", "TlsFiles", "plan_absent", "plan_present")

import hashlib
import pkgutil
import typing as t
from dataclasses import dataclass

from . import layout
from .addresses import Listen
from .daemon_json import merge, parse
from .host import Attributes
from .methods import socket as socket_method
from .observe import Observed, text_of
from .what_was import WhatWas

_TEXT = Attributes(0o644)
#: CIS Docker Benchmark 3.x: certificates 0444, server key 0400, root:root.
_CERTIFICATE, _KEY = Attributes(0o444), Attributes(0o400)
_GUARD_FILES = {
    f"{layout.GUARD}/__init__.py": None,
    f"{layout.GUARD}/__main__.py": "guard.py",
    f"{layout.GUARD}/daemon_json.py": "daemon_json.py",
    f"{layout.GUARD}/unit.py": "unit.py",
}
_PEM_PATHS = (layout.CA, layout.CERTIFICATE, layout.KEY)
_UNIT_PATHS = (layout.SOCKET_UNIT, layout.ACTIVATION_UNIT, layout.DROP_IN)
#: In the order in which withdrawing removes them: what dockerd may need for a start goes last.
OUR_PATHS = (layout.DAEMON_JSON, *_UNIT_PATHS, *_PEM_PATHS, layout.WHAT_WAS, *_GUARD_FILES)

#: The TLS keys of daemon.json, as we set them.
TLS_SETTINGS: dict[str, t.Any] = {
    "tlsverify": True,
    "tlscacert": layout.CA,
    "tlscert": layout.CERTIFICATE,
    "tlskey": layout.KEY,
}


@dataclass(frozen=True)
class TlsFiles:
    """What the bundle is to hold. None: yet to be made (certificate, CA), or already on the host (key)."""

    ca: bytes | None
    certificate: bytes | None
    #: True: a new certificate is on its way, whatever lies there now.
    certificate_is_due: bool
    key: bytes | None = None
    #: True: a new key comes with the certificate, or the one there is not ours.
    key_is_due: bool = False


@dataclass(frozen=True)
class FileChange:
    """One file to write, or (both None) to remove; C(content) None with attributes: not known yet."""

    path: str
    content: bytes | None
    attributes: Attributes | None

    @property
    def removes(self) -> bool:
        return self.attributes is None


@dataclass(frozen=True)
class Plan:
    """All that one run does to a host. C(changes) are in the order in which they are made."""

    changes: tuple[FileChange, ...] = ()
    folders_to_remove: tuple[str, ...] = ()
    folders_to_close: tuple[str, ...] = ()
    #: Switch live-restore on in the running daemon first.
    live_restore_first: bool = False
    #: Whether dockerd may be started with live-restore: not in swarm mode.
    live_restore: bool = True
    #: Bring dockerd up with a new configuration; with C(restart_socket), the port closes meanwhile.
    restart: bool = False
    restart_socket: bool = False
    #: daemon.json as it is to be in the end, where dockerd must start with another one so that containers live on.
    settle: FileChange | None = None
    diff: tuple[dict[str, str], ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.restart or self.folders_to_remove or self.folders_to_close)

    @property
    def changes_bundle(self) -> bool:
        return any(change.path in _PEM_PATHS for change in self.changes)

    def actions(self) -> list[str]:
        """Return what is done, in order, for people."""
        words = ["switch live-restore on"] if self.live_restore_first else []
        words += [f"{'remove' if change.removes else 'write'} {change.path}" for change in self.changes]
        words += [f"close {folder} to others" for folder in self.folders_to_close]
        if self.restart:
            words.append(f"restart {layout.DOCKER_SERVICE}")
        return words


def plan_present(
    observed: Observed,
    *,
    listen: t.Sequence[Listen],
    allow: t.Sequence[str],
    tls: TlsFiles,
    python: str,
) -> Plan:
    """Plan a listener. C(listen) holds addresses only."""
    socket_unit = socket_method.render_socket_unit(listen, allow).encode()
    text = text_of(observed.content(layout.DAEMON_JSON), layout.DAEMON_JSON)
    live_restore = _can_live_restore(observed)
    settings = {**TLS_SETTINGS, **({"live-restore": True} if live_restore else {})}
    merged = merge(text, settings).encode()
    before = observed.files.get(layout.DAEMON_JSON)
    daemon_json = FileChange(layout.DAEMON_JSON, merged, before[1] if before else _TEXT)

    wanted = [
        *_guard_files(),
        FileChange(layout.CA, tls.ca, _CERTIFICATE),
        FileChange(layout.CERTIFICATE, None if tls.certificate_is_due else tls.certificate, _CERTIFICATE),
        FileChange(layout.KEY, tls.key, _KEY),
        daemon_json,
        FileChange(layout.SOCKET_UNIT, socket_unit, _TEXT),
        FileChange(layout.ACTIVATION_UNIT, socket_method.render_activation_unit().encode(), _TEXT),
        FileChange(layout.DROP_IN, socket_method.render_drop_in(python).encode(), _TEXT),
    ]
    due = {layout.CERTIFICATE: tls.certificate_is_due, layout.KEY: tls.key_is_due, layout.CA: tls.ca is None}
    changes = [change for change in wanted if _differs(observed, change, due=due.get(change.path, False))]
    changed_paths = {change.path for change in changes}
    if layout.DAEMON_JSON in changed_paths:
        changes.insert(0, _what_was(observed, merged))
    content_changed = changed_paths - {c.path for c in changes if _only_attributes(observed, c)}
    restart_socket = layout.SOCKET_UNIT in content_changed or not observed.socket_active
    return Plan(
        changes=tuple(changes),
        live_restore_first=_lacks_live_restore(observed) and (bool(content_changed) or restart_socket),
        live_restore=live_restore,
        restart=bool(content_changed) or restart_socket or not observed.service_active,
        restart_socket=restart_socket,
        folders_to_close=observed.loose_folders,
        diff=_diff(observed, changes),
    )


def plan_absent(observed: Observed, *, existing_folders: t.Collection[str]) -> Plan:
    """Plan to take everything away. C(existing_folders): those of ours that are there."""
    memory = observed.content(layout.WHAT_WAS)
    current = observed.content(layout.DAEMON_JSON)
    what_was = WhatWas.read(memory) if memory else WhatWas(None, (), "")
    final = what_was.undo(current) if memory else _without_our_keys(current)
    removals = [path for path in OUR_PATHS if path != layout.DAEMON_JSON and path in observed.files]
    changes = [FileChange(path, None, None) for path in removals]
    folders = [folder for folder in (layout.BUNDLE, layout.STATE) if folder in existing_folders]
    settle = None
    if final != current:
        attributes = observed.files[layout.DAEMON_JSON][1] if current is not None else _TEXT
        settle = FileChange(layout.DAEMON_JSON, final, None if final is None else attributes)
        changes.insert(0, settle)
    restart = bool(changes) or observed.socket_active
    return Plan(
        changes=tuple(changes),
        folders_to_remove=(*folders, *(f for f in reversed(what_was.folders) if f not in folders)),
        live_restore_first=restart and _lacks_live_restore(observed),
        live_restore=_can_live_restore(observed),
        restart=restart and observed.service_active,
        restart_socket=restart,
        settle=settle,
        diff=_diff(observed, changes),
    )


def _without_our_keys(current: bytes | None) -> bytes | None:
    """The memory of what was is lost: take out the TLS keys that are ours, leave the rest."""
    if current is None or parse(current.decode()).get("tlscacert") != layout.CA:
        return current
    # Nothing matches an empty digest, so only the keys go, and no file is taken for one of ours.
    reverted = WhatWas(None, (), "").undo(current)
    return b"{}\n" if reverted is None else reverted


def _what_was(observed: Observed, written: bytes) -> FileChange:
    """Remember the host as it was; on a later change, only what we wrote."""
    memory = observed.content(layout.WHAT_WAS)
    current = observed.content(layout.DAEMON_JSON)
    if memory is None:
        known = WhatWas.of(current, observed.missing_folders, written)
    else:
        earlier = WhatWas.read(memory)
        # The user's edits since then are part of what withdrawing has to leave behind.
        known = WhatWas.of(earlier.undo(current), earlier.folders, written)
    return FileChange(layout.WHAT_WAS, known.as_bytes(), Attributes(0o600))


def _guard_files() -> list[FileChange]:
    changes = []
    for path, source in _GUARD_FILES.items():
        content = pkgutil.get_data(__package__, source) if source else b""
        changes.append(FileChange(path, content or b"", _TEXT))
    return changes


def _differs(observed: Observed, change: FileChange, *, due: bool) -> bool:
    if due:
        return True
    if change.path not in observed.files:
        return True
    content, attributes = observed.files[change.path]
    return attributes != change.attributes or (change.content is not None and content != change.content)


def _only_attributes(observed: Observed, change: FileChange) -> bool:
    return change.content is not None and observed.content(change.path) == change.content


def _can_live_restore(observed: Observed) -> bool:
    """dockerd refuses to start with live-restore in swarm mode."""
    return observed.engine is None or not observed.engine.swarm


def _lacks_live_restore(observed: Observed) -> bool:
    engine = observed.engine
    return engine is not None and not engine.live_restore and not engine.swarm


def _diff(observed: Observed, changes: t.Sequence[FileChange]) -> tuple[dict[str, str], ...]:
    """Texts as they are; the guard's program by its digest; the bundle is the controller's to describe."""
    entries = []
    for change in changes:
        if change.path in _PEM_PATHS or change.path == layout.WHAT_WAS:
            continue
        before, after = observed.content(change.path), change.content
        if change.path.startswith(layout.GUARD):
            before, after = _digest(before), _digest(after)
        entries.append(
            {
                "before_header": change.path,
                "after_header": change.path,
                "before": (before or b"").decode(errors="replace"),
                "after": (after or b"").decode(errors="replace"),
            }
        )
    return tuple(entries)


def _digest(content: bytes | None) -> bytes | None:
    return None if content is None else f"sha256: {hashlib.sha256(content).hexdigest()}\n".encode()
