# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an endpoint is: DOCKER_HOST as the docker command writes it. Pure."""

from __future__ import annotations

__all__ = ("Target", "parse_target")

import urllib.parse
from dataclasses import dataclass

from .._shared.failure import Failure

_SCHEMES = ("tcp", "http", "https")


@dataclass(frozen=True)
class Target:
    """A name or address (IPv6 without brackets) and a port; C(scheme): tcp, http or https."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def parse_target(docker_host: str) -> Target:
    """Return the parts of C(tcp://HOST:PORT); the scheme may be missing. Failure: C(invalid_docker_host)."""
    written = docker_host.strip()
    try:
        parts = urllib.parse.urlsplit(written if "://" in written else f"tcp://{written}")
        host, port = parts.hostname, parts.port
    except ValueError as exc:
        raise _invalid(docker_host, str(exc), "Write tcp://HOST:PORT") from exc
    if parts.scheme not in _SCHEMES:
        raise _invalid(docker_host, "it is not a TCP endpoint", "Write tcp://HOST:PORT")
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise _invalid(docker_host, "it is not HOST:PORT", "Write tcp://HOST:PORT, an IPv6 address in brackets")
    if not port:
        # The docker command takes 2375 even with TLS, docker-py takes 2376.
        raise _invalid(docker_host, "it has no port, and clients differ in what they take instead", "Write the port")
    return Target(parts.scheme, host, port)


def _invalid(docker_host: str, reason: str, cure: str) -> Failure:
    return Failure("invalid_docker_host", thing=f"docker_host {docker_host!r}", reason=reason, cure=cure)
