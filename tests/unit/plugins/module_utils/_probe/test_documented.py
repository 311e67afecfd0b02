# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each state, finding and option of endpoint_info is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.gangway.docker.plugins.module_utils._probe.options import ENDPOINT_ARGUMENTS
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import STATES, WAITING_HELPS
from ansible_collections.gangway.docker.plugins.modules import endpoint_info

ROOT = Path(__file__).parents[5]
PAGE = (ROOT / "docs" / "endpoints.md").read_text(encoding="utf-8")
_FINDING = re.compile(r'Finding\(\s*"(\w+)", (?:"(\w+)"|severity), (?:"([\d.]+)"|(\w+)),')


def _rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]


def test_states() -> None:
    documented = {state: row[-1] for row in _rows("States") for state in re.findall(r"`(\w+)`", row[0])}
    assert {state for state in documented if state != "state"} == set(STATES)
    assert {state for state, waiting in documented.items() if waiting == "yes"} == WAITING_HELPS
    text = " ".join(yaml.safe_load(endpoint_info.RETURN)["state"]["description"])
    assert set(re.findall(r"(?<!R)V\((\w+)\)", text)) == set(STATES)
    waits = " ".join(yaml.safe_load(endpoint_info.DOCUMENTATION)["options"]["wait"]["description"])
    assert set(re.findall(r"V\(([a-z_]+)\)", waits)) == WAITING_HELPS


def test_findings() -> None:
    """Key, severity where there is one only, and CIS item."""
    folder = ROOT / "plugins" / "module_utils" / "_probe" / "findings"
    found = {}
    for path in folder.glob("*.py"):
        for key, severity, item, name in _FINDING.findall(path.read_text(encoding="utf-8")):
            found[key] = (severity, item or ("2.7" if name == "_TLS_ITEM" else ""))
    documented = {row[0].strip("`"): (row[1], row[2]) for row in _rows("Findings") if row[0] != "`key`"}
    assert set(found) == set(documented)
    for key, (severity, item) in found.items():
        assert documented[key][1] == item, key
        assert not severity or documented[key][0] == severity, key


@pytest.mark.parametrize("name", sorted(ENDPOINT_ARGUMENTS))
def test_options(name: str) -> None:
    option = yaml.safe_load(endpoint_info.DOCUMENTATION)["options"][name]
    argument = ENDPOINT_ARGUMENTS[name]
    assert option["type"] == argument["type"]
    assert option.get("default") == argument.get("default")
    assert option.get("aliases", []) == argument.get("aliases", [])
