# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The current context, in the docker CLI's config.json; all else in the file stays as it is. Pure."""

from __future__ import annotations

__all__ = ("current_context", "with_current_context")

import json

from .._guard.daemon_json import restore
from .._shared.failure import Failure

_KEY = "currentContext"


def current_context(config_json: bytes | None) -> str | None:
    """Return the context that C(docker context use) has set."""
    try:
        config = json.loads(config_json or b"{}")
    except ValueError:
        return None
    name = config.get(_KEY) if isinstance(config, dict) else None
    return name if isinstance(name, str) and name else None


def with_current_context(config_json: bytes | None, name: str | None, path: str) -> bytes:
    """Return the file with this context as the current one; None: the default. Failure: C(config_json_unreadable)."""
    try:
        text = restore((config_json or b"").decode(), {_KEY: None if name is None else json.dumps(name)})
    except ValueError as exc:
        raise Failure(
            "config_json_unreadable",
            thing=path,
            reason=f"it is not the docker command's configuration ({exc})",
            cure="Correct the file, then run again",
        ) from exc
    return text.encode()
