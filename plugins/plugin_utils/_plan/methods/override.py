# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(override): a drop-in of docker.service sets ExecStart to the line that is there, with our flags behind it.

The flags come in a variable, from a file that the guard puts in place before each start. Where mutual TLS can't be
had, the file is not there, and dockerd starts without the port.
"""

from __future__ import annotations

__all__ = ("Override",)

import os

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.listener import HEADER, Listener
from .flags import listener_flags
from .guarding import guard_of_flags, unit_section
from .method import Rendered


class Override:
    """See the module's docstring, and M(Method)."""

    name = "override"
    sets_flags = True

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if not observed.has_systemd:
            return f"{observed.init} runs this host, and drop-ins are systemd's"
        if os.path.basename(observed.flags.program) != "dockerd":
            return f"{layout.DOCKER_SERVICE} does not start dockerd itself"
        return None

    @staticmethod
    def render(observed: Observed, listener: Listener) -> Rendered:
        drop_in = (
            f"{HEADER}"
            f"{unit_section(listener)}"
            "\n"
            "[Service]\n"
            "# Written by the guard, only while mutual TLS can be had.\n"
            f"EnvironmentFile=-{layout.LISTENER_FLAGS_IN_FORCE}\n"
            f"ExecStartPre=/bin/sh -c '{guard_of_flags(listener)}'\n"
            "# The original line followed by our flags; each run copies it again.\n"
            "ExecStart=\n"
            f"ExecStart={observed.exec_start} $GANGWAY_LISTENER\n"
        )
        flags = f'GANGWAY_LISTENER="{listener_flags(observed, listener)}"\n'
        return Rendered(files={layout.LISTENER_FLAGS: flags, layout.EXEC_DROP_IN: drop_in})
