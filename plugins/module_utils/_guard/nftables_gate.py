# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate in nftables: a chain of our table that every packet to the port passes before the access list.

After each start of dockerd only the host itself may reach the port, until a proof has passed. C(accept) ends our table
(other tables may still drop), and a chain that comes to its end returns to the access list.
"""

from __future__ import annotations

__all__ = ("CHAIN", "RULES", "TABLE", "transaction")

#: Family and name, as in C(nft list table inet gangway_docker).
TABLE = "inet gangway_docker"
CHAIN = "gate"
_HOST = 'iif "lo" accept'
#: The chain's rules in each state. C(narrow): only the host itself gets through; C(open): so does the access list;
#: C(shut): nobody, since the proof failed.
RULES = {
    "narrow": (_HOST, 'counter drop comment "not proved yet"'),
    "open": (_HOST,),
    "shut": ('counter drop comment "shut"',),
}


def transaction(state: str) -> str:
    """Return the text for C(nft -f -) that brings a state into force at once; it fails if the table is missing."""
    rules = "".join(f"add rule {TABLE} {CHAIN} {rule}\n" for rule in RULES[state])
    return f"flush chain {TABLE} {CHAIN}\n{rules}"
