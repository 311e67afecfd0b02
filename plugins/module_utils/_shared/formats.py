# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection facts in the forms that Docker's clients take. Pure."""

from __future__ import annotations

__all__ = ("FORMATS", "Connection", "as_argv", "as_env", "as_files", "as_https_url", "as_module_defaults", "render")

import typing as t
from dataclasses import dataclass

FORMATS = ("env", "module_defaults", "argv", "url", "https_url", "files")


@dataclass(frozen=True)
class Connection:
    """A URL (C(tcp://host:port)) and the folder of the client's bundle; None: the endpoint has no TLS."""

    url: str
    cert_path: t.Optional[str]


def as_env(connection: Connection) -> dict[str, str]:
    """For the docker CLI, compose and SDKs. DOCKER_TLS_VERIFY is only ever 1: the CLI takes 0 as on, too.

    Without TLS it is left out. Empty, it would switch TLS off for the CLI and docker-py even where it is set around,
    but modules of community.docker read it as a boolean and fail (seen with 4.8).
    """
    if connection.cert_path is None:
        return {"DOCKER_HOST": connection.url}
    return {"DOCKER_HOST": connection.url, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": connection.cert_path}


def as_module_defaults(connection: Connection) -> dict[str, t.Any]:
    """For C(module_defaults) of C(group/community.docker.docker)."""
    if connection.cert_path is None:
        # Both said, since DOCKER_TLS_VERIFY in the environment stands for either that is not.
        return {"docker_host": connection.url, "tls": False, "validate_certs": False}
    return {
        "docker_host": connection.url,
        "tls": True,
        "validate_certs": True,
        "ca_path": f"{connection.cert_path}/ca.pem",
        "client_cert": f"{connection.cert_path}/cert.pem",
        "client_key": f"{connection.cert_path}/key.pem",
    }


def as_argv(connection: Connection) -> list[str]:
    """The docker CLI's global options.

    None of them switches TLS off: --tlsverify=false switches it on, and DOCKER_TLS_VERIFY wins over --tls=false.
    """
    if connection.cert_path is None:
        return [f"--host={connection.url}"]
    return [
        f"--host={connection.url}",
        "--tlsverify",
        f"--tlscacert={connection.cert_path}/ca.pem",
        f"--tlscert={connection.cert_path}/cert.pem",
        f"--tlskey={connection.cert_path}/key.pem",
    ]


def as_https_url(connection: Connection) -> str:
    """For HTTP clients, and for those of Docker's that ignore their TLS settings with C(tcp://), as Prometheus does."""
    scheme = "http" if connection.cert_path is None else "https"
    return f"{scheme}://{connection.url.partition('://')[2]}"


def as_files(connection: Connection) -> dict[str, t.Optional[str]]:
    """The paths of CA, certificate and key; None without TLS."""
    folder = connection.cert_path
    return {name: None if folder is None else f"{folder}/{name}.pem" for name in ("ca", "cert", "key")}


def render(connection: Connection, form: str) -> t.Any:
    """Return the facts in one of C(FORMATS)."""
    renderers: dict[str, t.Callable[[Connection], t.Any]] = {
        "env": as_env,
        "module_defaults": as_module_defaults,
        "argv": as_argv,
        "url": lambda c: c.url,
        "https_url": as_https_url,
        "files": as_files,
    }
    return renderers[form](connection)
