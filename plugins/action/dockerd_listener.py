# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of dockerd_listener: ask the host for a plan, sign, have it applied, look at it from here.

One remote module execution when nothing changes, two when something does.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.addresses import Listen, parse_allow, parse_listen
from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options import (
    ARGUMENT_SPEC,
    HOST_OPTIONS,
    REQUIRED_TOGETHER,
)
from ansible_collections.gangway.docker.plugins.module_utils._endpoint.formats import Connection
from ansible_collections.gangway.docker.plugins.module_utils._endpoint.identity import Brought, ServerIdentity
from ansible_collections.gangway.docker.plugins.module_utils._endpoint.probe import probe_endpoint
from ansible_collections.gangway.docker.plugins.module_utils._endpoint.record import (
    EndpointRecord,
    read_record,
    remove_record,
    write_record,
)
from ansible_collections.gangway.docker.plugins.module_utils._failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._pki.fleet import Fleet, Settings
from ansible_collections.gangway.docker.plugins.module_utils._pki.names import is_valid_name, parse_name


class _RemoteFailure(Exception):
    """The module on the host failed; its result says why."""


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(ARGUMENT_SPEC, required_together=REQUIRED_TOGETHER)
        self._task_vars = task_vars or {}
        self._args = args
        settings = Settings(key_type=args["key_type"], validity=args["validity"], passphrase=args["passphrase"])
        try:
            self._fleet = Fleet(args["home"], args["fleet"], settings, check_mode=self._task.check_mode)
            result.update(self._absent() if args["state"] == "absent" else self._present())
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
        addresses = _addresses(plan["listen"])
        plan, identity = self._reconsider(plan, identity, addresses)
        before = plan.pop("certificate", None)
        request = plan.pop("request", None)
        result = plan
        if plan["changed"] and not self._task.check_mode:
            if plan["identity_is_due"] and request is not None:
                identity.sign(request, addresses)
                identity.pending = plan.pop("pending", None)
            result = self._remote("apply", identity, key=identity.key)
            result.pop("certificate", None)
        if plan["bundle_changed"]:
            result["diff"] = [identity.describe(before, addresses), *result["diff"]]
        result["reason"] = "; ".join(identity.reasons)
        for internal in ("bundle_changed", "identity_is_due"):
            result.pop(internal, None)
        if not self._task.check_mode:
            self._publish(result, identity, listen)
        return result

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
        return ServerIdentity(
            self._fleet, self._host, args["key_origin"], args["key_type"], tuple(names), brought=brought
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
        module_args["exchange"] = {"phase": phase}
        if identity is not None:
            module_args["exchange"].update(identity.for_host())
            module_args["exchange_key"] = key
            if identity.brought is not None:
                module_args["key_origin"] = "controller"
        outcome: dict[str, t.Any] = self._execute_module(
            module_name="gangway.docker.dockerd_listener",
            module_args=module_args,
            task_vars=self._task_vars,
        )
        if outcome.get("failed") or outcome.get("unreachable") or "actions" not in outcome:
            raise _RemoteFailure({"failed": True, **outcome})
        outcome.pop("invocation", None)
        return outcome

    def _publish(self, result: dict[str, t.Any], identity: ServerIdentity, listen: t.Sequence[Listen]) -> None:
        """Verify the endpoint from here, write its record, set the fact."""
        url = f"tcp://{self._advertised(result, listen)}"
        client_folder = self._fleet.client_folder(self._args["client"])
        verified = None
        if _includes(result["allow"], result["connection"]) and client_folder.is_dir():
            problem = probe_endpoint(Connection(url, str(client_folder)))
            verified = problem is None
            if problem is not None:
                result.setdefault("warnings", []).append(
                    f"{self._host} is exposed, but {url} does not work from the controller: {problem}."
                )
        record = EndpointRecord(
            name=self._host,
            url=url,
            fleet=self._fleet.name,
            client=self._args["client"],
            listen=result["listen"],
            allow=result["allow"],
            method=result["method"],
            key_origin=identity.origin,
            engine_version=result["engine_version"],
            verified=verified,
            **identity.facts(),
        )
        write_record(self._fleet.endpoints_folder, record)
        result["endpoint"] = record.as_facts()
        result["ansible_facts"] = {"gangway_endpoint": record.as_facts()}
        result["_ansible_facts_cacheable"] = True

    def _advertised(self, result: t.Mapping[str, t.Any], listen: t.Sequence[Listen]) -> Listen:
        resolved = parse_listen(result["listen"][0])
        if self._args["advertise"]:
            return Listen(self._args["advertise"], resolved.port)
        if listen and not listen[0].is_wildcard:
            return listen[0]
        ansible_host = str(self._task_vars.get("ansible_host") or self._host)
        return Listen(ansible_host if is_valid_name(ansible_host) else resolved.host, resolved.port)


def _addresses(listen: t.Iterable[str]) -> list[str]:
    return [entry.host for entry in map(parse_listen, listen) if not entry.is_wildcard]


def _includes(allow: t.Iterable[str], connection: t.Mapping[str, str] | None) -> bool:
    """Whether the controller, as the host sees it, is in the access list."""
    if connection is None:
        return True
    address = ipaddress.ip_address(connection["client"])
    return any(address in ipaddress.ip_network(network) for network in allow)
