# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate's record: its state in force, and when dockerd was last about to start, since the boot.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("RECORD", "read_record", "write_record")

import json
import typing as t

RECORD = "/run/gangway-docker-gate"


def read_record() -> t.Tuple[str, str]:
    """Return the state, and what tells this start of dockerd from another one: its time in ns; empty: none."""
    try:
        with open(RECORD, encoding="ascii") as stream:
            found = json.load(stream)
        return str(found["state"]), str(found["start"])
    except (OSError, ValueError, KeyError, TypeError):
        return "narrow", ""


def write_record(state: str, start: str) -> None:
    """Write it in place, since it is locked; a torn one counts as narrow."""
    with open(RECORD, "w", encoding="ascii") as stream:
        json.dump({"state": state, "start": start}, stream)
