# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dockerd's flags for the port: TLS stands beside C(-H tcp://), so that the one is never there without the other."""

from __future__ import annotations

__all__ = ("listener_flags",)

from ansible_collections.gangway.docker.plugins.module_utils._shared import layout

from ..host.observed import Observed
from ..listener.listener import Listener, tcp_url

DEFAULT_HOST = "unix:///var/run/docker.sock"
_TLS_FLAGS = (
    "--tlsverify",
    f"--tlscacert={layout.CA}",
    f"--tlscert={layout.CERTIFICATE}",
    f"--tlskey={layout.KEY}",
)


def listener_flags(observed: Observed, listener: Listener) -> str:
    """Return the words that make dockerd listen.

    With any -H dockerd gives up its default unix socket, so that is named where nothing else names a host. Without
    C(--tls=false) dockerd waits 16 s before it opens a port without TLS.
    """
    words = [] if observed.flags.hosts else ["-H", DEFAULT_HOST]
    for entry in listener.listen:
        words += ["-H", tcp_url(entry)]
    return " ".join([*words, *(_TLS_FLAGS if listener.tls else ("--tls=false",))])
