# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of dockerd_listener: ask the host for a plan, sign, have it applied, look at it from here.

One remote module execution when nothing changes, two when something does.
"""

from __future__ import annotations

import datetime
import time
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen, parse_allow, parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.layout import CERTIFICATE
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options import (
    ARGUMENT_SPEC,
    HOST_OPTIONS,
    REQUIRED_BY,
)
from ansible_collections.gangway.docker.plugins.module_utils._endpoint.identity import Brought, ServerIdentity
from ansible_collections.gangway.docker.plugins.module_utils._endpoint.record import (
    EndpointRecord,
    read_record,
    remove_record,
)
from ansible_collections.gangway.docker.plugins.module_utils._failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._pki.fleet import Fleet
from ansible_collections.gangway.docker.plugins.module_utils._pki.names import is_valid_name, parse_name
from ansible_collections.gangway.docker.plugins.module_utils._pki.revocation import revoked_bundles
from ansible_collections.gangway.docker.plugins.module_utils._pki.settings import Settings
from ansible_collections.gangway.docker.plugins.plugin_utils.command import run_command
from ansible_collections.gangway.docker.plugins.plugin_utils.host_clock import HostClock
from ansible_collections.gangway.docker.plugins.plugin_utils.publication import publish
from ansible_collections.gangway.docker.plugins.plugin_utils.recorded import about_expiry, recorded_options


class _RemoteFailure(Exception):
    """The module on the host failed; its result says why."""


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENT_SPEC, required_by=REQUIRED_BY)
        self._task_vars = task_vars or {}
        self._args = args
        self._clock = HostClock(self._host)
        carry_out = {"absent": self._absent, "present": self._present, "renewed": self._renewed}[args["state"]]
        try:
            settings, check_mode = Settings.of(args), self._task.check_mode
            self._fleet = Fleet(args["home"], args["fleet"], settings, check_mode=check_mode, run=run_command)
            result.update(carry_out())
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        except _RemoteFailure as exc:
            result.update(exc.args[0])
        return result

    @property
    def _host(self) -> str:
        return str(self._task_vars["inventory_hostname"])

    def _absent(self) -> dict[str, t.Any]:
        result = self._remote("apply")
        if not self._task.check_mode:
            remove_record(self._fleet.endpoints_folder, self._host)
        return result

    def _renewed(self) -> dict[str, t.Any]:
        """Like M(_present), but only for a host that is exposed and needs a visit; the record tells."""
        record = read_record(self._fleet.endpoints_folder, self._host)
        if record is None:
            return self._without_record()
        self._args.update(recorded_options(record, self._args, self._fleet))
        identity = self._identity([parse_listen(text) for text in self._args["listen"]])
        # Certificates of the user's own that are not named here are his to renew.
        ours = record.key_origin != "brought" or identity.brought is not None
        if ours:
            identity.prepare(record, _addresses(record.listen))
        if not ours or not (identity.is_due(record, _addresses(record.listen)) or _lacks_proof(self._fleet, record)):
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
            raise _RemoteFailure({"failed": True, **found})
        if found["stat"]["exists"]:
            raise Failure(
                "record_missing",
                thing=self._host,
                reason=f"its daemon is exposed, and no record in {self._fleet.endpoints_folder} tells how",
                cure="Run expose_docker for it, with the variables that it was exposed with, or copy the record here",
            )
        return {"changed": False, "actions": [], "restarted": False, "reason": ""}

    def _present(self) -> dict[str, t.Any]:
        # Bad input shows before the host is asked.
        listen = [parse_listen(text) for text in self._args["listen"]]
        parse_allow(self._args["allow"])
        record = read_record(self._fleet.endpoints_folder, self._host)
        identity = self._identity(listen)
        addresses = [] if record is None else _addresses(record.listen)
        identity.prepare(record, addresses)
        if record is None or identity.reasons:
            # A passphrase that is missing or wrong shows before the host makes a key.
            identity.check_signer()
        if self._args["key_origin"] == "controller" and identity.brought is None:
            identity.make_here(addresses)

        plan = self._remote("plan", identity)
        self._check_owner(plan["certificate"], identity, record)
        addresses = _addresses(plan["listen"])
        if identity.reasons and identity.key_origin == "host":
            # Said with the addresses that the host has now.
            identity.prepare(record, addresses)
        plan, identity = self._reconsider(plan, identity, addresses)
        before = plan.pop("certificate", None)
        request = plan.pop("request", None)
        result = plan
        if plan["identity_is_due"]:
            self._clock.check(datetime.timedelta(days=self._args["validity"]))
        if plan["changed"] and not self._task.check_mode:
            if plan["identity_is_due"] and request is not None:
                identity.sign(request, addresses)
                identity.pending = plan.pop("pending", None)
            result = self._apply(identity)
            result.pop("certificate", None)
        if plan["bundle_changed"]:
            result["diff"] = [identity.describe(before, addresses), *result["diff"]]
        result["reason"] = "; ".join(identity.reasons)
        for internal in ("bundle_changed", "identity_is_due", "time"):
            result.pop(internal, None)
        result.setdefault("warnings", []).extend([*identity.warnings(), *self._clock.warnings(), *self._fleet.warnings])
        if not self._task.check_mode:
            url = f"tcp://{self._advertised(result['listen'][0], listen)}"
            publish(self._fleet, identity, result, url=url, client=self._args["client"], before=record)
        return result

    def _apply(self, identity: ServerIdentity) -> dict[str, t.Any]:
        try:
            return self._remote("apply", identity, key=identity.key)
        except AnsibleConnectionFailure as exc:
            raise Failure(
                "host_lost",
                thing=f"the connection to {self._host}",
                reason=f"it broke while the host was being changed ({exc})",
                cure="Run again once the host can be reached: that run finishes or undoes what this one began",
            ) from exc

    def _check_owner(self, certificate: str | None, identity: ServerIdentity, record: EndpointRecord | None) -> None:
        """Refuse a host that another controller has exposed. Failure: C(other_controller)."""
        if certificate and not self._args["take_over"] and identity.is_foreign(certificate, record):
            raise Failure(
                "other_controller",
                thing=self._host,
                reason="its daemon is exposed already, with a certificate of an authority that is not in "
                f"{self._fleet.folder.parent}; going on would lock out that authority's clients",
                cure="Bring the fleet's folder here from the other controller or a backup; where it is lost for good, "
                "set take_over (expose_take_over in the role) for one run",
            )

    def _identity(self, listen: t.Sequence[Listen]) -> ServerIdentity:
        args = self._args
        for name in args["names"]:
            parse_name(name)
        known = [str(self._task_vars.get("ansible_host") or self._host), self._host, args["advertise"] or ""]
        known += [entry.host for entry in listen if not entry.is_wildcard]
        # What stands in the inventory may be an alias that no certificate can hold (web_1 is fine, "web 1" is not).
        names = [*args["names"], *(name for name in known if name and is_valid_name(name))]
        brought = None
        if args["certificate"]:
            brought = Brought(*(self._find_file(args[option]) for option in ("certificate", "key", "client_ca")))
        client_ca = self._find_file(args["client_ca"]) if args["client_ca"] else None
        return ServerIdentity(
            self._fleet, self._host, args["key_origin"], args["key_type"], tuple(names), brought, client_ca
        )

    def _find_file(self, path: str) -> str:
        """Look for the file as other modules do: below the play's and the role's files folder, then as it stands."""
        try:
            return str(self._find_needle("files", path))
        except AnsibleError:
            return path

    def _reconsider(
        self, plan: dict[str, t.Any], identity: ServerIdentity, addresses: t.Sequence[str]
    ) -> tuple[dict[str, t.Any], ServerIdentity]:
        """Ask again where the host told something that the first question did not know of."""
        if identity.brought is not None:
            return plan, identity
        if self._args["key_origin"] == "controller":
            if identity.certificate is None or not set(addresses) <= set(identity.for_host()["covers"]):
                identity.make_here(addresses)
                return self._remote("plan", identity), identity
            return plan, identity
        if not plan["identity_is_due"]:
            return plan, identity
        if plan["certificate"] is None:
            identity.reasons = ["missing"]
        elif not identity.reasons and identity.judge(plan["certificate"], addresses):
            # The record was lost, or is another controller's; the certificate is fine.
            return self._remote("plan", identity), identity
        return plan, identity

    def _remote(self, phase: str, identity: ServerIdentity | None = None, key: str | None = None) -> dict[str, t.Any]:
        """Execute the module on the host."""
        module_args = {option: self._args[option] for option in HOST_OPTIONS}
        module_args["state"] = "absent" if self._args["state"] == "absent" else "present"
        module_args["exchange"] = {"phase": phase}
        if identity is not None:
            module_args["exchange"].update(identity.for_host())
            module_args["exchange_key"] = key
            if identity.brought is not None:
                module_args["key_origin"] = "controller"
        asked = time.time()
        outcome: dict[str, t.Any] = self._execute_module(
            module_name="gangway.docker.dockerd_listener",
            module_args=module_args,
            task_vars=self._task_vars,
        )
        if outcome.get("failed") or outcome.get("unreachable") or "actions" not in outcome:
            raise _RemoteFailure({"failed": True, **outcome})
        outcome.pop("invocation", None)
        self._clock.note(asked, outcome.pop("time", asked))
        return outcome

    def _advertised(self, resolved: str, listen: t.Sequence[Listen]) -> Listen:
        """Return what clients are told, of the first address that the host listens on (resolved, and as asked for)."""
        first = parse_listen(resolved)
        if self._args["advertise"]:
            return Listen(self._args["advertise"], first.port)
        if listen and not listen[0].is_wildcard:
            return listen[0]
        ansible_host = str(self._task_vars.get("ansible_host") or self._host)
        return Listen(ansible_host if is_valid_name(ansible_host) else first.host, first.port)


def _lacks_proof(fleet: Fleet, record: EndpointRecord) -> bool:
    """Whether a revoked client was not seen turned away by a daemon that the controller gets through to."""
    return bool(record.verified and record.trust and revoked_bundles(fleet).keys() - set(record.refused))


def _addresses(listen: t.Iterable[str]) -> list[str]:
    return [entry.host for entry in map(parse_listen, listen) if not entry.is_wildcard]
