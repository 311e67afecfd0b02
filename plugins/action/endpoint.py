# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""endpoint: see DOCUMENTATION of the module."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.options import FLEET_ARGUMENTS
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.action import FleetAction
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.gangway.docker.plugins.plugin_utils._fleet.on_disk.access import check_access
from ansible_collections.gangway.docker.plugins.plugin_utils._foreign.docker_machine import machine_names, read_machine
from ansible_collections.gangway.docker.plugins.plugin_utils._foreign.endpoint import (
    BundleFiles,
    ForeignEndpoint,
    parse_url,
)
from ansible_collections.gangway.docker.plugins.plugin_utils._foreign.recording import Change, forget, record

_FILES = ("ca_path", "client_cert", "client_key")


class ActionModule(FleetAction):
    """Records endpoints of daemons that others expose, or forgets them."""

    arguments: t.ClassVar[dict[str, t.Any]] = {
        **FLEET_ARGUMENTS,
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str"},
        "url": {"type": "str"},
        "cert_path": {"type": "path"},
        "ca_path": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "tls": {"type": "bool", "default": True},
        "copy": {"type": "bool", "default": False},
        "machines": {"type": "path"},
    }
    constraints: t.ClassVar[dict[str, t.Any]] = {
        "required_one_of": [["name", "machines"]],
        "mutually_exclusive": [["name", "machines"], ["url", "machines"], ["cert_path", "machines", "ca_path"]],
        "required_together": [_FILES],
        "required_by": {"url": ["name"]},
    }

    def carry_out(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        check_access(fleet.folder)
        with fleet.lock():
            changes, skipped = self._machines(fleet, args) if args["machines"] else ([self._one(fleet, args)], [])
            # Before it is written: file modes are then as they should be.
            due = [change for change in changes if change.changed]
            diff = [change.as_diff() for change in due]
            for change in due:
                if not fleet.check_mode:
                    change.write(fleet)
        return {
            "changed": bool(due),
            "endpoints": [change.after.as_facts() for change in changes if change.after is not None],
            "skipped_machines": skipped,
            "diff": diff,
            "warnings": [f"Machine {each['name']} is left out. {each['msg']}" for each in skipped],
        }

    def _one(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> Change:
        if args["state"] == "absent":
            return forget(fleet, args["name"])
        return record(fleet, _endpoint(args), copy=args["copy"])

    def _machines(self, fleet: Fleet, args: t.Mapping[str, t.Any]) -> tuple[list[Change], list[dict[str, t.Any]]]:
        """One machine that can't be recorded keeps no other from it."""
        folder = Path(os.path.abspath(args["machines"]))
        changes, skipped = [], []
        for name in machine_names(folder):
            try:
                if args["state"] == "absent":
                    changes.append(forget(fleet, name))
                else:
                    changes.append(record(fleet, read_machine(folder / name), copy=args["copy"]))
            except Failure as exc:
                skipped.append({"name": name, **exc.as_result()})
        return changes, skipped


def _endpoint(args: t.Mapping[str, t.Any]) -> ForeignEndpoint:
    """Return what the options describe. Failures: C(invalid_url), C(bundle_missing), C(bundle_unneeded)."""
    name: str = args["name"]
    files = None
    if args["cert_path"]:
        files = BundleFiles.in_folder(_absolute(args["cert_path"]))
    elif args["ca_path"]:
        files = BundleFiles(*(_absolute(args[option]) for option in _FILES))
    if args["tls"] and files is None:
        raise Failure(
            "bundle_missing",
            thing=f"endpoint {name!r}",
            reason="no bundle was given for its client",
            cure="Set cert_path, or ca_path, client_cert and client_key; for a daemon without TLS, set tls to false",
        )
    if not args["tls"] and files is not None:
        raise Failure(
            "bundle_unneeded",
            thing=f"endpoint {name!r}",
            reason="tls is false, and a bundle was given",
            cure="Set only one of them",
        )
    return ForeignEndpoint(name, parse_url(args["url"] or ""), files)


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(path))
