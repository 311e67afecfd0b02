# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access list of our socket unit (IPAddressAllow=, see systemd.resource-control(5)); method socket only.

It is part of the unit, which the method renders, so there is nothing to load here.
"""

from __future__ import annotations

__all__ = ("SYSTEMD", "SystemdFirewall")

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from .firewall import Access, FirewallFacts
from .none import NoFirewall


class SystemdFirewall(NoFirewall):
    """Packets are filtered by cgroup. systemd logs a warning and opens the port where the kernel can't do that."""

    name = "systemd"

    def unsuitable(self, facts: FirewallFacts, access: Access, *, method: str) -> Failure | None:
        if method not in ("socket", "gateway"):
            return Failure(
                "firewall_unsupported",
                thing="firewall systemd",
                reason=f"systemd filters for units; with method {method} the port belongs to dockerd, and the list "
                "would apply to all of dockerd's traffic",
                cure="Choose nftables (expose_firewall in the role), or method socket",
            )
        thing = "the access list (IPAddressAllow= of systemd)"
        if facts.slices_allow:
            return Failure(
                "filtering_unsupported",
                thing=thing,
                reason=f"it would not be in force: a slice above the socket unit allows {facts.slices_allow} "
                "(IPAddressAllow= of system.slice or -.slice)",
                cure="Remove that setting from the slice",
            )
        if facts.filtering is not True:
            error = facts.filtering_error.strip()
            return Failure(
                "filtering_unsupported",
                thing=thing,
                reason="it would not be in force: systemd on this host can't filter packets by cgroup "
                f"(cgroup v2 and BPF are needed{'; ' + error if error else ''})",
                cure="Boot the host with cgroup v2 (systemd.unified_cgroup_hierarchy=1) and a kernel with "
                "CONFIG_CGROUP_BPF; in a container, allow bpf(2). Or choose nftables (expose_firewall in the role)",
            )
        return None


SYSTEMD = SystemdFirewall()
