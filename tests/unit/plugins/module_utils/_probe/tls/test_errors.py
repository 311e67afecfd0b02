# Copyright (c) 2026 the gangway.docker authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What errors of TLS mean. The names are OpenSSL's."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest

from ansible_collections.gangway.docker.plugins.module_utils._probe.tls.errors import (
    is_refusal,
    problem_of,
    verification_state,
)


def _error(reason: str, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("exc", "state"),
    [
        (socket.timeout("timed out"), "silent"),
        (_error("WRONG_VERSION_NUMBER"), "not_tls"),
        (_error("RECORD_LAYER_FAILURE"), "not_tls"),
        (_error("PACKET_LENGTH_TOO_LONG"), "not_tls"),
        (_error("UNSUPPORTED_PROTOCOL"), "tls_too_old"),
        (_error("TLSV1_ALERT_PROTOCOL_VERSION"), "tls_too_old"),
        (_error("SSLV3_ALERT_HANDSHAKE_FAILURE"), "tls_failed"),
        (_error("DH_KEY_TOO_SMALL"), "tls_failed"),
        (_error("UNEXPECTED_EOF_WHILE_READING"), "broken_off"),
        (_error("x", ssl.SSLEOFError), "broken_off"),
        (_error("x", ssl.SSLZeroReturnError), "broken_off"),
        (ConnectionResetError(104, "Connection reset by peer"), "broken_off"),
        (http.client.RemoteDisconnected("closed"), "broken_off"),
    ],
)
def test_states(exc: Exception, state: str) -> None:
    assert problem_of(exc).state == state
    assert not is_refusal(exc)


@pytest.mark.parametrize(
    "reason",
    [
        *("SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_REVOKED"),
        *("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "TLSV1_ALERT_UNKNOWN_CA"),
        *("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_ACCESS_DENIED", "tlsv13 alert certificate required"),
    ],
)
def test_refusals(reason: str) -> None:
    assert is_refusal(_error(reason))


@pytest.mark.parametrize("exc", [ConnectionResetError(), _error("TLSV1_ALERT_INTERNAL_ERROR"), OSError(), _error("")])
def test_what_is_no_refusal(exc: Exception) -> None:
    assert not is_refusal(exc)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (10, "server_expired"),
        (9, "server_not_yet_valid"),
        (20, "unknown_ca"),
        (18, "unknown_ca"),
        (62, "wrong_name"),
        (64, "wrong_name"),
        (26, "certificate_invalid"),
        (66, "certificate_invalid"),
    ],
)
def test_verification(code: int, state: str) -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code = code
    assert verification_state(error) == state
