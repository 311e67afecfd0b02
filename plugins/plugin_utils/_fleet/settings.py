# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a fleet's authority and identities are made: the options that all of our plugins share."""

from __future__ import annotations

__all__ = ("Settings",)

import datetime
import typing as t
from dataclasses import dataclass, field, fields

from ansible_collections.gangway.docker.plugins.module_utils._shared.key_types import DEFAULT_KEY_TYPE

from .._pki.duration import parse_duration
from .._pki.renewal import A_THIRD_LEFT, RenewBefore


@dataclass(frozen=True)
class Settings:
    """How keys and certificates are made. C(authority_certificate) and C(authority_key): paths of the user's own CA."""

    key_type: str = DEFAULT_KEY_TYPE
    validity: datetime.timedelta = datetime.timedelta(days=365)
    renew_before: RenewBefore = A_THIRD_LEFT
    authority_key_type: str = DEFAULT_KEY_TYPE
    authority_validity: datetime.timedelta = datetime.timedelta(days=3650)
    authority_certificate: str | None = None
    authority_key: str | None = None
    passphrase: str | None = field(default=None, repr=False)
    sign_command: str | None = None

    def __post_init__(self) -> None:
        if self.sign_command is None:
            self.renew_before.check_validity(self.validity)

    @classmethod
    def of(cls, arguments: t.Mapping[str, t.Any]) -> Settings:
        """Read a task's arguments. Failures: C(invalid_validity), C(invalid_renew_before)."""
        given = {f.name: arguments[f.name] for f in fields(cls) if arguments.get(f.name) not in (None, "")}
        for option in ("validity", "authority_validity"):
            if option in given:
                given[option] = parse_duration(option, given[option], failure="invalid_validity")
        return cls(**{**given, "renew_before": RenewBefore.parse(arguments.get("renew_before"))})
