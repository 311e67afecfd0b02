# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning on the controller: many recorded observations in one process.

C(python -m tests.bench.planning COUNT), with the collection on PYTHONPATH; prints JSON.
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.plugin_utils._plan.decision import decide, plan_for
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import ServerFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import Listen
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.task import Task

_TASK = Task(listen=(Listen("any", 2376),), allow=("10.20.0.0/24",), adopt=True)
_SERVER = ServerFiles(ca=b"the CA\n", certificate=b"the certificate\n", key_secret="server_key", key_is_new=True)
#: Each is what one host answered: the value that gangway.docker.dockerd_info returns as C(observation), as JSON.
RECORDED = Path(__file__).parent / "observations"


def plan(name: str, observation: t.Mapping[str, t.Any]) -> None:
    """Plan a first exposure of this host, from what the host answered on.

    Parses, decides and renders what the host is sent, as the action plugin does it.
    """
    decision = decide(_TASK, parse_observation(observation))
    plan = plan_for(_TASK, decision, _SERVER)
    if not plan.order({"server_key": name}) or not plan.actions():
        raise RuntimeError(f"there is nothing to do on {name}")


def main(count: int) -> None:
    recorded = [path.read_text() for path in sorted(RECORDED.glob("*.json"))]
    if not recorded:
        print(json.dumps(None))
        return
    # Parsed again for each host, as each host's answer is, so that nothing is remembered of another one.
    observations = [json.loads(text) for text in itertools.islice(itertools.cycle(recorded), count)]
    before = _cpu()
    for number, observation in enumerate(observations):
        plan(f"host-{number}", observation)
    print(json.dumps({"cpu": _cpu() - before, "recorded": len(recorded)}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]))
