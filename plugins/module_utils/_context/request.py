# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of docker_context, and the task that they describe."""

from __future__ import annotations

__all__ = ("ARGUMENT_SPEC", "MUTUALLY_EXCLUSIVE", "REQUIRED_BY", "run_docker_context")

import typing as t

from .._account.account import Account
from .._account.errors import system_errors_as_failures
from .._account.files import belong_together
from .._account.pem import fingerprint_of
from .._shared.failure import Failure
from .archive import unpack
from .location import config_folder, context_account
from .machine import change_context, read_file
from .names import DEFAULT, check_context_name
from .store import ENDPOINT, Context, docker_endpoint
from .task import ContextTask

#: Paths have no type path: that would expand ~ for whoever runs Ansible.
ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "name": {"type": "str", "required": True},
    "docker_host": {"type": "str"},
    "description": {"type": "str"},
    "tls": {"type": "bool"},
    "validate_certs": {"type": "bool"},
    "ca_path": {"type": "str"},
    "client_cert": {"type": "str"},
    "client_key": {"type": "str", "no_log": False},
    "current": {"type": "bool"},
    "force": {"type": "bool", "default": False},
    "import_from": {"type": "str"},
    "export_to": {"type": "str"},
    "user": {"type": "str"},
    "config_dir": {"type": "str"},
}
_CONTENTS = ("docker_host", "description", "import_from", "export_to")
_OF_ENDPOINT = ("tls", "validate_certs", "ca_path", "client_cert", "client_key")
MUTUALLY_EXCLUSIVE = [("import_from", "docker_host"), ("import_from", "description")]
REQUIRED_BY = {
    **{option: ["docker_host"] for option in _OF_ENDPOINT},
    "client_cert": ["docker_host", "client_key"],
    "client_key": ["docker_host", "client_cert"],
}


def run_docker_context(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Return the module's result. Failures: see M(plan_change) and M(Account)."""
    check_context_name(params["name"])
    account = context_account(params["user"])
    config = config_folder(account) if params["config_dir"] is None else account.expand(params["config_dir"])
    present = params["state"] == "present"
    if params["name"] == DEFAULT and (not present or any(params[option] for option in _CONTENTS)):
        raise Failure(
            "context_name_invalid",
            thing=f"docker context {DEFAULT!r}",
            reason="the docker command makes it up from DOCKER_HOST, so it can't be changed or removed",
            cure="Choose another name; with this one, only current can be set",
        )
    with system_errors_as_failures(account.name, config, "config_dir"), account.rights():
        export_to = params["export_to"] if present else None
        task = ContextTask(
            name=params["name"],
            config=config,
            change=_changer(params, account) if present else (lambda before: None),
            current=params["current"] if present else None,
            force=params["force"],
            export_to=None if export_to is None else account.expand(export_to),
            check_mode=check_mode,
        )
        return change_context(task, account)


def _changer(params: t.Mapping[str, t.Any], account: Account) -> t.Callable[[t.Optional[Context]], t.Optional[Context]]:
    """Return what makes the requested context of the one that is there."""

    def change(before: t.Optional[Context]) -> t.Optional[Context]:
        if params["name"] == DEFAULT:
            return None
        if params["import_from"] is not None:
            path = account.expand(params["import_from"])
            return unpack(read_file(path), path)
        if before is None and params["docker_host"] is None:
            raise Failure(
                "context_missing",
                thing=f"docker context {params['name']!r}",
                reason="there is no such context, and no docker_host to make it with",
                cure="Set docker_host, or import_from",
            )
        context = before or Context()
        metadata, endpoints, tls = dict(context.metadata), dict(context.endpoints), dict(context.tls)
        if params["description"] is not None:
            metadata["Description"] = params["description"]
            if not params["description"]:
                # The CLI leaves it out, too.
                del metadata["Description"]
        if params["docker_host"] is not None:
            files, skip = _tls(params, account)
            endpoints.update(docker_endpoint(params["docker_host"], skip_verification=skip))
            tls.pop(ENDPOINT, None)
            if files:
                tls[ENDPOINT] = files
        return Context(metadata, endpoints, tls)

    return change


def _tls(params: t.Mapping[str, t.Any], account: Account) -> tuple[dict[str, t.Optional[bytes]], bool]:
    """Return the files, and whether the server's certificate is not verified.

    Failures: C(file_unreadable), C(certificate_unreadable), C(bundle_mismatch), C(context_without_ca).
    """
    # With the key first, certificate and key are put in place one right after the other.
    options = {"ca.pem": "ca_path", "key.pem": "client_key", "cert.pem": "client_cert"}
    paths = {file: account.expand(params[option]) for file, option in options.items() if params[option]}
    tls, validate = params["tls"], params["validate_certs"]
    if not validate and not (bool(paths) if tls is None else tls):
        return {}, False
    verify = validate is not False
    if verify and "ca.pem" not in paths:
        raise Failure(
            "context_without_ca",
            thing=f"docker context {params['name']!r}",
            reason="there is no CA to verify the server with, and without it the docker command would not use TLS",
            cure="Set ca_path",
        )
    files: dict[str, t.Optional[bytes]] = {file: read_file(path) for file, path in paths.items()}
    for file in ("ca.pem", "cert.pem"):
        if file in paths and fingerprint_of(files[file]) is None:
            raise Failure(
                "certificate_unreadable",
                thing=paths[file],
                reason="there is no certificate in PEM in it",
                cure="Name a file with a certificate",
            )
    if "key.pem" in paths and not belong_together(paths["cert.pem"], paths["key.pem"]):
        raise Failure(
            "bundle_mismatch",
            thing=f"{paths['cert.pem']} and {paths['key.pem']}",
            reason="they are no certificate and its key, or the key is encrypted, which the docker command refuses",
            cure="Name the two files of one identity",
        )
    return files, not verify
