# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task and an observation to a plan. Pure; a refusal is a M(Failure)."""

from __future__ import annotations

__all__ = ("Decision", "decide", "must_close", "plan_for")

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .desired import Desired, Gateway, ServerFiles
from .exposure import plan_exposure
from .files.originals import Originals
from .files.shared_files import read_originals
from .firewalls.choice import boot_units, checks, firewall_of, unsuitable
from .firewalls.firewall import Access, Firewall
from .firewalls.gate import choose_gate
from .firewalls.reading import facts_of
from .host.observation import Observation
from .host.observed import Observed, understand
from .listener.addresses import check_plain_tcp
from .listener.listener import Listener
from .listener.resolution import allow_of, interfaces_in, listen_of
from .methods.choice import choose_method
from .methods.method import Method
from .plan import Plan
from .refusals.engine_socket import check_engine_answers, check_socket, serves_other_engine
from .refusals.existing_listener import Adoption, adopt_listener
from .refusals.exposure import check_exec_start, check_guard, check_strangers_refused
from .refusals.gateway import check_gateway, check_rights
from .refusals.host import (
    check_addresses,
    check_answers,
    check_daemon,
    check_daemon_json,
    check_installed,
    check_swarm,
    check_systemd,
    check_writable,
)
from .refusals.own_units import check_guard_is_last, check_own_units
from .task import Task

#: A port that is open while one of these is found has to be closed.
_NOT_IN_FORCE = (
    "exec_start_overridden",
    "filtering_unsupported",
    "guard_overridden",
    "port_open",
    "unit_changed_by_others",
)


@dataclass(frozen=True)
class Decision:
    """How a host will be exposed, certificates aside."""

    #: As it is; C(adoption) has it without the listener of others.
    observed: Observed
    adoption: Adoption
    originals: Originals
    method: Method
    firewall: Firewall
    listener: Listener
    #: The names in listen that are network interfaces.
    interfaces: list[str]
    #: None: dockerd itself takes the connections.
    gateway: Gateway | None = None


def decide(task: Task, observation: Observation) -> Decision:
    """Choose method, firewall and addresses, or refuse what no plan can do."""
    check_systemd(observation)
    check_socket(task, observation)
    observed, originals, adoption = _judge_dockerd(task, observation)
    method = choose_method(adoption.observed, task.method, originals.method)
    gateway = None
    if method.name == "gateway":
        gateway = check_gateway(observation, task, originals, adoption)
    else:
        check_rights(task.clients, method.name)
    firewall, facts = firewall_of(task.firewall, method.name), facts_of(observed)
    gate = choose_gate(facts, method=method.name, firewall=firewall.name)
    access = Access(listen_of(task.listen, observation, task.port), allow_of(task.allow, observation))
    listener = Listener(
        listen=tuple(access.listen),
        allow=tuple(access.allow),
        python=observation.python,
        tls=task.tls,
        firewall=firewall.name,
        gate=gate,
        checks=checks(facts, firewall, access, underneath=gate == "nftables"),
        boot_units=boot_units(firewall, underneath=gate == "nftables"),
    )
    if not task.tls:
        check_plain_tcp(task.insecure, listener.allow)
        _check_has_firewall(firewall)
    reason = unsuitable(facts, firewall, access, method=method.name, underneath=gate == "nftables")
    if reason is not None:
        raise reason
    interfaces = interfaces_in(task.listen, observation)
    return Decision(observed, adoption, originals, method, firewall, listener, interfaces, gateway)


def _judge_dockerd(task: Task, observation: Observation) -> tuple[Observed, Originals, Adoption]:
    """Refuse a dockerd that no method gets along with; there need be none if another engine is served."""
    if not serves_other_engine(task, observation):
        check_installed(observation)
        observed = understand(observation)
    else:
        observed = understand(observation)
        originals = read_originals(observed)
        if originals.method in ("", "gateway"):
            return observed, originals, Adoption(observed)
    check_daemon_json(observed)
    originals = read_originals(observed)
    adoption = adopt_listener(observed, originals, allowed=task.adopt)
    check_daemon(adoption.observed)
    return observed, originals, adoption


def plan_for(task: Task, decision: Decision, server_files: ServerFiles | None) -> Plan:
    """Plan the exposure, or refuse what this plan would break."""
    observed, originals, listener = decision.adoption.observed, decision.originals, decision.listener
    desired = Desired(
        listener=listener,
        method=decision.method,
        firewall=decision.firewall,
        server_files=server_files,
        live_restore=task.live_restore,
        adopted=decision.adoption.texts,
        sockets_to_restart=decision.adoption.sockets,
        gateway=decision.gateway,
    )
    if decision.gateway is not None:
        # Importing what most runs do not use takes as long as planning for many hosts.
        from .gateway.plan import plan_gateway

        plan = plan_gateway(observed, desired, decision.gateway, originals)
    else:
        plan = plan_exposure(observed, desired, originals)
    if plan.restarted:
        check_answers(observed)
        check_swarm(observed, allow_downtime=task.allow_downtime)
    if plan.changed:
        check_writable(observed)
        if decision.gateway is not None:
            check_engine_answers(decision.gateway)
    _check_in_force(decision, plan)
    if plan.restarted or (plan.changed and decision.gateway is not None):
        check_addresses(observed, listener.listen, _own_ports(observed, originals) | decision.adoption.ports)
    return plan


def must_close(failure: Failure, observation: Observation) -> bool:
    """Whether the port has to be closed because of this refusal: what protects it is not in force."""
    if failure.key == "filtering_unsupported" and observation.filtering is None:
        # Nobody could try it: no verdict.
        return False
    return failure.key in _NOT_IN_FORCE


def _check_in_force(decision: Decision, plan: Plan) -> None:
    observed, originals, listener = decision.observed, decision.originals, decision.listener
    check_own_units(observed)
    check_guard_is_last(observed)
    if listener.tls and originals.is_tls:
        if decision.gateway is None:
            check_guard(observed)
        if originals.method and not plan.restarted:
            # The port stays as it is.
            check_strangers_refused(observed, listener.listen)
    check_exec_start(observed)


def _check_has_firewall(firewall: Firewall) -> None:
    """Refuse plain TCP that nothing protects. Failure: C(insecure_everyone)."""
    if firewall.name == "none":
        raise Failure(
            "insecure_everyone",
            thing="firewall none",
            reason="nothing would keep anyone from the port, and without TLS that gives everyone root on the host",
            cure="Choose a firewall (expose_firewall in the role), or leave TLS on",
        )


def _own_ports(observed: Observed, originals: Originals) -> set[int]:
    """Return the ports that dockerd, or systemd for it, holds through us."""
    listen = observed.observation.unit(layout.GANGWAY_SOCKET).get("Listen", "")
    # The socket unit as systemd has it: its file may be gone.
    ports = {int(port) for port in re.findall(r":(\d{1,5}) \(Stream\)", listen)}
    # With method daemon_json, also if the originals are lost.
    shared = [layout.DAEMON_JSON] if originals.method else []
    for path in (layout.SOCKET_UNIT, layout.LISTENER_FLAGS, layout.FLAGS_WRAPPER, *shared, *originals.files):
        words: t.Iterable[str] = (observed.content(path) or b"").decode(errors="replace").replace('"', " ").split()
        for word in words:
            port = word.rstrip(",").rpartition(":")[2].rpartition("=")[2]
            if port.isdigit() and ("ListenStream=" in word or "tcp://" in word):
                ports.add(int(port))
    return ports
