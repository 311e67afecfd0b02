# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One machine's client bundle: what the module does in the phases plan, apply and forget."""

from __future__ import annotations

__all__ = ("run_client_bundle",)

import os
import typing as t

from .._account.account import Account, find_account
from .._account.changes import PRIVATE, Found, Wanted, folders_above
from .._account.errors import system_errors_as_failures
from .._account.files import belong_together, make_folder, observe, remove_file, remove_folder, replace_files
from .._account.pem import fingerprint_of
from .._context.config_json import current_context
from .._shared.failure import Failure
from .layout import Layout
from .manifest import Manifest, parse_manifest
from .pending_key import drop_pending_key, drop_stale_keys, make_pending_key, read_pending_key
from .plan import OPTION, Plan, plan_absent, plan_present
from .task import Task
from .wanted import Bundle, our_paths, wanted_files

#: The docker CLI's folder; DOCKER_CONFIG may name another, but nobody can know that from here.
_CONFIG = "~/.docker"


def run_client_bundle(task: Task) -> dict[str, t.Any]:
    """Plan, apply or forget; return the module's result. Raises M(Failure)."""
    try:
        account = find_account(task.user)
        with system_errors_as_failures(account.name, task.path, OPTION), account.rights():
            return _Machine(account, task).run()
    except Failure as exc:
        gone = exc.key in ("user_missing", "home_missing") and (
            task.path.startswith("~") or not os.path.lexists(task.path)
        )
        if task.state == "absent" and gone:
            # The account or its home is gone, and all that was there with it.
            return {"changed": False, "actions": [], "diff": [], "gone": True}
        raise


class _Machine:
    """The account's files, and the task, through one run."""

    def __init__(self, account: Account, task: Task) -> None:
        self.account = account
        self.task = task
        self.instructions = task.instructions
        folder = account.expand(task.path)
        # A home folder that is missing is no trouble where nothing goes into it.
        needed = task.options.contexts and task.state == "present"
        config = account.expand(_CONFIG) if needed else os.path.normpath(account.home + _CONFIG[1:])
        self.layout = Layout(folder, config)
        self.there = observe([*self.layout.bundle, self.layout.manifest, self.layout.config_json], [])
        self.known = self._known()
        known = self.known or Manifest("", "")
        self.paths = [*our_paths(self.layout, task.options), *known.files]
        folders = dict.fromkeys([*folders_above([*self.paths, self.layout.manifest]), *known.folders])
        listed = {self.layout.state, *known.folders, *map(os.path.dirname, self.paths)}
        self.there.update(observe(self.paths, folders, listed))

    def run(self) -> dict[str, t.Any]:
        if self.instructions.phase == "forget":
            return self._forget()
        return self._absent() if self.task.state == "absent" else self._present()

    def _known(self) -> Manifest | None:
        """Return what is ours. Where the manifest was lost, the certificate that the controller remembers tells."""
        options = self.task.options
        manifest = parse_manifest(self._content(self.layout.manifest), self.layout.manifest)
        if manifest is None and self._is_expected():
            return Manifest(options.client, options.fleet, tuple(our_paths(self.layout, options)))
        return manifest

    def _absent(self) -> dict[str, t.Any]:
        known, options = self.known, self.task.options
        if known is not None and (known.client, known.fleet) != (options.client, options.fleet):
            # What is there is another client's; ours is not.
            known = None
        plan = plan_absent(self.layout, self.there, known)
        if not self.task.check_mode:
            self._remove(plan)
        return {**_as_result(plan), "notes": self._about_current_context(plan)}

    def _forget(self) -> dict[str, t.Any]:
        """The certificate could not be signed: leave nothing of the attempt."""
        if self.instructions.pending is not None:
            drop_pending_key(self.layout, self.instructions.pending)
            state = self.there.get(self.layout.state)
            if (
                self.known is not None
                and state is not None
                and not any(path in self.there for path in self.known.files)
            ):
                left = state.entries - {os.path.basename(self.layout.pending(self.instructions.pending))}
                self.there[self.layout.state] = Found(state.kind, state.mode, state.uid, state.gid, entries=left)
                self._remove(plan_absent(self.layout, self.there, self.known))
        return _as_result(Plan())

    def _present(self) -> dict[str, t.Any]:
        instructions = self.instructions
        needs_identity = instructions.ca is not None
        problem = self._problem() if needs_identity and instructions.phase != "apply" else ""
        # What the controller says of a certificate is worth nothing for another one.
        meant = instructions.phase == "plan" and (instructions.certificate is None or self._is_expected())
        is_due = bool(problem) or (instructions.renew and meant)
        new_key = is_due and (bool(problem) or instructions.new_key)
        plan = self._plan(is_due=is_due, new_key=new_key)
        result = {
            **_as_result(plan),
            "user": self.account.name,
            "path": self.layout.folder,
            "config": self.layout.config,
            "problem": problem,
            "identity_is_due": is_due,
            "certificate": (self._content(self.layout.certificate) or b"").decode(errors="replace") or None,
            "notes": self._about_current_context(plan),
        }
        if new_key and not self.task.can_make_keys:
            raise _openssl_missing()
        if self.task.check_mode:
            return result
        if instructions.phase == "apply":
            self._apply(plan)
        elif is_due:
            result.update(self._make_csr(plan, new_key=new_key))
        return result

    def _problem(self) -> str:
        """Return why what is here is no identity, whatever its certificate says; empty: it is one."""
        layout = self.layout
        certificate, key = (self._content(path) for path in (layout.certificate, layout.key))
        if certificate is None or key is None:
            return "missing" if certificate is None and key is None else "incomplete"
        if fingerprint_of(certificate) is None:
            return "unreadable"
        if not belong_together(layout.certificate, layout.key):
            return "key and certificate do not belong together"
        return ""

    def _plan(self, *, is_due: bool, new_key: bool) -> Plan:
        instructions, layout = self.instructions, self.layout
        certificate = None if is_due else self._content(layout.certificate)
        if instructions.certificate is not None and (
            instructions.phase == "apply" or (not is_due and self._is_expected())
        ):
            certificate = instructions.certificate.encode()
        key = None if new_key else self._content(layout.key)
        if instructions.pending is not None:
            key = read_pending_key(layout, instructions.pending)
        bundle = None if instructions.ca is None else Bundle(instructions.ca.encode(), certificate, key)
        wanted = wanted_files(layout, self.task.options, bundle, instructions.urls, instructions.plain)
        owner = (self.account.uid, self.account.gid)
        return plan_present(layout, self.task.options, self.there, wanted, self.known, owner)

    def _make_csr(self, plan: Plan, *, new_key: bool) -> dict[str, str]:
        """Return the CSR, and the name of the key that waits for the certificate, if it is a new one."""

        def make_csr(path: str) -> str:
            return self.task.make_csr(path, self.instructions.csr_name)

        above_state = folders_above([self.layout.manifest])
        self._prepare_folders(plan, [folder for folder in plan.make_folders if folder in above_state])
        meanwhile = plan.manifest_meanwhile
        if meanwhile is not None:
            present = tuple(path for path in meanwhile.files if path in self.there)
            self._write_manifest(Manifest(meanwhile.client, meanwhile.fleet, present, meanwhile.folders))
        drop_stale_keys(self.layout)
        if not new_key:
            return {"csr": make_csr(self.layout.key)}
        return make_pending_key(self.layout, self.task.make_key, make_csr)

    def _apply(self, plan: Plan) -> None:
        try:
            self._prepare_folders(plan, plan.make_folders)
            if plan.changed and plan.manifest_meanwhile is not None:
                # First of all, so that whatever a run that is cut off leaves is known to be ours.
                self._write_manifest(plan.manifest_meanwhile)
            files = {path: file for path, file in plan.write.items() if path != self.layout.manifest}
            pair = (self.layout.certificate, self.layout.key)
            replace_files(files, self.account.gid, pair if any(path in files for path in pair) else None)
            self._remove(plan)
            if plan.changed and plan.manifest is not None:
                self._write_manifest(plan.manifest)
        finally:
            if self.instructions.pending is not None:
                drop_pending_key(self.layout, self.instructions.pending)

    def _prepare_folders(self, plan: Plan, missing: t.Iterable[str]) -> None:
        for folder, mode in plan.close_folders:
            os.chmod(folder, mode)
        for folder in missing:
            make_folder(folder, self.account)

    def _write_manifest(self, manifest: Manifest) -> None:
        replace_files({self.layout.manifest: Wanted(manifest.render(), PRIVATE)}, self.account.gid, None)

    def _remove(self, plan: Plan) -> None:
        for path in plan.remove:
            remove_file(path)
        for folder in plan.remove_folders:
            remove_folder(folder, self.account)

    def _content(self, path: str) -> bytes | None:
        found = self.there.get(path)
        return None if found is None else found.content

    def _is_expected(self) -> bool:
        """Whether the certificate here is the one that the controller means."""
        here = fingerprint_of(self._content(self.layout.certificate))
        return here is not None and here == fingerprint_of(self.instructions.certificate)

    def _about_current_context(self, plan: Plan) -> list[str]:
        context = current_context(self._content(self.layout.config_json))
        if context is None or self.layout.context_meta(context) not in plan.remove:
            return []
        return [
            f"docker context {context} is the current one of {self.account.name}; once it is gone, the docker command "
            "there needs 'docker context use default'."
        ]


def _as_result(plan: Plan) -> dict[str, t.Any]:
    return {"changed": plan.changed, "actions": plan.actions(), "diff": list(plan.diff)}


def _openssl_missing() -> Failure:
    return Failure(
        "openssl_missing",
        thing="the client's key",
        reason="this machine has neither the openssl command nor the Python package cryptography to make one with",
        cure="Install openssl (or python3-cryptography) there",
    )
