# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer to a ping says."""

from __future__ import annotations

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.exchange import Pong, check_pong
from ansible_collections.gangway.docker.plugins.module_utils._probe.states import Problem


def _pong(status: int, body: str = "OK", api_version: str | None = "1.51") -> Pong:
    return Pong(status, body, api_version, "28.5.2", 0.0)


def test_dockerd_answers() -> None:
    check_pong(_pong(200))


@pytest.mark.parametrize(
    ("pong", "state", "told"),
    [
        (_pong(403, '{"message":"authorization denied by plugin x"}'), "rights_refused", "denied by plugin x)"),
        (_pong(401, ""), "rights_refused", "(HTTP 401)"),
        (_pong(503, "not\nyet"), "unhealthy", "(HTTP 503 not yet)"),
        (_pong(500, "[1]"), "unhealthy", "(HTTP 500 [1])"),
        (_pong(200, "hello", None), "not_docker", "hello"),
        (_pong(404, "", None), "not_docker", "404"),
        (_pong(301), "not_docker", "301"),
        (_pong(400, "Client sent an HTTP request to an HTTPS server.\n", None), "tls_required", "speaks TLS"),
    ],
)
def test_something_else(pong: Pong, state: str, told: str) -> None:
    with pytest.raises(Problem) as problem:
        check_pong(pong)
    assert problem.value.state == state
    assert told in problem.value.reason
