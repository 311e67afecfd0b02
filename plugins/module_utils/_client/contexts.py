# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contexts of the docker CLI: their names and their meta.json. Pure."""

from __future__ import annotations

__all__ = ("context_names", "current_context", "render_meta")

import json
import re
import typing as t

from .._shared.failure import Failure

#: As the docker CLI checks names (cli/context/store); C(default) is its own.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+\Z")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_.+-]")


def context_names(endpoints: t.Sequence[str]) -> dict[str, str]:
    """Return the context's name by endpoint. Failure: C(context_name_taken)."""
    names: dict[str, str] = {}
    for endpoint in endpoints:
        name = _NOT_IN_NAMES.sub("-", endpoint)
        if not _NAME.match(name) or name == "default":
            name = f"gangway-{name}"
        other = next((other for other, taken in names.items() if taken == name and other != endpoint), None)
        if other is not None:
            raise Failure(
                "context_name_taken",
                thing=f"endpoints {other!r} and {endpoint!r}",
                reason=f"a docker context of either would be named {name}",
                cure="Leave one of them out, or set contexts: false (docker_client_contexts in the role)",
            )
        names[endpoint] = name
    return names


def render_meta(name: str, url: str, description: str) -> bytes:
    """Return meta.json. SkipTLSVerify is never on: the contents of ca.pem decide."""
    docker = {"Host": url, "SkipTLSVerify": False}
    meta = {"Name": name, "Metadata": {"Description": description}, "Endpoints": {"docker": docker}}
    return json.dumps(meta, separators=(",", ":")).encode()


def current_context(config_json: bytes | None) -> str | None:
    """Return the context that C(docker context use) has set."""
    try:
        config = json.loads(config_json or b"{}")
    except ValueError:
        return None
    name = config.get("currentContext") if isinstance(config, dict) else None
    return name if isinstance(name, str) else None
