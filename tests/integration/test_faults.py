# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every step of an exposure and of a withdrawal fails once, and is the last one before a crash once; see faults/."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.integration.controller import ROOT
from tests.integration.test_methods import METHODS
from tests.lab.hosts import Host

#: Nothing of the host's lies there.
_CODE = "/opt/faults"
_PACKAGE = "ansible_collections/gangway/docker/plugins"
#: What has to hold at each of them: the port answers nobody without a certificate, dockerd answers on its unix socket,
#: containers run on. And the next run finds or puts everything as it was, or it is as asked.
HELD = ("safe", "up", "lived")


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("method", METHODS)
def test_a_fault_at_any_step_leaves_dockerd_as_it_was(
    host: Host, method: str, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put_code(host)
    ran = host.run(f"{python_on_host()} faults {method} {host.address} {state}", check=False)
    faults = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    with capsys.disabled():
        print(f"\n{table(host.flavour, method, state, faults)}")
    assert ran.returncode == 0, ran.stderr
    assert len(faults) > 10, "the runs that are broken off have more steps than that"
    assert [fault for fault in faults if not held(fault)] == []
    assert "FAILED" not in ran.stdout
    assert "LEAKED" not in ran.stdout


def table(flavour: str, method: str, state: str, faults: list[dict[str, object]]) -> str:
    verb = "exposed" if state == "present" else "withdrawn"
    lines = [f"{flavour}, method {method}, while it is {verb}: {len(faults)} faults"]
    for fault in faults:
        lost = "".join(f", NOT {what}" for what in HELD if not fault[what])
        lines.append(f"  {fault['mode']} {fault['step']:>2}  {fault['what']}: {fault['ended']}{lost}")
    return "\n".join(lines)


def held(fault: dict[str, object]) -> bool:
    return all(fault[what] for what in HELD) and fault["ended"] in ("as before", "as asked")


def python_on_host() -> str:
    """Return the words that run the program on the host."""
    return f"PYTHONPATH={_CODE} PYTHONDONTWRITEBYTECODE=1 python3 {_CODE}/on_host.py"


def put_code(host: Host) -> None:
    """Copy the collection's code for hosts, and the program that breaks it off, to the host."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in ("_dockerd", "_pki"):
            for path in sorted((ROOT / "plugins" / "module_utils" / folder).rglob("*.py")):
                tar.add(path, f"{_PACKAGE}/{path.relative_to(ROOT / 'plugins')}")
        tar.add(ROOT / "plugins" / "module_utils" / "_failure.py", f"{_PACKAGE}/module_utils/_failure.py")
        tar.add(Path(__file__).parent / "faults" / "on_host.py", "on_host.py")
    host.run(f"rm -rf {_CODE} && mkdir {_CODE}")
    client = host.engine.client()
    client.containers.get(host.name).put_archive(_CODE, archive.getvalue())
    client.close()
