# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talking with dockerd_listener on the host: each question is one execution of the module there."""

from __future__ import annotations

__all__ = ("Exchange", "RemoteFailure", "as_result")

import time
import typing as t

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.gangway.docker.plugins.module_utils._dockerd.options import HOST_OPTIONS
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._endpoint.identity import ServerIdentity
from .host_clock import HostClock

#: What the host tells the controller, and nobody else.
_INTERNAL = ("bundle_changed", "certificate", "identity_is_due", "pending", "request")


class RemoteFailure(Exception):
    """The module on the host failed; its result says why."""


class Exchange:
    """C(execute) runs a module with these arguments on the host; C(args) are the task's, as they are at that time."""

    def __init__(
        self,
        execute: t.Callable[[str, dict[str, t.Any]], dict[str, t.Any]],
        args: t.Mapping[str, t.Any],
        clock: HostClock,
    ) -> None:
        self._execute = execute
        self._args = args
        self._clock = clock

    def plan(self, identity: ServerIdentity | None = None) -> dict[str, t.Any]:
        """Ask what is to be done; without an identity, for a daemon that needs none."""
        return self._ask("plan", identity)

    def apply(self, identity: ServerIdentity | None = None) -> dict[str, t.Any]:
        """Have it done. Failure: C(host_lost)."""
        try:
            return self._ask("apply", identity, key=None if identity is None else identity.key)
        except AnsibleConnectionFailure as exc:
            raise Failure(
                "host_lost",
                thing=f"the connection to {self._clock.host}",
                reason=f"it broke while the host was being changed ({exc})",
                cure="Run again once the host can be reached: that run finishes or undoes what this one began",
            ) from exc

    def _ask(self, phase: str, identity: ServerIdentity | None, key: str | None = None) -> dict[str, t.Any]:
        module_args = {option: self._args[option] for option in HOST_OPTIONS}
        module_args["state"] = "absent" if self._args["state"] == "absent" else "present"
        module_args["exchange"] = {"phase": phase}
        if identity is not None:
            module_args["exchange"].update(identity.for_host())
            module_args["exchange_key"] = key
            if identity.brought is not None:
                module_args["key_origin"] = "controller"
        asked = time.time()
        outcome = self._execute("gangway.docker.dockerd_listener", module_args)
        if outcome.get("failed") or outcome.get("unreachable") or "actions" not in outcome:
            raise RemoteFailure({"failed": True, **outcome})
        outcome.pop("invocation", None)
        self._clock.note(asked, outcome.pop("time", asked))
        return outcome


def as_result(answer: t.Mapping[str, t.Any], reason: str = "") -> dict[str, t.Any]:
    """Return what the task shows of the host's answer. C(reason): why the server's certificate was made."""
    shown = {key: value for key, value in answer.items() if key not in _INTERNAL}
    return {**shown, "reason": reason, "warnings": list(answer.get("warnings", []))}
