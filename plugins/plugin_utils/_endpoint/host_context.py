# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An exposed host's docker context on the controller: made, refreshed and removed together with its endpoint record."""

from __future__ import annotations

__all__ = ("HostContext",)

import contextlib
import functools
import os
import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._account.account import Account
from ansible_collections.gangway.docker.plugins.module_utils._account.errors import system_errors_as_failures
from ansible_collections.gangway.docker.plugins.module_utils._context.location import config_folder, context_account
from ansible_collections.gangway.docker.plugins.module_utils._context.names import context_name
from ansible_collections.gangway.docker.plugins.module_utils._context.store import (
    ENDPOINT,
    Context,
    ContextFolder,
    docker_endpoint,
)
from ansible_collections.gangway.docker.plugins.module_utils._context.task import ContextTask
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.fleet import Fleet
from .record import record_path

#: Says in a context's metadata, which the docker CLI keeps, whose it is: the path of the endpoint record.
_MARK = "GangwayEndpoint"
#: Certificate and key next to each other, as they are put in place.
_BUNDLE = ("ca.pem", "key.pem", "cert.pem")
_Change = t.Callable[[t.Optional[Context]], t.Optional[Context]]


class HostContext:
    """C(wanted): whether there is to be one. C(replace): also in place of another fleet's.

    C(clients): those that exist after a run that only predicts.
    """

    def __init__(
        self,
        fleet: Fleet,
        host: str,
        *,
        wanted: bool,
        renewing: bool = False,
        replace: bool = False,
        clients: t.Sequence[str] = (),
    ) -> None:
        self.fleet = fleet
        self.host = host
        self.name = context_name(host)
        self.wanted = wanted
        self.renewing = renewing
        self.replace = replace
        self.clients = clients

    def check(self) -> None:
        """Refuse before anything is touched what M(keep) would refuse. Failure: C(context_not_ours)."""
        if self.wanted:
            self._before()

    def keep(self, result: dict[str, t.Any], *, url: str, client: str | None) -> None:
        """Make or refresh it, and add to the task's result; without C(client), the endpoint has no TLS.

        If none is wanted, an earlier one is removed; a renewal refreshes it.
        """
        if self.wanted or (self.renewing and self._is_ours()):
            self._keep(result, url, client)
        elif not self.renewing:
            self.remove(result)

    def remove(self, result: dict[str, t.Any]) -> None:
        """Remove it, and add to the task's result. One that was not made here stays."""
        if not self._is_ours():
            return
        done = self._change(lambda before: None, force=True)
        if done["changed"]:
            self._note(result, f"remove the docker context {self.name} on the controller", done)
        if any("currentContext" in entry["before"] for entry in done["diff"]):
            result.setdefault("warnings", []).append(
                f"The docker context {self.name} was the current one on the controller; now the default is."
            )

    def _keep(self, result: dict[str, t.Any], url: str, client: str | None) -> None:
        files = None if client is None else self._files_of(client)
        if client is not None and not files:
            result.setdefault("warnings", []).append(
                f"{self.host} has no docker context: there is no bundle of client {client!r} in {self.fleet.folder}."
            )
            return

        def change(before: Context | None) -> Context:
            self._check_ours(before)
            context = before or Context()
            whose = f"{self.host}, client {client}" if client else self.host
            mark = {"Description": f"{whose}, fleet {self.fleet.name}", _MARK: self._record}
            endpoints = {**context.endpoints, **docker_endpoint(url)}
            return Context({**context.metadata, **mark}, endpoints, {ENDPOINT: files} if files else {})

        word = "refresh" if self._exists() else "make"
        done = self._change(change)
        if done["changed"]:
            self._note(result, f"{word} the docker context {self.name} on the controller", done)
        result["context"] = self.name

    @staticmethod
    def _note(result: dict[str, t.Any], action: str, done: dict[str, t.Any]) -> None:
        result["changed"] = True
        result["actions"] = [*result["actions"], action]
        result["diff"] = [*result.get("diff", []), *done["diff"]]

    @property
    def _record(self) -> str:
        return str(record_path(self.fleet.endpoints_folder, self.host))

    @functools.cached_property
    def _account(self) -> Account:
        return context_account(None)

    @property
    def _config(self) -> str:
        return config_folder(self._account)

    def _exists(self) -> bool:
        return os.path.lexists(ContextFolder(self._config).meta(self.name))

    def _is_ours(self) -> bool:
        try:
            return self._exists() and self._before() is not None
        except Failure:
            return False

    def _before(self) -> Context | None:
        """Return the context as it is. Failures: C(context_not_ours), C(context_unreadable)."""
        from ansible_collections.gangway.docker.plugins.module_utils._context.machine import observe_context

        with self._errors():
            found = observe_context(self._task(lambda before: before), self._account).context
        self._check_ours(found)
        return found

    def _check_ours(self, context: Context | None) -> None:
        mark = None if context is None else context.metadata.get(_MARK)
        if context is None or mark == self._record or (mark is not None and self.replace):
            return
        raise Failure(
            "context_not_ours",
            thing=f"docker context {self.name!r} on the controller",
            reason="there is such a context already, and it was not made here for this host and fleet",
            cure=f"Remove it (docker context rm {self.name}), or set contexts: false (expose_contexts in the role)",
        )

    def _files_of(self, client: str) -> dict[str, bytes | None]:
        """Return the client's bundle; None stands for what check mode has not made."""
        folder, check_mode = self.fleet.client_folder(client), self.fleet.check_mode
        if not all((folder / name).is_file() for name in _BUNDLE):
            return dict.fromkeys(_BUNDLE) if check_mode and client in self.clients else {}
        with self._errors():
            files: dict[str, bytes | None] = {name: (folder / name).read_bytes() for name in _BUNDLE}
        return {**files, **self._predicted(client)} if check_mode else files

    def _predicted(self, client: str) -> dict[str, bytes | None]:
        """Return what the run that check mode predicts has changed of the bundle before it comes here."""
        from .._fleet.ensure import predict_client

        try:
            return predict_client(self.fleet, client, keep_key_type=self.renewing)
        except Failure:
            return {}

    def _change(self, change: _Change, *, force: bool = False) -> dict[str, t.Any]:
        # What only some runs use is imported by them.
        from ansible_collections.gangway.docker.plugins.module_utils._context.machine import change_context

        with self._errors():
            return change_context(self._task(change, force=force), self._account)

    def _task(self, change: _Change, *, force: bool = False) -> ContextTask:
        return ContextTask(
            name=self.name,
            config=self._config,
            change=change,
            force=force,
            check_mode=self.fleet.check_mode,
            contents_unknown=True,
            option="DOCKER_CONFIG",
        )

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        return system_errors_as_failures(self._account.name, self._config, "DOCKER_CONFIG")
