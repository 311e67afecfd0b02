# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lets only the host itself through until the port is proved."""

from __future__ import annotations

__all__ = ("choose_gate",)

from .firewall import FirewallFacts


def choose_gate(facts: FirewallFacts, *, method: str, firewall: str) -> str:
    """Return C(socket), the access list of our socket unit, where systemd filters packets; else C(nftables).

    C(none) for method gateway: HAProxy knows no connection without a certificate.
    """
    if method == "gateway":
        return "none"
    if method != "socket" or firewall == "nftables":
        return "nftables"
    filters = facts.filtering is True and not facts.slices_allow
    return "socket" if filters or firewall == "systemd" else "nftables"
