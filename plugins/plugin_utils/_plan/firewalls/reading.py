# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an observation says of firewalls."""

from __future__ import annotations

__all__ = ("facts_of",)

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.answer import Answer
from ..host.observation import Attributes
from ..host.observed import Observed
from .choice import PATHS
from .facts import parse_firewalld, parse_ufw
from .firewall import FirewallFacts


def facts_of(observed: Observed) -> FirewallFacts:
    """Return the facts. Failure: C(host_answer_invalid)."""
    observation = observed.observation
    files = [path for path in PATHS if path in observed.files]
    return FirewallFacts(
        init=observed.init,
        python=observation.python,
        tools=observation.tools,
        files={path: observation.text(path) for path in files},
        loose_files=frozenset(path for path in files if observed.attributes(path) != Attributes(0o644)),
        filtering=observation.filtering,
        filtering_error=observation.filtering_error,
        slices_allow=observed.slices_allow,
        nftables=observation.firewalls["nftables"].optional(Answer.text),
        is_watched=observation.is_active(layout.FIREWALL_WATCH_SERVICE),
        firewalld=parse_firewalld(observation.firewalls["firewalld"]),
        ufw=parse_ufw(observation.firewalls["ufw"]),
    )
