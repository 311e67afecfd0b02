# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of dockerd's units, and which files define them."""

from __future__ import annotations

__all__ = ("Units", "environment_files", "programs", "show_units", "unit_files")

import os
import re
import typing as t
from types import MappingProxyType

from .._guard.slices import slices_above
from .._host.command import Run, parse_show
from .._shared import layout
from .files import Files

_UNITS = (
    layout.DOCKER_SERVICE,
    layout.DOCKER_SOCKET,
    layout.GANGWAY_SOCKET,
    layout.GANGWAY_SERVICE,
    layout.GATEWAY_SERVICE,
    layout.FIREWALL_SERVICE,
    layout.FIREWALL_WATCH_SERVICE,
    # The slices above our socket unit, as a rule: what they allow, IPAddressDeny= below them can't forbid.
    "-.slice",
    "system.slice",
)
_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "NeedDaemonReload",
    "MainPID",
    "ExecStartPre",
    "FragmentPath",
    "DropInPaths",
    "EnvironmentFiles",
    "TriggeredBy",
    "Listen",
    "IPAddressAllow",
    "IPAddressDeny",
    "Slice",
)
#: In the order of their precedence, systemd.unit(5).
_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_ENVIRONMENT_FILE = re.compile(r"(/.*?) \(ignore_errors=\w+\)")
_ENVIRONMENT_FILE_WRITTEN = re.compile(r"^\s*EnvironmentFile\s*=\s*-?(/[^\s%]+)\s*$", re.MULTILINE)
_EXEC_START = re.compile(r"^\s*ExecStart\s*=\s*[@:+!|-]*[\"']?(/[^\s\"']+)", re.MULTILINE)


class Units(t.NamedTuple):
    """The properties of each unit; C(error): what systemctl said instead."""

    shown: t.Mapping[str, t.Mapping[str, str]] = MappingProxyType({})
    error: t.Optional[str] = None

    def get(self, unit: str, name: str) -> str:
        return self.shown.get(unit, {}).get(name, "")


def show_units(run: Run) -> Units:
    """Ask once; a second time only about socket units of others that start dockerd, and unusual slices above ours."""
    units = _show(run, _UNITS)
    triggers = units.get(layout.DOCKER_SERVICE, "TriggeredBy").split()
    slices = slices_above(units.get(layout.GANGWAY_SOCKET, "Slice"))
    others = [unit for unit in (*triggers, *slices) if unit.endswith((".socket", ".slice")) and unit not in _UNITS]
    if units.error is not None or not others:
        return units
    more = _show(run, others)
    return Units({**units.shown, **more.shown}, more.error)


def _show(run: Run, units: t.Sequence[str]) -> Units:
    try:
        code, stdout, stderr = run(["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *units])
    except OSError as exc:
        return Units(error=str(exc))
    blocks = [parse_show(block) for block in stdout.split("\n\n") if block.strip()]
    if code != 0 or len(blocks) != len(units):
        return Units(error=(stderr or stdout).strip() or f"exit status {code}")
    return Units(dict(zip(units, blocks)))


def unit_files(files: Files, units: Units) -> dict[str, list[str]]:
    """Return by unit its fragment and then its drop-ins, with those that the next daemon-reload will find."""
    found = {}
    for unit, shown in units.shown.items():
        if not unit.endswith(".slice"):
            paths = [shown.get("FragmentPath", ""), *_drop_ins(files, unit, shown)]
            existing = [path for path in paths if path.startswith("/") and files.exists(path)]
            if existing:
                found[unit] = existing
    return found


def _drop_ins(files: Files, unit: str, shown: t.Mapping[str, str]) -> list[str]:
    """Return the drop-ins in the order of systemd.unit(5): by name, whatever their folders."""
    paths: dict[str, str] = {}
    for folder in _FOLDERS:
        for path in files.find(f"{folder}/{unit}.d/*.conf"):
            paths.setdefault(os.path.basename(path), path)
    for path in shown.get("DropInPaths", "").split():
        known = paths.get(os.path.basename(path), "")
        # systemd knows more folders (system.control, generator), and says which one wins.
        if not path.startswith(_FOLDERS) or not known:
            paths[os.path.basename(path)] = path
    return [paths[name] for name in sorted(paths)]


def environment_files(files: Files, units: Units, service_files: t.Iterable[str]) -> list[str]:
    """Return the paths in EnvironmentFile= of docker.service, patterns replaced, in the order of systemd."""
    paths = _ENVIRONMENT_FILE.findall(units.get(layout.DOCKER_SERVICE, "EnvironmentFiles"))
    for path in service_files:
        # What is written and not read yet.
        paths += _ENVIRONMENT_FILE_WRITTEN.findall(files.text(path))
    found: list[str] = []
    for path in paths:
        found += files.find(path) if any(sign in path for sign in "*?[") else [path]
    return list(dict.fromkeys(found))


def programs(files: Files, service_files: t.Iterable[str]) -> dict[str, bool]:
    """Return of each program in an ExecStart= whether it exists."""
    words = [word for path in service_files for word in _EXEC_START.findall(files.text(path))]
    return {word: files.exists(word) for word in dict.fromkeys(words)}
