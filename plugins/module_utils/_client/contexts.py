# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of a client's docker contexts. Pure."""

from __future__ import annotations

__all__ = ("context_names",)

import typing as t

from .._context.names import context_name
from .._shared.failure import Failure


def context_names(endpoints: t.Sequence[str]) -> dict[str, str]:
    """Return the context's name by endpoint. Failure: C(context_name_taken)."""
    names: dict[str, str] = {}
    for endpoint in endpoints:
        name = context_name(endpoint)
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
