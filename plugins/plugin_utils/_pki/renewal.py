# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a certificate is to be renewed: so many days before it expires, or with so much of its life left."""

from __future__ import annotations

__all__ = ("A_THIRD_LEFT", "RenewBefore", "describe_expiry", "expires_soon")

import datetime
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

if t.TYPE_CHECKING:
    from ansible_collections.gangway.docker.plugins.module_utils._shared.dependency import x509

_FORM = re.compile(r"(?P<number>\d+)(?P<unit>d|%)?\Z")
#: A century: more days than any certificate lives.
_MOST_DAYS = 36500
_SOON = datetime.timedelta(days=30)


@dataclass(frozen=True)
class RenewBefore:
    """C(days) before the end, or, where that is None, with this C(share) of the life left."""

    days: int | None = None
    share: float = 1 / 3

    @classmethod
    def parse(cls, text: str | None) -> RenewBefore:
        """Read C(30), C(30d) or C(25%); None or an empty text is one third of the life.

        Failure: C(invalid_renew_before).
        """
        if not text:
            return cls()
        match = _FORM.match(text.replace(" ", ""))
        number = int(match["number"]) if match else 0
        if match and match["unit"] == "%" and 0 < number < 100:
            return cls(share=number / 100)
        if match and match["unit"] != "%" and 0 < number <= _MOST_DAYS:
            return cls(days=number)
        raise Failure(
            "invalid_renew_before",
            thing=f"renew_before {text!r}",
            reason="it is neither a number of days (30, 30d) nor a share of the life between 1% and 99%",
            cure="Write, for example, 30d or 33%",
        )

    def is_due(self, certificate: x509.Certificate, now: datetime.datetime) -> bool:
        """Tell whether it is time, or the certificate's time has not come yet."""
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        margin = (end - begin) * self.share if self.days is None else datetime.timedelta(days=self.days)
        return now < begin or end - now < margin

    def check_validity(self, validity: int) -> None:
        """Refuse days that every new certificate would fall under. Failure: C(invalid_renew_before)."""
        if self.days is not None and self.days >= validity:
            raise Failure(
                "invalid_renew_before",
                thing=f"renew_before of {self.days} days",
                reason=f"certificates are valid for {validity} days, so each run would renew all of them",
                cure="Choose fewer days, or a longer validity",
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
