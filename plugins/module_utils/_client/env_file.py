# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Env files: the same lines for a shell, for systemd and, as far as it can, for docker --env-file. Pure."""

from __future__ import annotations

__all__ = ("render_env_file",)

import re

from .._shared.formats import Connection, as_env

#: Means itself to all readers, so it needs no quotes. C(~) is not here: a shell would expand it.
_PLAIN = re.compile(r"[A-Za-z0-9_@%+:,./\[\]-]*\Z")
#: What keeps a meaning inside double quotes: the same in POSIX sh (2.2.3) and in systemd.exec(5), EnvironmentFile=.
_SPECIAL = re.compile(r'([\\"$`])')
_UNSET = dict.fromkeys(("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"), "")


def render_env_file(connection: Connection) -> bytes:
    """Return the lines; C(set -a; . FILE) exports them.

    docker --env-file takes quotes for a part of the value, so there are none where it goes without. For an endpoint
    without TLS, what the file of another one has set before in the same shell is emptied: the docker CLI and docker-py
    take that as unset.
    """
    lines = {**_UNSET, **as_env(connection)}
    return "".join(f"{name}={_quote(value)}\n" for name, value in lines.items()).encode()


def _quote(value: str) -> str:
    return value if _PLAIN.match(value) else '"' + _SPECIAL.sub(r"\\\1", value) + '"'
