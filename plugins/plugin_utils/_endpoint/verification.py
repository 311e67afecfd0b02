# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifying an exposed daemon from the controller: it accepts its client and refuses revoked ones."""

from __future__ import annotations

__all__ = ("Verification", "verify_endpoint")

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

from .probe import is_turned_away, probe_endpoint


@dataclass(frozen=True)
class Verification:
    """What was seen. C(problem): why the client did not get in; C(refused): the revoked clients that did not."""

    problem: str | None
    refused: list[str] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        return self.problem is None


def verify_endpoint(name: str, url: str, client: Path, revoked: t.Mapping[str, Path]) -> Verification:
    """Try the client's bundle and those of revoked clients. Failure: C(revoked_client_let_in)."""
    problem = probe_endpoint(Connection(url, str(client)))
    refused = []
    # A port that turns away everybody proves nothing.
    for revoked_name, folder in revoked.items() if problem is None else ():
        turned_away = is_turned_away(Connection(url, str(folder)), f"{client}/ca.pem")
        if turned_away is False:
            raise Failure(
                "revoked_client_let_in",
                thing=f"client {revoked_name!r}",
                reason=f"it was revoked, and {name} ({url}) lets it in all the same",
                cure="Look at what dockerd trusts there (tlscacert in daemon.json), and run again",
            )
        if turned_away:
            refused.append(revoked_name)
    return Verification(problem, refused)
