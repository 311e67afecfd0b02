# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs a command on the host, and what C(systemctl show) prints."""

from __future__ import annotations

__all__ = ("Run", "parse_show")

import typing as t

#: AnsibleModule.run_command, or a function like it: words in; exit status, stdout and stderr out.
Run = t.Callable[..., t.Tuple[int, str, str]]


def parse_show(text: str) -> dict[str, str]:
    """Read the output of C(systemctl show) for one unit. A property that repeats (Listen, ExecStartPre) is joined."""
    properties: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            properties[name] = f"{properties[name]} {value}" if name in properties else value
    return properties
