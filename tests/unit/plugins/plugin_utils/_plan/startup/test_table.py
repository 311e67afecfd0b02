# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parser does what systemd does; tests/integration/test_startup_table.py asks systemd itself."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.command_line import read_startup
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.findings import find
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.socket_streams import streams
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.sources import Source
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.startup.startup import startup_of

_UNITS = "/etc/systemd/system"
_CASES: dict[str, list[dict[str, t.Any]]] = yaml.safe_load(Path(__file__).with_name("cases.yml").read_text())


def _ids(kind: str) -> list[t.Any]:
    return [pytest.param(case, id=case["name"]) for case in _CASES[kind]]


def _filled(value: t.Any) -> t.Any:
    if isinstance(value, list):
        return [_filled(part) for part in value]
    return value.replace("DOCKERD", "/usr/bin/dockerd").replace("ENV", "/etc/default").replace("UNIT", "docker")


def _sources(case: dict[str, t.Any]) -> list[Source]:
    drop_ins = enumerate(case.get("drop_ins", []))
    return [
        Source(f"{_UNITS}/docker.service", _filled(case["unit"]), "unit"),
        *(Source(f"{_UNITS}/docker.service.d/{i}.conf", _filled(text), "drop_in") for i, text in drop_ins),
        *(Source(f"/etc/default/{name}", text, "options") for name, text in case.get("environment", {}).items()),
    ]


@pytest.mark.parametrize("case", _ids("services"))
def test_a_service_is_read_as_systemd_reads_it(case: dict[str, t.Any]) -> None:
    sources = _sources(case)
    reading = read_startup(sources)
    if case["argv"] is None:
        assert reading.doubts or len(reading.command_lines) != 1
    else:
        assert [line.argv for line in reading.command_lines] == [["/usr/bin/dockerd", *_filled(case["argv"])]]
    found = find(sources)
    assert [finding.address for finding in found if finding.address] == case["tcp"]
    assert set(case["tcp"]) <= set(startup_of(sources).flags.hosts) or case["argv"] is None


@pytest.mark.parametrize("case", _ids("sockets"))
def test_a_socket_is_read_as_systemd_reads_it(case: dict[str, t.Any]) -> None:
    folder = f"{_UNITS}/docker.socket.d"
    paths = [f"{_UNITS}/docker.socket", *(f"{folder}/{index}.conf" for index in range(1, len(case["units"])))]
    sources = [Source(path, _filled(text), "socket") for path, text in zip(paths, case["units"])]
    assert [finding.address for finding in find(sources)] == case["tcp"]
    known = [
        stream.value for stream in streams(sources) if stream.is_tcp or stream.value.startswith(("/", "@", "vsock:"))
    ]
    assert len(known) == sum("(Stream)" in listen for listen in case["listen"])
