# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Env files: the same lines for a shell, for systemd and, as far as it can, for docker --env-file. Pure."""

from __future__ import annotations

__all__ = ("render_env_file",)

from .._shared.formats import Connection, as_env
from .._shared.quoting import quote_for_env_file

_UNSET = dict.fromkeys(("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"), "")


def render_env_file(connection: Connection) -> bytes:
    """Return the lines; C(set -a; . FILE) exports them.

    For an endpoint without TLS, what the file of another one has set before in the same shell is emptied: the docker
    CLI and docker-py take that as unset.
    """
    lines = {**_UNSET, **as_env(connection)}
    return "".join(f"{name}={quote_for_env_file(value)}\n" for name, value in lines.items()).encode()
