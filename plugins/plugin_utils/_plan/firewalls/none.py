# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No access list: TLS alone protects the port."""

from __future__ import annotations

__all__ = ("NONE", "NoFirewall")

import typing as t

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.steps import Step

from .firewall import Access, FirewallFacts, WayOfRules


class NoFirewall:
    """It has no rules, so nothing to load or to remove."""

    name = "none"
    paths: tuple[str, ...] = ()
    boot_units: tuple[str, ...] = ()

    def unsuitable(self, facts: FirewallFacts, access: Access, *, method: str) -> Failure | None:
        return None

    def is_present(self, facts: FirewallFacts) -> bool:
        return False

    def files(self, facts: FirewallFacts, access: Access) -> t.Mapping[str, str]:
        return {}

    def in_force(self, facts: FirewallFacts, access: Access) -> bool:
        return True

    def checks(self, facts: FirewallFacts, access: Access) -> tuple[str, ...]:
        return ()

    def load(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        return ()

    def narrow(self, facts: FirewallFacts, access: Access) -> tuple[Step, ...]:
        return ()

    def unload(self, facts: FirewallFacts) -> tuple[Step, ...]:
        return ()

    def way_back(self, facts: FirewallFacts, access: Access | None) -> WayOfRules:
        return WayOfRules()


NONE = NoFirewall()
