# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connecting as those who should get nothing."""

from __future__ import annotations

__all__ = ("try_as_strangers",)

import http.client
import ssl
import typing as t

from .connecting import Address, connect
from .deadline import Deadline
from .exchange import ping
from .request import Strangers
from .states import Problem
from .tls.contexts import ClientTls, make_context
from .tls.foreign import foreign_identity, load_identity
from .tls.refusal import turned_away

_WORDS = {True: "refused", False: "answered", None: "unknown"}


def try_as_strangers(address: Address, name: str, deadline: Deadline, *, has_tls: bool) -> Strangers:
    """Try without TLS and, where the port has TLS, without a certificate and with one of a foreign CA.

    What the deadline cuts off is unknown.
    """
    plain = _plain(address, name, deadline)
    if not has_tls:
        return Strangers(plain)
    no_certificate = _WORDS[turned_away([address], _anonymous, name, deadline)]
    # Whoever answers without a certificate does not look at one.
    foreign = None if no_certificate == "answered" else _WORDS[turned_away([address], _foreign, name, deadline)]
    return Strangers(plain, no_certificate, foreign)


def _plain(address: Address, name: str, deadline: Deadline) -> str:
    try:
        connection, _address = connect([address], deadline)
        with connection:
            pong = ping(connection, name, deadline)
    except Problem as exc:
        return "refused" if exc.state == "tls_required" else "unknown"
    except (http.client.HTTPException, ConnectionError):
        # A server of TLS that gets HTTP may just hang up.
        return "refused"
    except OSError:
        return "unknown"
    return "refused" if pong.wants_tls else "answered"


def _anonymous(newest: t.Optional[ssl.TLSVersion]) -> ssl.SSLContext:
    return make_context(ClientTls(verify=False), newest=newest)


def _foreign(newest: t.Optional[ssl.TLSVersion]) -> ssl.SSLContext:
    context = _anonymous(newest)
    load_identity(context, *foreign_identity())
    return context
