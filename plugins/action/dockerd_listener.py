# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of dockerd_listener: ask the host for a plan, sign, have it applied, look at it from here.

One remote module execution when nothing changes, two when something does.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen, parse_allow, parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.layout import CERTIFICATE
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options import ARGUMENT_SPEC, REQUIRED_BY
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.identity import Brought, ServerIdentity
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.ownership import check_owner
from ansible_collections.gangway.docker.plugins.plugin_utils._endpoint.record import (
    EndpointRecord,
    read_record,
    remove_record,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.command import run_command
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.settings import Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.exchange import (
    Exchange,
    RemoteFailure,
    as_result,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.host_clock import HostClock
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.in_the_clear import (
    about_the_clear,
    expose_in_the_clear,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.listening import (
    addresses_in,
    advertised_url,
    host_names,
    likely_addresses,
    likely_host_names,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.publication import publish
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.recorded import (
    about_expiry,
    asked_options,
    lacks_proof,
    recorded_options,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._pki.names import is_valid_name, parse_name


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENT_SPEC, required_by=REQUIRED_BY)
        self._task_vars = task_vars or {}
        self._args = args
        self._clock = HostClock(self._host)
        self._host_module = Exchange(self._execute_on_host, args, self._clock)
        carry_out = {"absent": self._absent, "present": self._present, "renewed": self._renewed}[args["state"]]
        try:
            settings, check_mode = Settings.of(args), self._task.check_mode
            self._fleet = Fleet(args["home"], args["fleet"], settings, check_mode=check_mode, run=run_command)
            result.update(carry_out())
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        except RemoteFailure as exc:
            result.update(exc.args[0])
        return result

    @property
    def _host(self) -> str:
        return str(self._task_vars["inventory_hostname"])

    def _absent(self) -> dict[str, t.Any]:
        result = self._host_module.apply()
        if not self._task.check_mode:
            remove_record(self._fleet.endpoints_folder, self._host)
        return result

    def _renewed(self) -> dict[str, t.Any]:
        """Like M(_present), but only for a host that is exposed and needs a visit; the record tells."""
        record = read_record(self._fleet.endpoints_folder, self._host)
        if record is None:
            return self._without_record()
        if not record.tls:
            # Nothing of it expires, nobody can be shut out; and what it is opened for is not for a renewal to change.
            told = {
                "endpoint": record.as_facts(),
                "warnings": [about_the_clear(record.name, record.url, record.allow)],
            }
            return {"changed": False, "actions": [], "restarted": False, "reason": "", **told}
        self._args.update(recorded_options(record, self._args, self._fleet))
        identity = self._identity(self._asked(), record)
        # Certificates of the user's own that are not named here are his to renew.
        ours = record.key_origin != "brought" or identity.brought is not None
        if ours:
            identity.prepare(record, addresses_in(record.listen))
        if not ours or not (identity.is_due(record, addresses_in(record.listen)) or lacks_proof(record, self._fleet)):
            told = {"endpoint": record.as_facts(), "warnings": identity.warnings() if ours else about_expiry(record)}
            return {"changed": False, "actions": [], "restarted": False, "reason": "", **told}
        result = self._present()
        if record.verified and result.get("endpoint", {}).get("verified") is False:
            raise Failure(
                "endpoint_unhealthy",
                thing=record.url,
                reason="it worked before it was renewed, and now it does not: " + " ".join(result["warnings"]),
                cure="Mend it before the others are renewed",
            )
        return result

    def _without_record(self) -> dict[str, t.Any]:
        """Nothing is to be renewed where nothing is exposed. Failure: C(record_missing)."""
        found = self._execute_module("ansible.builtin.stat", {"path": CERTIFICATE}, task_vars=self._task_vars)
        if "stat" not in found:
            raise RemoteFailure({"failed": True, **found})
        if found["stat"]["exists"]:
            raise Failure(
                "record_missing",
                thing=self._host,
                reason=f"its daemon is exposed, and no record in {self._fleet.endpoints_folder} tells how",
                cure="Run expose_docker for it, with the variables that it was exposed with, or copy the record here",
            )
        return {"changed": False, "actions": [], "restarted": False, "reason": ""}

    def _asked(self) -> list[Listen]:
        return [parse_listen(text) for text in self._args["listen"]]

    def _present(self) -> dict[str, t.Any]:
        if not self._args["tls"]:
            return expose_in_the_clear(self._fleet, self._host, self._host_module, self._args, self._ansible_host)
        # Bad input shows before the host is asked.
        listen = self._asked()
        parse_allow(self._args["allow"])
        record = read_record(self._fleet.endpoints_folder, self._host)
        if record is not None and not record.tls:
            # It knows of no certificate.
            record = None
        identity = self._identity(listen, record)
        addresses = likely_addresses(listen, record)
        identity.prepare(record, addresses)
        likely = identity.all_names(addresses)
        if record is None or identity.reasons:
            # A passphrase that is missing or wrong shows before the host makes a key.
            identity.check_signer()
        if self._args["key_origin"] == "controller" and identity.brought is None:
            identity.make_here(addresses)

        plan = self._host_module.plan(identity)
        if not self._args["take_over"] and identity.brought is None:
            check_owner(self._fleet, self._host, plan["certificate"], record)
        addresses = addresses_in(plan["listen"])
        identity.listen_names = host_names(listen, plan["interfaces"])
        unlike = identity.all_names(addresses) != likely
        if unlike and identity.origin == "host":
            # Judged by the names and addresses that the host has now.
            identity.prepare(record, addresses)
        plan = self._reconsider(plan, identity, addresses, unlike=unlike)
        before = plan["certificate"]
        result = plan
        if plan["identity_is_due"]:
            self._clock.check(datetime.timedelta(days=self._args["validity"]))
        if plan["changed"] and not self._task.check_mode:
            if plan["identity_is_due"] and plan.get("request") is not None:
                identity.sign(plan["request"], addresses)
                identity.pending = plan.get("pending")
            result = self._host_module.apply(identity)
        if plan["bundle_changed"]:
            result["diff"] = [identity.describe(before, addresses), *result["diff"]]
        result = as_result(result, "; ".join(identity.reasons))
        result["warnings"] += [*identity.warnings(), *self._clock.warnings(), *self._fleet.warnings]
        if not self._task.check_mode:
            publish(
                self._fleet,
                identity,
                result,
                url=advertised_url(result, listen, advertise=self._args["advertise"], ansible_host=self._ansible_host),
                client=self._args["client"],
                asked=asked_options(self._args),
                before=record,
            )
        return result

    def _identity(self, listen: t.Sequence[Listen], record: EndpointRecord | None) -> ServerIdentity:
        args = self._args
        for name in args["names"]:
            parse_name(name)
        known = [self._ansible_host, self._host, args["advertise"] or ""]
        known += [entry.host for entry in listen if entry.is_address and not entry.is_wildcard]
        # What stands in the inventory may be an alias that no certificate can hold (web_1 is fine, "web 1" is not).
        names = [*args["names"], *(name for name in known if name and is_valid_name(name))]
        brought = None
        if args["certificate"]:
            brought = Brought(*(self._find_file(args[option]) for option in ("certificate", "key", "client_ca")))
        client_ca = self._find_file(args["client_ca"]) if args["client_ca"] else None
        return ServerIdentity(
            self._fleet,
            self._host,
            args["key_origin"],
            args["key_type"],
            tuple(names),
            brought,
            client_ca,
            listen_names=likely_host_names(listen, record),
            possible_names=host_names(listen, ()),
        )

    def _find_file(self, path: str) -> str:
        """Look for the file as other modules do: below the play's and the role's files folder, then as it stands."""
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return path

    def _reconsider(
        self, plan: dict[str, t.Any], identity: ServerIdentity, addresses: t.Sequence[str], *, unlike: bool
    ) -> dict[str, t.Any]:
        """Ask again where the host told something that the first question did not know of.

        C(unlike): its names and addresses are other than was thought.
        """
        if identity.brought is not None:
            return plan
        if self._args["key_origin"] == "controller":
            if identity.certificate is None or unlike:
                identity.make_here(addresses)
                return self._host_module.plan(identity)
            return plan
        if not plan["identity_is_due"]:
            # With reasons all the same: the host has left an address, or a name is an interface's now.
            return self._host_module.plan(identity) if identity.reasons else plan
        if plan["certificate"] is None:
            identity.reasons = ["missing"]
        elif not identity.reasons and identity.judge(plan["certificate"], addresses):
            # The record was lost, or is another controller's; the certificate is fine.
            return self._host_module.plan(identity)
        return plan

    def _execute_on_host(self, name: str, module_args: dict[str, t.Any]) -> dict[str, t.Any]:
        outcome: dict[str, t.Any] = self._execute_module(
            module_name=name, module_args=module_args, task_vars=self._task_vars
        )
        return outcome

    @property
    def _ansible_host(self) -> str:
        return str(self._task_vars.get("ansible_host") or self._host)
