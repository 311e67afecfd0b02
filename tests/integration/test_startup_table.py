# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How systemd starts a service: the table against which the unit tests check the parser holds for systemd itself."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.lab.hosts import Host

_TABLE = Path(__file__).parents[1] / "unit/plugins/plugin_utils/_plan/startup/cases.yml"
_CASES: dict[str, list[dict[str, t.Any]]] = yaml.safe_load(_TABLE.read_text())
_FOLDER = "/opt/gangway-startup"
_UNITS = "/run/systemd/system"
#: Prints its arguments, each with a zero byte behind it, after a first word that says that it ran.
_DOCKERD = "#!/bin/sh\nprintf 'ran\\0'\nfor word; do printf '%s\\0' \"$word\"; done\n"
#: Runs all services to their end and prints as JSON what systemd gave each, and what each socket listens on.
_REPORT = f"""
import glob, json, os, subprocess
def systemctl(*words):
    return subprocess.run(["systemctl", *words], capture_output=True, text=True).stdout
systemctl("daemon-reload")
names = [os.path.basename(path) for path in glob.glob("{_UNITS}/gangway-startup-*")]
services = [name for name in names if name.endswith(".service")]
for service in services:
    systemctl("start", "--no-block", service)
while any(state in ("active", "activating") for state in systemctl("is-active", *services).split()):
    pass
found = {{}}
for service in services:
    try:
        with open("{_FOLDER}/" + service + ".out", "rb") as stream:
            found[service] = [os.fsdecode(word) for word in stream.read().split(b"\\0")[:-1]]
    except FileNotFoundError:
        found[service] = None
for socket in names:
    if socket.endswith(".socket"):
        found[socket] = systemctl("show", "--property=Listen", "--value", socket).splitlines()
version = int(systemctl("--version").split()[1])
print(json.dumps([version, found]))
"""
_REMOVE = f"rm -rf {_FOLDER} {_UNITS}/gangway-startup-*; systemctl daemon-reload; systemctl reset-failed"


def _filled(value: t.Any, name: str) -> t.Any:
    if isinstance(value, list):
        return [_filled(part, name) for part in value]
    text: str = value
    return text.replace("DOCKERD", f"{_FOLDER}/dockerd").replace("ENV", f"{_FOLDER}/{name}").replace("UNIT", name)


def _files() -> dict[str, str]:
    files = {f"{_FOLDER}/dockerd": _DOCKERD, f"{_FOLDER}/report.py": _REPORT}
    for index, case in enumerate(_CASES["services"]):
        name = f"gangway-startup-{index}"
        output = f"[Service]\nType=exec\nStandardOutput=file:{_FOLDER}/{name}.service.out\n"
        drop_ins = [*case.get("drop_ins", []), output]
        files[f"{_UNITS}/{name}.service"] = _filled(case["unit"], name)
        for number, text in enumerate(drop_ins):
            files[f"{_UNITS}/{name}.service.d/{number}.conf"] = _filled(text, name)
        for environment, text in case.get("environment", {}).items():
            files[f"{_FOLDER}/{name}/{environment}"] = text
    for index, case in enumerate(_CASES["sockets"]):
        name = f"gangway-startup-{index}"
        for number, text in enumerate(case["units"]):
            path = f"{name}.socket.d/{number}.conf" if number else f"{name}.socket"
            files[f"{_UNITS}/{path}"] = _filled(text, name)
    return files


def _unpacked(files: t.Mapping[str, str]) -> str:
    """Return the shell command that makes these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path[1:])
            entry.size, entry.mode = len(text.encode()), 0o755
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"echo {base64.b64encode(packed.getvalue()).decode()} | base64 -d | tar -xz -C /"


@pytest.fixture
def found(host: Host) -> t.Iterator[tuple[int, dict[str, list[str] | None]]]:
    """systemd's version; then by unit, what a service got as arguments and what a socket listens on."""
    host.run(_unpacked(_files()))
    version, units = json.loads(host.run(f"python3 {_FOLDER}/report.py").stdout)
    yield version, units
    host.run(_REMOVE)


def test_systemd_does_what_the_table_says(found: tuple[int, dict[str, list[str] | None]]) -> None:
    version, units = found
    differences = []
    for index, case in enumerate(_CASES["services"]):
        name = f"gangway-startup-{index}"
        expected = None if case["argv"] is None else ["ran", *_filled(case["argv"], name)]
        if version >= case.get("since", 0) and units[f"{name}.service"] != expected:
            differences.append((case["name"], units[f"{name}.service"], expected))
    for index, case in enumerate(_CASES["sockets"]):
        name = f"gangway-startup-{index}"
        listening, expected = units[f"{name}.socket"], _filled(case["listen"], name)
        if version >= case.get("since", 0) and listening != expected:
            differences.append((case["name"], listening, expected))
    assert not differences
