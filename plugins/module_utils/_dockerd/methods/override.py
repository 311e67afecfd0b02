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

from .. import layout
from ..observe import Observed
from .flags import listener_flags
from .guarding import guard_of_flags, unit_section
from .method import HEADER, Exposure, Rendered


class Override:
    """See the module's docstring, and M(Method)."""

    name = "override"
    sets_flags = True

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if observed.init != "systemd":
            return f"{observed.init} runs this host, and drop-ins are systemd's"
        if os.path.basename(observed.flags.program) != "dockerd":
            return f"{layout.DOCKER_SERVICE} does not start dockerd itself"
        return None

    @staticmethod
    def render(observed: Observed, exposure: Exposure) -> Rendered:
        drop_in = (
            f"{HEADER}"
            f"{unit_section(exposure)}"
            "\n"
            "[Service]\n"
            "# Written by the guard, only while mutual TLS can be had.\n"
            f"EnvironmentFile=-{layout.LISTENER_IN_FORCE}\n"
            f"ExecStartPre=/bin/sh -c '{guard_of_flags(exposure)}'\n"
            "# The line as it was, with our flags behind it; each run takes it over anew.\n"
            "ExecStart=\n"
            f"ExecStart={observed.exec_start} $GANGWAY_LISTENER\n"
        )
        listener = f'GANGWAY_LISTENER="{listener_flags(observed, exposure)}"\n'
        return Rendered(files={layout.LISTENER: listener, layout.EXEC_DROP_IN: drop_in})
