# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that a package keeps for dockerd's options.

/etc/default/docker and /etc/sysconfig/docker under systemd are lists of assignments (EnvironmentFile= in
systemd.exec(5)); under sysvinit and OpenRC, /etc/default/docker and /etc/conf.d/docker are read by a shell.
"""

from __future__ import annotations

__all__ = ("OptionsFile",)

from dataclasses import dataclass


@dataclass(frozen=True)
class OptionsFile:
    """C(path), the name of the C(variable) that dockerd's command line takes, and the C(value) that is the user's."""

    path: str
    variable: str
    value: str
    #: Read by a shell, and not by systemd.
    is_shell: bool
    #: A supervisor starts dockerd again after a crash, with what the shell read at the service's start.
    is_supervised: bool = False
    #: The variable that names another program than dockerd.
    program_variable: str = ""
