# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mark of tests that show an attack: SECURITY.md lists them, see tests/security.py."""

from __future__ import annotations

import pytest

#: Who attacks; SECURITY.md has a section for each.
NETWORK = "Network attacker"
CLIENT_KEY = "Stolen client key"
CONTROLLER = "Stolen controller"
HOST = "Compromised host"
LOCAL_USER = "Local user on a host"
ADMIN = "Careless admin"
ATTACKERS = (NETWORK, CLIENT_KEY, CONTROLLER, HOST, LOCAL_USER, ADMIN)


def attack(name: str, *, by: str, expected: str) -> pytest.MarkDecorator:
    """Mark a test, or one set of its parameters, as the one that shows what comes of this attack.

    C(by) is one of ATTACKERS. A test may have several of these marks. Afterwards, run C(python -m tests.security).
    """
    if by not in ATTACKERS:
        raise ValueError(f"{by} is none of ATTACKERS")
    return pytest.mark.attack(name, by=by, expected=expected)
