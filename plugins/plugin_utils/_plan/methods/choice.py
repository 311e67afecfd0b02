# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which method a host gets."""

from __future__ import annotations

__all__ = ("METHODS", "choose_method")

from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure

from ..host.observed import Observed
from .daemon_json import DaemonJson
from .gateway import GatewayMethod
from .method import Method
from .options_file import OptionsFileMethod
from .override import Override
from .socket import SocketMethod

#: In the order in which C(auto) tries them.
METHODS: tuple[Method, ...] = (SocketMethod(), Override(), OptionsFileMethod(), DaemonJson())
#: Where it is in place, or asked for.
GATEWAY: Method = GatewayMethod()


def choose_method(observed: Observed, asked: str, current: str) -> Method:
    """Return the method that is asked for. C(auto): the one that is in place, or else the first that fits the host.

    Failure: C(method_unsupported).
    """
    by_name = {method.name: method for method in (*METHODS, GATEWAY)}
    if asked != "auto":
        chosen = by_name[asked]
        reason = chosen.unsuitable(observed)
        if reason is not None:
            raise _unsupported(f"method {asked}", reason)
        return chosen
    candidates = [*([by_name[current]] if current in by_name else []), *METHODS]
    for method in candidates:
        if method.unsuitable(observed) is None:
            return method
    reasons = "; ".join(f"{method.name}: {method.unsuitable(observed)}" for method in METHODS)
    raise _unsupported("method auto", f"none fits this host: {reasons}")


def _unsupported(thing: str, reason: str) -> Failure:
    return Failure(
        "method_unsupported",
        thing=thing,
        reason=reason,
        cure="Choose another method (expose_method in the role), or start dockerd as one of the packages docker-ce, "
        "docker.io or moby-engine does",
    )
