# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slices of systemd, by their names.

Standalone: part of the program that lies on each host.
"""

from __future__ import annotations

__all__ = ("slices_above",)


def slices_above(name: str) -> list[str]:
    """Return the slice and those that it lies in, see systemd.slice(5)."""
    found = []
    stem = name[: -len(".slice")] if name.endswith(".slice") else ""
    while stem and stem != "-":
        found.append(f"{stem}.slice")
        stem = stem.rpartition("-")[0]
    return [*found, "-.slice"]
