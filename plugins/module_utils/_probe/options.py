# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of endpoint_info: names are those of community.docker where it has one."""

from __future__ import annotations

__all__ = ("ENDPOINT_ARGUMENTS", "parse_request")

import os
import typing as t

from .._shared.failure import Failure
from .request import Request
from .target import parse_target
from .tls.contexts import ClientTls

ENDPOINT_ARGUMENTS: t.Dict[str, t.Any] = {
    "docker_host": {"type": "str"},
    "tls": {"type": "bool"},
    "validate_certs": {"type": "bool", "aliases": ["tls_verify"]},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "cert_path": {"type": "path"},
    "tls_hostname": {"type": "str"},
    "timeout": {"type": "float", "default": 10.0},
    "wait": {"type": "float", "default": 0.0},
    "api_versions": {"type": "str"},
}


def parse_request(options: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> Request:
    """Return the probe that the options ask for; DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH are read.

    Failure: C(docker_host_missing), C(invalid_docker_host), C(invalid_timeout), C(incomplete_identity).
    """
    docker_host = options["docker_host"] or environment.get("DOCKER_HOST")
    if not docker_host:
        raise Failure(
            "docker_host_missing",
            thing="docker_host",
            reason="it is not set, and neither is DOCKER_HOST where the module runs",
            cure="Set it to tcp://HOST:PORT",
        )
    for name, least in (("timeout", 0.1), ("wait", 0.0)):
        if not least <= options[name] <= 86400:
            raise Failure(
                "invalid_timeout",
                thing=f"{name} {options[name]}",
                reason=f"it is not between {least} and 86400",
                cure="Give a number of seconds",
            )
    target = parse_target(docker_host)
    tls = _tls(options, environment, target.scheme)
    if target.scheme == "http" and tls is not None:
        raise Failure(
            "invalid_docker_host",
            thing=f"docker_host {docker_host!r}",
            reason="http is without TLS, and other options are for TLS",
            cure="Write tcp://HOST:PORT",
        )
    return Request(target, tls, timeout=options["timeout"])


def _tls(options: t.Mapping[str, t.Any], environment: t.Mapping[str, str], scheme: str) -> t.Optional[ClientTls]:
    # As for the docker command, any value is on, 0 too.
    by_environment = bool(environment.get("DOCKER_TLS_VERIFY"))
    given = any(options[name] for name in ("cert_path", "ca_path", "client_cert"))
    verify = options["validate_certs"]
    if verify is None:
        verify = not options["tls"] and options["tls"] is not False and (given or by_environment or scheme == "https")
    if not verify and not options["tls"] and scheme != "https":
        return None
    folder = options["cert_path"] or environment.get("DOCKER_CERT_PATH")
    ca, certificate, key = options["ca_path"], options["client_cert"], options["client_key"]
    if (certificate is None) != (key is None):
        raise Failure(
            "incomplete_identity",
            thing="client_cert, client_key",
            reason="one of them is set, and the other is not",
            cure="Set both, or none",
        )
    if folder:
        ca = ca or os.path.join(folder, "ca.pem")
        if certificate is None:
            certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    return ClientTls(verify=bool(verify), ca=ca, certificate=certificate, key=key, name=options["tls_hostname"])
