# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(options_file): a marked block in the file that the package keeps for dockerd's options.

Under systemd (EnvironmentFile=) the block assigns the variable anew, the user's own value and our flags behind it; the
flags carry TLS with them, so that dockerd does not start where it can't be had. Where a shell reads the file, the block
adds our flags only when the guard agrees.
"""

from __future__ import annotations

__all__ = ("OptionsFileMethod",)

import re

from .. import layout
from ..observe import Observed
from .flags import listener_flags
from .method import HEADER, Exposure, Rendered
from .shell_block import shell_block


class OptionsFileMethod:
    """See the module's docstring, and M(Method)."""

    name = "options_file"
    sets_flags = True

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if observed.options is None:
            return "what starts dockerd here reads no options file (EnvironmentFile= and a variable in ExecStart)"
        if not observed.options.is_shell and re.search(r"[\"'\\`$]", observed.options.value):
            return f"what {observed.options.variable} in {observed.options.path} stands for can't be told for certain"
        return None

    @staticmethod
    def render(observed: Observed, exposure: Exposure) -> Rendered:
        options = observed.options
        if options is None:
            return Rendered()
        flags = listener_flags(observed, exposure)
        if options.is_shell:
            return Rendered(block=shell_block(exposure, options.variable, flags))
        files = {}
        if exposure.firewall == "nftables":
            # Without its rules dockerd does not start: the port comes with the same start.
            unit = f"[Unit]\nRequires={layout.FIREWALL_SERVICE}\nAfter={layout.FIREWALL_SERVICE}\n"
            files[layout.EXEC_DROP_IN] = f"{HEADER}{unit}"
        return Rendered(files=files, block=f'{options.variable}="{f"{options.value} {flags}".strip()}"\n')
