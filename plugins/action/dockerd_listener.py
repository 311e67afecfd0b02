# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of dockerd_listener: observe the host, plan, sign, have the plan executed, verify."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.listener_options import (
    LISTENER_ARGUMENTS,
    LISTENER_REQUIRED_BY,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.host_context import HostContext
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import EndpointRecord, read_record
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.command import run_command
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.settings import Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.other_hosts import OtherHosts
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.provided import Provided
from ansible_collections.gangway.docker.plugins.plugin_utils._identity.server_identity import ServerIdentity
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.execution import HostFailure, execute
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.expose import Exposure, expose
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.host_clock import HostClock
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.listening import host_names
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.play_hosts import PlayHosts
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.recorded import is_aged, recorded_options
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.remote import RemoteHost
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.run import Run
from ansible_collections.gangway.docker.plugins.plugin_utils._options.clients import parse_clients
from ansible_collections.gangway.docker.plugins.plugin_utils._options.completion import complete_options
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import is_valid_name, parse_name, sort_names
from ansible_collections.gangway.docker.plugins.plugin_utils._plan.task import Task


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            self._from_facts = complete_options(self, LISTENER_ARGUMENTS, task_vars or {})
        except Failure as exc:
            return {**result, **exc.as_result(), "failed": True}
        _validation, args = self.validate_argument_spec(LISTENER_ARGUMENTS, required_by=LISTENER_REQUIRED_BY)
        self._task_vars = task_vars or {}
        self._args = args
        self._clock = HostClock(self._host)
        self._run = Run(self._host, RemoteHost(self._execute_on_host, self._clock), self._task.check_mode)
        carry_out = {"absent": self._absent, "present": self._present, "renewed": self._renewed}[args["state"]]
        try:
            settings, check_mode = Settings.of({**args, "authority_key_type": args["key_type"]}), self._task.check_mode
            self._fleet = Fleet(args["fleets_dir"], args["fleet"], settings, check_mode=check_mode, run=run_command)
            result.update(carry_out())
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        except HostFailure as exc:
            result.update(exc.result)
        if result.get("failed") and self._run.warnings:
            result.setdefault("warnings", []).extend(self._run.warnings)
        return result

    @property
    def _host(self) -> str:
        return str(self._task_vars["inventory_hostname"])

    @property
    def _ansible_host(self) -> str:
        return str(self._templar.template(self._task_vars.get("ansible_host")) or self._host)

    # What only some runs use is imported by them: it takes as long as planning for many hosts.

    def _absent(self) -> dict[str, t.Any]:
        from ansible_collections.gangway.docker.plugins.plugin_utils._listener.withdraw import withdraw

        # A record that can't be read is removed with the rest.
        with contextlib.suppress(Failure):
            self._own_record("This is not withdrawn; gangway.docker.endpoint removes its record.")
        allow_downtime = self._args["allow_downtime"]
        return withdraw(self._run, self._fleet, self._ansible_host, self._context, allow_downtime=allow_downtime)

    def _renewed(self) -> dict[str, t.Any]:
        from ansible_collections.gangway.docker.plugins.plugin_utils._listener.renew import renew, without_record

        record = self._own_record("This is not renewed.")
        if record is None:
            result = without_record(self._stat, self._fleet, self._host)
            return {**result, "warnings": self._run.warnings} if self._run.warnings else result
        self._context.check()
        if record.tls:
            self._args.update(recorded_options(record, self._args, self._fleet, self._others))
        identity = self._identity(Task.of(self._args))
        return renew(record, identity, self._fleet, self._others, self._context, self._args["client"], self._present)

    def _present(self) -> dict[str, t.Any]:
        # Bad input shows before the host is asked.
        task = Task.of(self._args)
        revoked = [client for client in task.clients if self._fleet.revoked_folder(client.name).exists()]
        clients = tuple(client for client in task.clients if client not in revoked)
        installs = self._task.check_mode and self._args["install"]
        task = dataclasses.replace(task, clients=clients, installs=installs)
        self._context.check()
        record = self._own_record("Exposing it replaces this record.")
        if record is not None and not record.tls:
            # It has no certificate.
            record = None
        identity = None
        if task.tls:
            identity = self._identity(task)
            identity.prepare()
            if self._may_sign(identity, record):
                # A passphrase that is missing or wrong shows before the host makes a key.
                identity.check_signer()
        exposure = Exposure(
            self._run,
            self._fleet,
            task,
            self._args,
            identity=identity,
            record=record,
            clock=self._clock,
            others=self._others,
            written=self._written_names(task),
            hosts=PlayHosts(self._task_vars, self._args["variables_prefix"], self._ansible_host),
            context=self._context,
        )
        return expose(exposure)

    def _own_record(self, otherwise: str) -> EndpointRecord | None:
        """Return the host's record, if it was exposed from here; C(otherwise) is what a warning says if not."""
        record = read_record(self._fleet.endpoints_folder, self._host)
        if record is None or not record.foreign:
            return record
        self._run.warnings.append(f"{self._host} is recorded as an endpoint of others ({record.url}). {otherwise}")
        return None

    @staticmethod
    def _may_sign(identity: ServerIdentity, record: EndpointRecord | None) -> bool:
        return identity.provided is None and (record is None or is_aged(record, identity.fleet))

    def _identity(self, task: Task) -> ServerIdentity:
        args = self._args
        for name in args["tls_sans"]:
            parse_name(name)
        known = [self._ansible_host, self._host, args["advertise"] or ""]
        known += [entry.host for entry in task.listen if entry.is_address and not entry.is_wildcard]
        # An alias in the inventory may be no name that a certificate can hold (web_1 is fine, "web 1" is not).
        names = [*args["tls_sans"], *(name for name in known if name and is_valid_name(name))]
        provided = None
        if args["certificate"]:
            provided = Provided(*(self._find_file(args[option]) for option in ("certificate", "key", "client_ca")))
        client_ca = self._find_file(args["client_ca"]) if args["client_ca"] else None
        return ServerIdentity(
            self._fleet,
            self._host,
            args["key_origin"],
            args["key_type"],
            tuple(names),
            provided,
            client_ca,
            listen_names=host_names(task.listen, ()),
        )

    @functools.cached_property
    def _others(self) -> OtherHosts:
        return OtherHosts(self._host, self._fleet.endpoints_folder, self._task_vars)

    @functools.cached_property
    def _context(self) -> HostContext:
        args = self._args
        return HostContext(
            self._fleet,
            self._host,
            wanted=args["contexts"],
            renewing=args["state"] == "renewed",
            replace=args["replace_controller"],
            clients=[client.name for client in parse_clients(args["clients"]) if not client.is_revoked],
        )

    def _written_names(self, task: Task) -> frozenset[str]:
        """Return the names in options that the user wrote: those from facts are the host's own words."""
        names = {
            "advertise": [self._args["advertise"] or self._host],
            "listen": [entry.host for entry in task.listen if not entry.is_wildcard],
            "tls_sans": self._args["tls_sans"],
        }
        written = [name for option in names.keys() - self._from_facts for name in names[option]]
        return frozenset(sort_names([self._host, self._ansible_host, *written]))

    def _find_file(self, path: str) -> str:
        """Look for the file as other modules do: below the play's and the role's files folder, then as it is."""
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return path

    def _stat(self, path: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = self._execute_module(
            "ansible.builtin.stat", {"path": path}, task_vars=self._task_vars
        )
        return found

    def _execute_on_host(self, name: str, module_args: dict[str, t.Any]) -> dict[str, t.Any]:
        return execute(self, name, module_args, self._task_vars)
