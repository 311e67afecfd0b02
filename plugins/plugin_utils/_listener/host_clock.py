# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a host's clock is from the controller's, from the module's answer, and whether that does harm."""

from __future__ import annotations

__all__ = ("HostClock",)

import datetime
import time

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .._pki.clock import TOLERATED_SKEW, describe_skew
from .._pki.profile import BACKDATE


class HostClock:
    """C(skew): seconds that the host's clock is ahead; 0 if it is within the time that the question took."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.skew = 0.0

    def note(self, asked: float, told: float) -> None:
        """C(told): what the host's clock showed at some moment between C(asked), by ours, and now."""
        self.skew = min(told - asked, 0.0) or max(told - time.time(), 0.0)

    def check(self, validity: datetime.timedelta) -> None:
        """Refuse a host whose dockerd would turn away every new certificate. Failure: C(clock_skew)."""
        if -BACKDATE.total_seconds() < self.skew < validity.total_seconds():
            return
        raise Failure(
            "clock_skew",
            thing=f"the clock of {self.host}",
            reason=f"it is {describe_skew(self.skew)}, so that dockerd there would take the clients' certificates for "
            f"{'ones of the future' if self.skew < 0 else 'expired ones'}",
            cure="Set the clock of one or the other (a time service such as chrony or systemd-timesyncd does it for "
            "good), and run again",
        )

    def warnings(self) -> list[str]:
        if abs(self.skew) <= TOLERATED_SKEW:
            return []
        return [f"The clock of {self.host} is {describe_skew(self.skew)}; certificates depend on both."]
