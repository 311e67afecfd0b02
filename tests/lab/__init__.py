# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container hosts that run a real systemd and a real dockerd, for the demo, molecule, pytest and the benchmark."""

from __future__ import annotations

__all__ = ("Engine", "Host", "find_or_start_engine", "stop_engine", "write_inventory")

from .engine import Engine, find_or_start_engine, stop_engine
from .hosts import Host
from .inventory import write_inventory
