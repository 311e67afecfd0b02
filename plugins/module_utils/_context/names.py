# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of docker contexts. Pure."""

from __future__ import annotations

__all__ = ("DEFAULT", "check_context_name", "context_name")

import re

from .._shared.failure import Failure

#: The context that the docker CLI makes up from DOCKER_HOST; no folder has it.
DEFAULT = "default"
#: As the docker CLI checks names (cli/context/store).
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+\Z")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_.+-]")


def check_context_name(name: str) -> None:
    """Refuse what the CLI refuses, except C(default). Failure: C(context_name_invalid)."""
    if not _NAME.match(name):
        raise Failure(
            "context_name_invalid",
            thing=f"docker context {name!r}",
            reason="a context's name has two or more characters: letters, digits and _.+-, the first a letter or digit",
            cure="Choose another name",
        )


def context_name(endpoint: str) -> str:
    """Return the name of an endpoint's context: the endpoint's, as far as the CLI takes it."""
    name = _NOT_IN_NAMES.sub("-", endpoint)
    return f"gangway-{name}" if not _NAME.match(name) or name == DEFAULT else name
