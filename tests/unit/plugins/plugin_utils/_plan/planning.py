# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for hosts, made as the action plugin makes them: from what the host reports to what it is sent."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.plan_data import step_from_data
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import (
    Remove,
    Settle,
    StartUnit,
    Step,
    StopUnit,
    Write,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import Client
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.decision import Decision, decide, plan_for
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.desired import RevocationLists, ServerFiles
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.files.shared_files import read_originals
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.observed import Observed, understand
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.host.parsing import parse_observation
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.listener.addresses import parse_allow, parse_listen
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.plan import Plan
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.refusals.withdrawal import check_withdrawal
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.task import Task
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.withdrawal import plan_closing, plan_withdrawal

from .hosts import Host
from .starts import do

LISTEN = ("10.20.0.5:2376", "any:2377")
ALLOW = ("10.20.0.0/24",)
KEY = "PRIVATE"
SECRETS = {"server_key": KEY}
LISTS = b"the lists\n"
SERVER = ServerFiles(ca=b"the CA\n", certificate=b"the certificate\n", of_fleet=True, trust=b"the trust\n")


def task_of(*, listen: t.Sequence[str] = LISTEN, allow: t.Sequence[str] = ALLOW, **options: t.Any) -> Task:
    """Return a task, as its options are parsed."""
    return Task(listen=tuple(map(parse_listen, listen)), allow=parse_allow(allow), **options)


def observed_of(host: Host) -> Observed:
    return understand(parse_observation(host.observation()))


def decision_of(host: Host, task: Task) -> Decision:
    return decide(task, parse_observation(host.observation()))


def expose(
    host: Host,
    method: str = "auto",
    *,
    tls: bool = True,
    firewall: str = "none",
    server: ServerFiles | None = None,
    **options: t.Any,
) -> Plan:
    """Return the plan that exposes the host. The key comes from the controller, unless C(server) says otherwise."""
    options.setdefault("clients", (Client("admin"),))
    task = task_of(method=method, tls=tls, firewall=firewall, insecure=not tls, **options)
    if tls and server is None:
        kept = host.files.get(layout.KEY)
        is_new = kept is None or hashlib.sha256(kept.content).digest() != hashlib.sha256(KEY.encode()).digest()
        lists = RevocationLists(LISTS) if method == "gateway" else None
        server = dataclasses.replace(
            SERVER, key_secret="server_key" if is_new else None, key_is_new=is_new, revocation_lists=lists
        )
    return plan_for(task, decision_of(host, task), server)


def withdraw(host: Host, *, check: bool = True) -> Plan:
    """Return the plan that takes the listener away; C(check): unless it is refused."""
    observed = observed_of(host)
    originals = read_originals(observed)
    plan = plan_withdrawal(observed, originals)
    if check:
        check_withdrawal(observed, originals, plan, allow_downtime=False)
    return plan


def close(host: Host) -> Plan:
    """Return the plan that closes the port."""
    observed = observed_of(host)
    return plan_closing(observed, read_originals(observed))


def steps_of(plan: Plan) -> list[Step]:
    """Return the steps as the host reads them."""
    return [step_from_data(data) for data in json.loads(plan.order(SECRETS))["steps"]]


def after(host: Host, plan: Plan) -> Host:
    """Return the host once the plan has been carried out."""
    changed = host.copy()
    for step in steps_of(plan):
        do(changed, step, SECRETS)
    return changed


def exposed_by(host: Host, method: str = "auto", **options: t.Any) -> Host:
    return after(host, expose(host, method, **options))


def paths_of(plan: Plan) -> list[str]:
    """Return the files that change, in order; a file on the way to another text only once."""
    return [
        step.path
        for step in plan.steps
        if (isinstance(step, Write) and not step.interim) or isinstance(step, (Remove, Settle))
    ]


def step_for(plan: Plan, path: str) -> Write:
    """Return the last step that writes the file."""
    return [step for step in plan.steps if isinstance(step, Write) and step.path == path][-1]


def restarts_socket(plan: Plan) -> bool:
    """Whether our socket unit is stopped for the restart, or started with it."""
    return any(step in plan.steps for step in (StopUnit(layout.GANGWAY_SOCKET), StartUnit(layout.GANGWAY_SOCKET)))
