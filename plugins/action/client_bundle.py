# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of client_bundle: ask the machine for a plan, sign, have it applied.

One remote module execution when nothing changes, two when something does. Only where the record on the controller was
lost, and the certificate on the machine is due or has to be corrected, is there one more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.gangway.docker.plugins.module_utils._client.contexts import context_names
from ansible_collections.gangway.docker.plugins.module_utils._client.layout import Layout
from ansible_collections.gangway.docker.plugins.module_utils._client.options import ARGUMENT_SPEC, HOST_OPTIONS
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.plugin_utils._client.answer import MachinePlan, parse_answer, parse_plan
from ansible_collections.gangway.docker.plugins.plugin_utils._client.identity import ClientIdentity
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.command import run_command
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.settings import Settings
from ansible_collections.gangway.docker.plugins.plugin_utils._listener.execution import HostFailure, execute
from ansible_collections.gangway.docker.plugins.plugin_utils._options.completion import complete_options

_MODULE = "gangway.docker.client_bundle"


class ActionModule(ActionBase):
    """See DOCUMENTATION of the module."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            complete_options(self, ARGUMENT_SPEC, task_vars or {})
        except Failure as exc:
            return {**result, **exc.as_result(), "failed": True}
        _validation, args = self.validate_argument_spec(ARGUMENT_SPEC)
        self._task_vars = task_vars or {}
        self._args = args
        self._urls: dict[str, str] = {}
        try:
            settings, check_mode = Settings.of(args), self._task.check_mode
            fleet = Fleet(args["fleets_dir"], args["fleet"], settings, check_mode=check_mode, run=run_command)
            # The name becomes a folder's and a CN; it is checked before anything else.
            fleet.client_folder(args["name"])
            host = str(self._task_vars["inventory_hostname"])
            self._identity = ClientIdentity(fleet, host, args["name"], args["key_type"])
            result.update(self._absent() if args["state"] == "absent" else self._present())
        except Failure as exc:
            result.update(exc.as_result(), failed=True)
        except HostFailure as exc:
            result.update(exc.result)
        return result

    def _absent(self) -> dict[str, t.Any]:
        self._identity.recall()
        answer = parse_answer(self._remote("apply"))
        result = answer.as_result()
        gone = answer.changed or answer.gone
        if gone and not self._task.check_mode:
            self._identity.forget()
        elif self._identity.chain and not gone:
            result.setdefault("warnings", []).append(
                f"Nothing of client {self._identity.name} was there to be removed, though by the controller's record it"
                " was put on this machine. Was that another path, or another user?"
            )
        return result

    def _present(self) -> dict[str, t.Any]:
        identity = self._identity
        # Bad input shows before the machine is asked.
        self._urls = identity.urls(self._args["endpoints"])
        identity.prepare()
        plan = parse_plan(self._remote("plan"))
        shown = plan.certificate
        if plan.problem:
            identity.reasons = [plan.problem]
        elif (
            identity.is_needed
            and not plan.identity_is_due
            and not identity.is_known(shown)
            and not identity.judge_shown(shown or "")
        ):
            # The record was lost, or it is of the same client in another folder.
            plan = parse_plan(self._remote("plan"))
        if plan.identity_is_due:
            identity.check_signer()
            plan = dataclasses.replace(plan, diff=(identity.describe(shown, plan.user), *plan.diff))
        if plan.changed and not self._task.check_mode:
            self._carry_out(plan)
        if not self._task.check_mode:
            identity.remember()
        return self._result(plan)

    def _carry_out(self, plan: MachinePlan) -> None:
        identity = self._identity
        identity.pending = plan.pending
        try:
            if plan.identity_is_due:
                identity.sign(plan.csr or "")
            self._remote("apply")
        except (Failure, HostFailure):
            if identity.pending is not None:
                # What went wrong before says more than what goes wrong now.
                with contextlib.suppress(HostFailure, AnsibleConnectionFailure):
                    self._remote("forget")
            raise

    def _result(self, plan: MachinePlan) -> dict[str, t.Any]:
        identity, args = self._identity, self._args
        result = plan.as_result()
        result["reason"] = "; ".join(identity.reasons)
        layout = Layout(plan.path, plan.config)
        written = {f"write {path}" for path in layout.bundle}
        result["identity_changed"] = plan.identity_is_due or not written.isdisjoint(plan.actions)
        contexts = context_names(args["endpoints"]) if args["contexts"] else {}
        client = {
            "name": identity.name,
            "fleet": identity.fleet.name,
            "user": plan.user,
            "path": plan.path,
            "endpoints": [
                {
                    "name": name,
                    "url": url,
                    "env_file": layout.env_file(name) if args["env_files"] else None,
                    "context": contexts.get(name),
                }
                for name, url in self._urls.items()
            ],
        }
        if identity.is_needed and not (plan.identity_is_due and self._task.check_mode):
            client.update(identity.facts())
        result["client"] = client
        return result

    def _remote(self, phase: str) -> dict[str, t.Any]:
        """Execute the module on the machine."""
        module_args = {option: self._args[option] for option in HOST_OPTIONS}
        module_args["instructions"] = {"phase": phase, "urls": self._urls, **self._identity.for_machine()}
        return execute(self, _MODULE, module_args, self._task_vars)
