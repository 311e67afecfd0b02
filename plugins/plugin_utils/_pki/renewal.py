# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a certificate is renewed: a duration before it expires, or when a share of its life is left."""

from __future__ import annotations

__all__ = ("A_THIRD_LEFT", "RenewBefore", "describe_expiry", "expires_soon")

import datetime
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .duration import describe_duration, parse_duration_or_share

if t.TYPE_CHECKING:
    from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509

_SOON = datetime.timedelta(days=30)


@dataclass(frozen=True)
class RenewBefore:
    """This C(duration) before the end, or, where that is None, with this C(share) of the life left."""

    duration: datetime.timedelta | None = None
    share: float = 1 / 3

    @classmethod
    def parse(cls, value: str | int | None) -> RenewBefore:
        """Read C(30), C(30d), C(12h) or C(25%); None or an empty text is one third of the life.

        Failure: C(invalid_renew_before).
        """
        if value is None or value == "":
            return cls()
        parsed = parse_duration_or_share("renew_before", value, failure="invalid_renew_before")
        return cls(duration=parsed) if isinstance(parsed, datetime.timedelta) else cls(share=parsed)

    def is_due(self, certificate: x509.Certificate, now: datetime.datetime) -> bool:
        """Tell whether it is time, or the certificate's time has not come yet."""
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        margin = (end - begin) * self.share if self.duration is None else self.duration
        return now < begin or end - now < margin

    def check_validity(self, validity: datetime.timedelta) -> None:
        """Refuse a duration that every new certificate would fall under. Failure: C(invalid_renew_before)."""
        if self.duration is not None and self.duration >= validity:
            raise Failure(
                "invalid_renew_before",
                thing=f"renew_before {describe_duration(self.duration)}",
                reason=f"certificates are valid for {describe_duration(validity)}, so each run would renew all of them",
                cure="Set a shorter renew_before, or a longer validity",
            )


A_THIRD_LEFT = RenewBefore()


def expires_soon(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    """Tell whether people should hear of it: 30 days are left, or a third of the life where that is less."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return end - now < min(_SOON, (end - begin) / 3)


def describe_expiry(certificate: x509.Certificate, now: datetime.datetime) -> str:
    """Return, for example, C(expires in 12 d), C(expired on 2026-11-20) or C(not valid before ...)."""
    if now < certificate.not_valid_before_utc:
        return f"not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    left = certificate.not_valid_after_utc - now
    if left.total_seconds() <= 0:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return f"expires in {left.days} d" if left.days else f"expires in {int(left.total_seconds() // 3600)} h"
