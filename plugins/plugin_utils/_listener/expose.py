# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exposing a daemon, with mutual TLS or as plain TCP."""

from __future__ import annotations

__all__ = ("about_plain_tcp", "expose")

import dataclasses
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.host_context import HostContext
from .._endpoint.host_trust import HostTrust, diff_of_trust
from .._endpoint.ownership import Evidence, check_new_authority, check_owner
from .._endpoint.record import EndpointRecord, read_record
from .._fleet.ensure import ensure_bundles
from .._fleet.fleet import Fleet
from .._identity.facts import diff_of_identity, warnings_about_identity
from .._identity.other_hosts import OtherHosts
from .._identity.server_identity import ServerIdentity
from .._plan.decision import Decision, decide, plan_for
from .._plan.desired import RevocationLists, ServerFiles
from .._plan.host.observation import Observation
from .._plan.listener.resolution import names_to_resolve
from .._plan.plan import Plan
from .._plan.refusals.host import check_key_can_be_made
from .._plan.task import Task
from .clients import about_clients
from .host_clock import HostClock
from .listening import advertised_url, host_names
from .play_hosts import PlayHosts
from .publication import publish, publish_plain
from .recorded import recordable_options
from .run import Run


class Exposure:
    """Holds what an exposure's attempts share."""

    def __init__(
        self,
        run: Run,
        fleet: Fleet,
        task: Task,
        args: t.Mapping[str, t.Any],
        *,
        identity: ServerIdentity | None,
        record: EndpointRecord | None,
        clock: HostClock,
        others: OtherHosts,
        hosts: PlayHosts,
        context: HostContext,
        written: t.Collection[str] = (),
    ) -> None:
        """C(written): the names for the certificate that the user wrote; all others come from the host."""
        self.run = run
        self.fleet = fleet
        self.task = task
        self.args = args
        self.identity = identity
        self.record = record
        self.clock = clock
        self.others = others
        self.written = written
        self.hosts = hosts
        self.context = context
        #: Diff entries of an authority and clients that are made here.
        self.begun: list[dict[str, str]] = []

    def attempt(self) -> tuple[Decision, Plan, Observation] | None:
        """Observe, plan and run; None: the host changed meanwhile, or has to make a key first."""
        observation = self.run.observe(self._params())
        try:
            planned = self._plan(observation)
        except Failure as exc:
            self.run.close_if_needed(exc, observation)
            self.run.drop_key(observation)
            raise
        if planned is None:
            return None
        decision, plan = planned
        secrets = {} if self.identity is None else self.identity.secrets()
        return (decision, plan, observation) if self.run.carry_out(plan, observation, secrets) else None

    def _params(self) -> dict[str, t.Any]:
        """Return what the host is asked for."""
        listen, names = self.task.listen, names_to_resolve(self.task.listen)
        params: dict[str, t.Any] = {
            "resolve": names,
            "ports": sorted({entry.port for entry in listen}),
            "firewall": self.task.firewall,
            "filtering": self.task.may_need_filtering,
        }
        if self.task.method in ("auto", "gateway"):
            params["socket"] = self.task.socket
        key = None if self.identity is None else self.identity.key_request(self.record)
        return params if key is None else {**params, "key": key}

    def _plan(self, observation: Observation) -> tuple[Decision, Plan] | None:
        # Another run may have changed both the fleet and this host.
        self.fleet.reread()
        provided = self.identity is not None and self.identity.provided is not None
        if not self.args["replace_controller"] and not provided:
            shown = observation.content(layout.CERTIFICATE), observation.content(layout.TRUST)
            evidence = Evidence(self.run.host, self.hosts.address, *shown, self.record)
            check_owner(self.fleet, evidence, accept_older_trust=self.args["accept_older_trust"])
        decision = decide(self.task, observation)
        if self.identity is None:
            return decision, plan_for(self.task, decision, None)
        identity = self.identity
        identity.listen_names = host_names(self.task.listen, decision.interfaces)
        identity.addresses = tuple(e.host for e in decision.listener.listen if not e.is_wildcard)
        if not provided:
            self.others.check(self.written, [name for name in identity.all_names if name not in self.written])
            if identity.lacks_authority:
                self._begin_fleet(decision)
            # Here, or by the task for another host meanwhile.
            identity.prepare()
        identity.judge(observation, self.record)
        if identity.reasons:
            self.clock.check(self.fleet.settings.validity)
        if identity.reasons and identity.key_origin == "host":
            identity.certificate = identity.chain = None
            if identity.needs_new_key:
                check_key_can_be_made(decision.observed)
            # What refuses this exposure shows before anything is signed.
            plan_for(self.task, decision, self._server_files(identity, observation, decision))
            if not self.run.check_mode:
                if identity.needs_csr(observation) or identity.needs_new_key:
                    return None
                identity.sign(observation)
            else:
                identity.check_signer()
        return decision, plan_for(self.task, decision, self._server_files(identity, observation, decision))

    def _server_files(self, identity: ServerIdentity, observation: Observation, decision: Decision) -> ServerFiles:
        """Return the host's bundle, and what the host is to remember of it."""
        authority, files = self.fleet.authority(), identity.server_files(observation)
        if decision.gateway is not None:
            # Most hosts have another method.
            from .gateway import files_of_gateway

            files = files_of_gateway(self.fleet, identity, observation, files)
        if identity.provided is not None:
            return files
        trust = None if authority is None else HostTrust.of(self.fleet, authority).as_bytes()
        return dataclasses.replace(files, of_fleet=True, trust=trust)

    @staticmethod
    def _files_of_new_fleet(decision: Decision) -> ServerFiles:
        lists = None if decision.gateway is None else RevocationLists(None)
        return ServerFiles(None, None, key_is_new=True, of_fleet=True, revocation_lists=lists)

    def _begin_fleet(self, decision: Decision) -> None:
        """Make the authority and its clients, now that this host is known to be nobody else's."""
        if not self.args["replace_controller"]:
            check_new_authority(self.fleet, self.hosts.addresses(self.fleet.name))
        # What refuses this exposure shows before anything is made.
        plan_for(self.task, decision, self._files_of_new_fleet(decision))
        made = ensure_bundles(self.fleet, self.task.clients if self.args["clients"] else (), [])
        # Check mode makes it for no host, so it is shown for one of them.
        if not self.run.check_mode or self.hosts.is_first:
            self.begun += made["diff"]


def expose(exposure: Exposure) -> dict[str, t.Any]:
    """Expose the daemon; return the task's result."""
    decision, plan, observation = exposure.run.until_settled(exposure.attempt)
    run, args, identity = exposure.run, exposure.args, exposure.identity
    result = {**run.result(plan), **_facts(decision, observation)}
    result["reason"] = "" if identity is None else "; ".join(identity.reasons)
    result["identity_changed"] = bool(result["reason"]) or plan.writes(layout.CERTIFICATE)
    if identity is not None and plan.changes_bundle:
        before = observation.content(layout.CERTIFICATE)
        result["diff"] = [diff_of_identity(identity, before), *result["diff"]]
    if plan.writes(layout.TRUST):
        result["diff"].insert(0, diff_of_trust(observation.content(layout.TRUST), exposure.fleet))
    result["diff"] = [*exposure.begun, *result["diff"]]
    if identity is not None:
        result["warnings"] += warnings_about_identity(identity)
        result["warnings"] += about_clients(
            exposure.fleet,
            run.host,
            exposure.task.clients,
            before=[] if exposure.record is None else exposure.record.options.get("clients") or [],
            knows_rights=decision.gateway is not None,
        )
    result["warnings"] += [*exposure.clock.warnings(), *exposure.fleet.warnings]
    url = advertised_url(result, exposure.task.listen, advertise=args["advertise"], ansible_host=exposure.hosts.address)
    if identity is None:
        result["warnings"].append(about_plain_tcp(run.host, url, result["allow"]))
    client = None if identity is None else args["client"]
    if run.check_mode:
        exposure.context.keep(result, url=url, client=client)
        return result
    options = recordable_options(args)
    if identity is None:
        publish_plain(exposure.fleet, run.host, result, url=url, options=options)
    else:
        publish(
            exposure.fleet, identity, result, url=url, client=args["client"], options=options, before=exposure.record
        )
    # What it changes on the controller says nothing about the host.
    exposure.context.keep(result, url=url, client=client)
    return result


def about_plain_tcp(host: str, url: str, allow: t.Sequence[str]) -> str:
    """Return the warning that each run gives."""
    return (
        f"The Docker daemon of {host} is open without TLS: anyone who reaches {url} from {', '.join(allow)} has root "
        f"on {host}, and traffic can be read and changed on the way."
    )


def _facts(decision: Decision, observation: Observation) -> dict[str, t.Any]:
    """Return what the task's result has of the host, from an allow-list."""
    engine, connection, gateway = decision.observed.engine, observation.connection, decision.gateway
    name: str | None = "Docker Engine"
    version = engine.version if engine else None
    if gateway is not None and not gateway.is_dockerd:
        name, version = gateway.name, gateway.version
    return {
        "listen": [str(entry) for entry in decision.listener.listen],
        "interfaces": decision.interfaces,
        "allow": list(decision.listener.allow),
        "firewall": decision.firewall.name,
        "method": decision.method.name,
        "engine": name,
        "engine_version": version,
        "connection": None if connection is None else {"client": connection.client, "server": connection.server},
    }


def record_of(fleet: Fleet, host: str) -> EndpointRecord | None:
    """Return the host's record, if it has one with a certificate."""
    record = read_record(fleet.endpoints_folder, host)
    return record if record is not None and record.tls else None
