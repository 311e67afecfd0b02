# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every step of an exposure's and a withdrawal's plan fails once, and the run is killed at it once; see faults/."""

from __future__ import annotations

import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest

from tests.integration.controller import ROOT
from tests.integration.test_methods import METHODS
from tests.lab.hosts import Host

#: Nothing of the host's lies there.
_CODE = "/opt/faults"
_PACKAGE = "ansible_collections/gangway/docker/plugins"
_FOLDERS = (
    *(f"module_utils/{folder}" for folder in ("_shared", "_guard", "_host", "_observe", "_run")),
    *(f"plugin_utils/{folder}" for folder in ("_plan", "_options", "_pki")),
)
#: What has to hold at each of them: the port answers nobody without a certificate, dockerd answers on its unix socket,
#: containers run on.
HELD = ("safe", "up", "lived")
#: Seconds in which a killed run is rolled back by the host itself.
LIMIT = 60
#: Without --soak, one table on one engine: a table takes minutes, and most steps are in all of them.
_DUE = {("socket", "present"): pytest.mark.flavours("trixie")}

#: If removing one of them fails when a listener is taken away, the run goes on: folders, rules of the firewall, flags
#: that nothing reads any more.
_MAY_STAY = (
    "/etc/docker/gangway",
    "/etc/systemd/system/docker.service.d",
    "/etc/systemd/system/docker.socket.d",
    "/var/lib/gangway-docker",
    "/run/gangway-docker-listener",
    "docker-gangway-firewall",
    "rules",
)

Line = t.Dict[str, t.Any]


@pytest.mark.parametrize(
    ("method", "state"),
    [
        pytest.param(method, state, marks=_DUE.get((method, state), pytest.mark.soak))
        for method in METHODS
        for state in ("present", "absent")
    ],
)
def test_a_fault_at_any_step_leaves_dockerd_as_it_was(
    host: Host, method: str, state: str, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    put_code(host)
    extent = "all" if request.config.getoption("--soak") else "some"
    ran = host.run(f"{python_on_host()} faults {method} {host.address} {state} {extent}", check=False)
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    plan: list[str] = next((line["plan"] for line in lines if "plan" in line), [])
    faults = [line for line in lines if "mode" in line]
    with capsys.disabled():
        print(f"\n{table(f'{host.flavour}, method {method}, {state}', plan, lines)}")
    assert ran.returncode == 0, ran.stderr
    assert [fault for fault in faults if not held(fault)] == []
    met = {
        mode: {line["step"] for line in faults if line["mode"] == mode and line["what"]} for mode in ("fail", "kill")
    }
    alike = {line["step"]: line["like"] for line in lines if "like" in line}
    for mode, steps in met.items():
        left_out = [words for index, words in enumerate(plan) if alike.get(index, index) not in steps]
        assert left_out == [], f"no {mode} at these steps of the plan"
    assert plan


def held(fault: Line) -> bool:
    """Whether a fault left the host as before, or as asked if the run can do without the step or had committed."""
    if not all(fault[what] for what in HELD):
        return False
    if fault["mode"] == "kill":
        return not fault["but"] and fault["seconds"] < LIMIT and not (fault["report"] or {}).get("failed")
    if fault["end"] == "done":
        # What can't be removed stays: there is no way back any more. It opens nothing.
        return fault["ended"] == "as asked" and all(name.startswith(_MAY_STAY) for name in fault["but"])
    return fault["ended"] == "as before" and not fault["but"] and " " not in fault["end"]


def table(title: str, plan: t.Sequence[str], lines: t.Sequence[Line]) -> str:
    faults = [line for line in lines if "mode" in line]
    kills = [fault["seconds"] for fault in faults if fault["mode"] == "kill"]
    rows = [
        f"{title}: {len(plan)} steps; {len(faults) - len(kills)} failed, {len(kills)} killed, "
        f"back after at most {max(kills, default=0):.1f} s"
    ]
    for line in lines:
        if "plan" in line:
            continue
        step = line["step"]
        name = f"{step} {plan[step]}" if isinstance(step, int) else step
        if "like" in line:
            rows.append(f"  {name}: like {line['like']}")
            continue
        lost = "".join(f", NOT {what}" for what in HELD if not line[what])
        took = f" after {line['seconds']:.1f} s" if line["mode"] == "kill" else f" ({line['end']})"
        failed = (line["report"] or {}).get("failed")
        told = (f", {failed}" if failed else "") + (f", but {line['but']}" if line["but"] else "")
        rows.append(f"  {line['mode']}  {name} | {line['what']}: {line['ended']}{took}{lost}{told}")
    return "\n".join(rows)


def python_on_host() -> str:
    """Return the words that run the program on the host."""
    return f"PYTHONPATH={_CODE} PYTHONDONTWRITEBYTECODE=1 python3 {_CODE}/on_host.py"


def put_code(host: Host) -> None:
    """Copy the collection's code for observing, planning and running, and the program with the faults, to the host."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for folder in _FOLDERS:
            for path in sorted((ROOT / "plugins" / folder).rglob("*.py")):
                tar.add(path, f"{_PACKAGE}/{path.relative_to(ROOT / 'plugins')}")
        for name in ("on_host.py", "injection.py"):
            tar.add(Path(__file__).parent / "faults" / name, name)
    host.run(f"rm -rf {_CODE} && mkdir {_CODE}")
    client = host.engine.client()
    client.containers.get(host.name).put_archive(_CODE, archive.getvalue())
    client.close()
