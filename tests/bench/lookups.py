# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What further lookups cost in a play, beside those of ansible.builtin.env.

C(python -m tests.bench.lookups COUNT), with the collection on PYTHONPATH; prints JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, write_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.ensure import ensure_bundles
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.freshness import fingerprint, not_after_of

_OURS = "lookup('gangway.docker.docker_host', 'web1')"
_THEIRS = "lookup('ansible.builtin.env', 'HOME')"


def make_endpoint(fleets_dir: str) -> None:
    """Make a fleet with a client, and the record of a host, web1, whose certificate is in it."""
    fleet = Fleet(fleets_dir, "default")
    ensure_bundles(fleet, ["admin"], [])
    pem = (fleet.client_folder("admin") / "cert.pem").read_text()
    authority = fleet.required_authority()
    record = EndpointRecord(
        name="web1",
        url="tcp://10.0.0.5:2376",
        fleet="default",
        client="admin",
        server_names=["web1", "10.0.0.5"],
        not_after=not_after_of(authority.certificate),
        fingerprint=fingerprint(authority.certificate),
        certificate=pem,
        issuer=fingerprint(authority.certificate),
        trust=None,
        listen=["10.0.0.5:2376"],
        allow=["10.0.0.0/24"],
        method="socket",
        key_origin="host",
        engine_version=None,
        verified=True,
        refused=[],
    )
    write_record(fleet.endpoints_folder, record)


def run_play(folder: Path, expression: str, count: int) -> tuple[float, float]:
    """Run a play with so many lookups in one task; return seconds of CPU and of wall time."""
    # Only its length, so that what Ansible does with the result is the same for both.
    task = {
        "ansible.builtin.debug": {"msg": f"{{{{ {expression} | length }}}}"},
        "loop": f"{{{{ range({count}) | list }}}}",
    }
    variables = {"expose_fleets_dir": str(folder / "fleets")}
    play: dict[str, t.Any] = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [task]}
    playbook = folder / "site.yml"
    playbook.write_text(json.dumps([play]))
    cpu, wall = _cpu(), time.monotonic()
    command = ["ansible-playbook", "--inventory=localhost,", "--connection=local", str(playbook)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return _cpu() - cpu, time.monotonic() - wall


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_endpoint(str(folder / "fleets"))
        further = {}
        for kind, expression in (("ours", _OURS), ("env", _THEIRS)):
            one, many = (run_play(folder, expression, lookups) for lookups in (1, count + 1))
            further[kind] = [b - a for a, b in zip(one, many)]
    print(json.dumps({kind: {"cpu": cpu, "wall": wall} for kind, (cpu, wall) in further.items()}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]))
