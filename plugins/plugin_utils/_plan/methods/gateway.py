# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Method C(gateway): HAProxy takes the connections, and passes them on to the engine's unix socket.

dockerd is neither changed nor restarted. What is on the host is in the folder C(gateway).
"""

from __future__ import annotations

__all__ = ("GatewayMethod",)

from ..host.observed import Observed
from ..listener.listener import Listener
from .method import Rendered


class GatewayMethod:
    """See the module's docstring, and M(Method)."""

    name = "gateway"
    sets_flags = False

    @staticmethod
    def unsuitable(observed: Observed) -> str | None:
        if not observed.has_systemd:
            return f"{observed.init} runs this host, and the unit that owns the port is systemd's"
        return None

    @staticmethod
    def render(_observed: Observed, _listener: Listener) -> Rendered:
        """Nothing of dockerd's."""
        return Rendered()
