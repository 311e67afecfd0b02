# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a fleet's authority and identities are made: the options that all of our plugins share."""

from __future__ import annotations

__all__ = ("Settings",)

import typing as t
from dataclasses import dataclass, field, fields

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import DEFAULT_KEY_TYPE

from .._pki.renewal import A_THIRD_LEFT, RenewBefore

_MAXIMUM_VALIDITY = 36500

#: Where the fleet is, and how its authority is opened; documented in doc_fragments/fleet.py.


@dataclass(frozen=True)
class Settings:
    """Validity is in days; C(authority_certificate) and C(authority_key) are paths of a CA that the user brings."""

    key_type: str = DEFAULT_KEY_TYPE
    validity: int = 365
    renew_before: RenewBefore = A_THIRD_LEFT
    authority_key_type: str = DEFAULT_KEY_TYPE
    authority_validity: int = 3650
    authority_certificate: str | None = None
    authority_key: str | None = None
    passphrase: str | None = field(default=None, repr=False)
    sign_command: str | None = None

    def __post_init__(self) -> None:
        for days in (self.validity, self.authority_validity):
            _check_validity(days)
        if self.sign_command is None:
            self.renew_before.check_validity(self.validity)

    @classmethod
    def of(cls, arguments: t.Mapping[str, t.Any]) -> Settings:
        """Take what a plugin was given. Failures: C(invalid_validity), C(invalid_renew_before)."""
        given = {f.name: arguments[f.name] for f in fields(cls) if arguments.get(f.name) not in (None, "")}
        return cls(**{**given, "renew_before": RenewBefore.parse(arguments.get("renew_before"))})


def _check_validity(days: int) -> None:
    if not 0 < days <= _MAXIMUM_VALIDITY:
        raise Failure(
            "invalid_validity",
            thing=f"validity of {days} days",
            reason=f"it is not between 1 and {_MAXIMUM_VALIDITY}",
            cure="Choose another",
        )
