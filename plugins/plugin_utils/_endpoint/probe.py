# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking an endpoint through the network, as a client of the fleet would."""

from __future__ import annotations

__all__ = ("is_turned_away", "probe_endpoint")

import ssl

from ansible_collections.gangway.docker.plugins.module_utils._probe.connecting import resolve
from ansible_collections.gangway.docker.plugins.module_utils._probe.deadline import Deadline
from ansible_collections.gangway.docker.plugins.module_utils._probe.probe import probe
from ansible_collections.gangway.docker.plugins.module_utils._probe.request import Request
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import ANSWERS, Problem
from ansible_collections.gangway.docker.plugins.module_utils._probe.target import parse_target
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.contexts import ClientTls, make_context
from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.refusal import turned_away
from ansible_collections.gangway.docker.plugins.module_utils._shared.failure import Failure
from ansible_collections.gangway.docker.plugins.module_utils._shared.formats import Connection

_TIMEOUT = 10.0


def probe_endpoint(connection: Connection) -> str | None:
    """Return None where the endpoint works for this client, else why not, for people."""
    try:
        target = parse_target(connection.url)
        tls = None if connection.cert_path is None else _client_tls(connection.cert_path)
        # Strict, since what we make is good for the strictest clients.
        result = probe(Request(target, tls, timeout=_TIMEOUT, as_strangers=False, strict=True))
    except Failure as exc:
        return str(exc)
    return None if result.state == ANSWERS else result.reason


def is_turned_away(connection: Connection, ca: str) -> bool | None:
    """Tell whether the endpoint, known by the CAs in the file C(ca), lets this client in; None: nothing is proved."""
    if connection.cert_path is None:
        return None
    tls = _client_tls(connection.cert_path, ca=ca)

    def make(newest: ssl.TLSVersion | None) -> ssl.SSLContext:
        return make_context(tls, strict=True, newest=newest)

    try:
        # A bundle that can't be read proves nothing.
        make(None)
        target, deadline = parse_target(connection.url), Deadline(_TIMEOUT)
        return turned_away(resolve(target, deadline), make, target.host, deadline)
    except (Failure, Problem, OSError):
        return None


def _client_tls(folder: str, *, ca: str | None = None) -> ClientTls:
    return ClientTls(
        verify=True, ca=ca or f"{folder}/ca.pem", certificate=f"{folder}/cert.pem", key=f"{folder}/key.pem"
    )
