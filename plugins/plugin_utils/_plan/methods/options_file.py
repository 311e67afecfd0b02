# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(options_file): a marked block in the file that the package keeps for dockerd's options.

Under systemd (EnvironmentFile=) the block assigns the variable again, the user's own value followed by our flags.
Where mutual TLS can't be had, the guard, in a drop-in, assigns the user's own value again, from a file that is read
later, and dockerd starts without the port. Where a shell reads the file, the block itself asks the guard. A supervisor
does not read it again when it brings back a dockerd that has crashed, so there the block has it start a script of ours,
which asks the guard and starts dockerd.
"""

from __future__ import annotations

__all__ = ("OptionsFileMethod",)

import re

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.listener import HEADER, Listener
from .flags import listener_flags
from .guarding import alone, exec_start_section, proof, unit_section
from .method import Rendered
from .shell_block import render_flags_wrapper, shell_block, supervision_problem, wrapper_block_for_flags


class OptionsFileMethod:
    """See the module's docstring, and M(Method)."""

    name = "options_file"
    sets_flags = True

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if observed.options is None:
            return "what starts dockerd here reads no options file (EnvironmentFile= and a variable in ExecStart)"
        if not observed.options.is_shell and re.search(r"[\"'\\`$]", observed.options.value):
            return f"{observed.options.variable} in {observed.options.path} can't be read for certain"
        return supervision_problem(observed.options)

    @staticmethod
    def render(observed: Observed, listener: Listener) -> Rendered:
        options = observed.options
        if options is None:
            return Rendered()
        flags = listener_flags(observed, listener)
        if options.is_supervised:
            starter = {layout.FLAGS_WRAPPER: render_flags_wrapper(listener, flags)}
            return Rendered(files=starter, block=wrapper_block_for_flags(options, observed.flags.program))
        if options.is_shell:
            return Rendered(block=shell_block(listener, options, flags))
        # What systemd reads as it stands, but for its specifiers; quotes and the like are not in it, see above.
        in_force = layout.LISTENER_FLAGS_IN_FORCE
        users = f"{options.variable}={options.value}".replace("%", "%%")
        drop_in = (
            f"{HEADER}"
            f"{unit_section(listener)}"
            "\n"
            "[Service]\n"
            "# Written by the guard, where mutual TLS can't be had; it takes our flags out of the variable.\n"
            f"EnvironmentFile=-{layout.LISTENER_FLAGS_IN_FORCE}\n"
            f"ExecStartPre=/bin/sh -c 'rm -f {in_force}; {{ {proof(listener, options.variable)}; }} || "
            f'{{ echo "{users}" > {in_force} && {alone(options.variable)}; }}\'\n'
            f"{exec_start_section(observed)}"
        )
        block = f'{options.variable}="{f"{options.value} {flags}".strip()}"\n'
        return Rendered(files={layout.EXEC_DROP_IN: drop_in}, block=block)
