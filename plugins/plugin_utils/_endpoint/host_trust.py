# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host remembers of the trust that it was given: the fleet, its authority, and the generations of trust.

A generation is a list of the clients and CAs that daemons accept; it is kept as the digest of that list. A revocation
or a step of a rotation begins a new one. A fleet whose generations continue the host's may change the host. One that
lacks some of them is older, or has gone another way: it would accept clients again that were revoked.
"""

from __future__ import annotations

__all__ = ("HostTrust", "check_generations", "diff_of_trust")

import json
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._fleet.fleet import Fleet
from .._pki.authority import Authority
from .._pki.freshness import fingerprint
from .._plan.host.answer import Answer

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class HostTrust:
    """C(authority): the fingerprint of its certificate; C(generations): oldest first."""

    fleet: str
    authority: str
    generations: tuple[str, ...]

    @classmethod
    def of(cls, fleet: Fleet, authority: Authority) -> HostTrust:
        return cls(fleet.name, fingerprint(authority.certificate), authority.generations)

    @classmethod
    def read(cls, content: bytes) -> HostTrust:
        """Read what the host kept: as untrusted as all that a host answers. Failure: C(state_unreadable)."""
        try:
            answer = Answer(json.loads(content), "trust")
            generations = answer["generations"].names()
            if not generations or not all(map(_DIGEST.match, generations)):
                raise ValueError("generations are not digests")
            return cls(answer["fleet"].name(), answer["authority"].name(), generations)
        except (Failure, ValueError, RecursionError) as exc:
            raise Failure(
                "state_unreadable",
                thing=layout.TRUST,
                reason=f"the file that says whose clients the host accepts is damaged ({exc})",
                cure="Restore it from a backup. If this fleet's folder is surely the newest, remove the file; the next "
                "run writes it again",
            ) from exc

    def as_bytes(self) -> bytes:
        content = {"fleet": self.fleet, "authority": self.authority, "generations": list(self.generations)}
        return json.dumps(content, indent=2).encode() + b"\n"

    def is_continued_by(self, generations: t.Sequence[str]) -> bool:
        """Whether these begin with the host's."""
        return tuple(generations[: len(self.generations)]) == self.generations

    def describe(self) -> str:
        return _described(self.fleet, len(self.generations))

    def has_begun_with(self, generations: t.Sequence[str]) -> bool:
        """Whether both began with the same authority and clients."""
        return self.generations[:1] == tuple(generations[:1])


def diff_of_trust(before: bytes | None, fleet: Fleet) -> dict[str, str]:
    """Return a diff entry; an authority that check mode has not made begins with generation 1."""
    authority = fleet.authority()
    try:
        described = "" if before is None else HostTrust.read(before).describe()
    except Failure:
        described = "unreadable\n"
    after = _described(fleet.name, 1) if authority is None else HostTrust.of(fleet, authority).describe()
    return {"before_header": layout.TRUST, "after_header": layout.TRUST, "before": described, "after": after}


def _described(fleet: str, generation: int) -> str:
    return f"fleet: {fleet}\ngeneration of trust: {generation}\n"


def check_generations(fleet: Fleet, host: str, trust: HostTrust, authority: Authority) -> None:
    """Refuse to give a host a trust that is older than its own. Failure: C(trust_outdated)."""
    own, theirs = authority.generations, trust.generations
    if trust.is_continued_by(own):
        return
    older = theirs[: len(own)] == own
    raise Failure(
        "trust_outdated",
        thing=host,
        reason=f"it was given generation {len(theirs)} of the trust of fleet {trust.fleet!r}, and {fleet.folder} has "
        + (
            f"generation {len(own)}, which is older (a restored backup, or a second controller)"
            if older
            else f"generation {len(own)} of another history (two controllers have changed it on their own)"
        )
        + "; clients that were revoked would get access again",
        cure=f"Restore the newer folder as {fleet.folder}; to accept the older trust, set accept_older_trust "
        "(expose_accept_older_trust in the role) for one run, and revoke those clients again",
        generation=len(own),
        host_generation=len(theirs),
    )
