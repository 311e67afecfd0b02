# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The docker CLI's context store (cli/context/store): where a context lies, and its meta.json. Pure."""

from __future__ import annotations

__all__ = ("ENDPOINT", "Context", "ContextFolder", "docker_endpoint", "parse_meta", "render_meta")

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

from .._shared.failure import Failure

#: The only endpoint that the docker CLI uses; old ones may have others.
ENDPOINT = "docker"


@dataclass(frozen=True)
class ContextFolder:
    """Paths below the docker CLI's own folder (DOCKER_CONFIG)."""

    config: str

    @property
    def config_json(self) -> str:
        return f"{self.config}/config.json"

    def meta_folder(self, context: str) -> str:
        return f"{self.config}/contexts/meta/{_digest(context)}"

    def meta(self, context: str) -> str:
        return f"{self.meta_folder(context)}/meta.json"

    def tls_folder(self, context: str) -> str:
        """Return the folder that has one for each endpoint."""
        return f"{self.config}/contexts/tls/{_digest(context)}"

    def tls(self, context: str, endpoint: str = ENDPOINT) -> str:
        return f"{self.tls_folder(context)}/{endpoint}"


def _digest(context: str) -> str:
    """Return the folder name that the store gives a context."""
    return hashlib.sha256(context.encode()).hexdigest()


@dataclass(frozen=True)
class Context:
    """One context. C(tls): the files by endpoint and name; None: other than what is there, and not known yet."""

    metadata: t.Mapping[str, t.Any] = field(default_factory=dict)
    endpoints: t.Mapping[str, t.Any] = field(default_factory=dict)
    tls: t.Mapping[str, t.Mapping[str, t.Optional[bytes]]] = field(default_factory=dict, repr=False)

    @property
    def description(self) -> str:
        return str(self.metadata.get("Description") or "")

    @property
    def host(self) -> str:
        return str(self._docker.get("Host") or "")

    @property
    def skips_verification(self) -> bool:
        return self._docker.get("SkipTLSVerify") is True

    @property
    def files(self) -> t.Mapping[str, t.Optional[bytes]]:
        """The docker endpoint's C(ca.pem), C(cert.pem) and C(key.pem)."""
        return self.tls.get(ENDPOINT, {})

    @property
    def _docker(self) -> t.Mapping[str, t.Any]:
        endpoint = self.endpoints.get(ENDPOINT)
        return endpoint if isinstance(endpoint, dict) else {}


def docker_endpoint(host: str, *, skip_verification: bool = False) -> dict[str, t.Any]:
    """Return what Endpoints has of the engine. Without files, and not skipping, the CLI uses no TLS."""
    return {ENDPOINT: {"Host": host, "SkipTLSVerify": skip_verification}}


def render_meta(name: str, context: Context) -> bytes:
    """Return meta.json, spaced as the CLI writes it."""
    meta = {"Name": name, "Metadata": context.metadata, "Endpoints": context.endpoints}
    return json.dumps(meta, separators=(",", ":")).encode()


def parse_meta(content: bytes, path: str) -> Context:
    """Return the context, without its files. Keys in any case, as in Go. Failure: C(context_unreadable)."""
    try:
        meta = json.loads(content)
        found = {key.lower(): value for key, value in meta.items()}
        metadata, endpoints = found.get("metadata") or {}, found.get("endpoints") or {}
        if not isinstance(metadata, dict) or not isinstance(endpoints, dict):
            raise ValueError("Metadata and Endpoints are no objects")
        return Context(metadata, endpoints)
    except (ValueError, AttributeError, RecursionError) as exc:
        raise Failure(
            "context_unreadable",
            thing=path,
            reason=f"it is not the meta.json of a docker context ({exc})",
            cure="Remove the context (docker context rm --force, or state: absent and force: true), then run again",
        ) from exc
