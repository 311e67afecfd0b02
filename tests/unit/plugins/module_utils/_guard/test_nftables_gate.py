# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What brings the gate into a state; test_nftables_table.py loads it on hosts."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._guard.nftables_gate import RULES, transaction

HOST = 'add rule inet gangway_docker gate iif "lo" accept'
DROP = "add rule inet gangway_docker gate counter drop comment"


@pytest.mark.parametrize(
    ("state", "rules"),
    [
        ("narrow", [HOST, f'{DROP} "not proved yet"']),
        ("open", [HOST]),
        ("shut", [f'{DROP} "shut"']),
    ],
)
def test_a_state_replaces_the_one_before_in_one_transaction(state: str, rules: list[str]) -> None:
    assert transaction(state).splitlines() == ["flush chain inet gangway_docker gate", *rules]
    assert state in RULES


def test_there_are_no_other_states() -> None:
    assert set(RULES) == {"narrow", "open", "shut"}
